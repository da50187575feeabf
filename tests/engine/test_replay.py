"""What a bot remembers follows from what it saw."""

import pytest

from accounts.models import User
from bots.engine.replay import replay_breaches, replayed
from bots.models import Bot, Decision
from tests.engine.simulation import BUSY_DCA, Simulation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bot() -> Bot:
    simulation = Simulation(User.objects.create_user("alice@example.com"))
    bot = simulation.start("dca", BUSY_DCA)
    simulation.play(minutes=120)
    return Bot.objects.get(pk=bot.pk)


def test_replaying_the_journal_gives_the_memory_that_is_stored(bot: Bot) -> None:
    assert bot.decisions_made > 5
    assert list(replay_breaches(bot)) == []
    assert [memory for _, memory in replayed(bot)][-1] == bot.memory


def test_a_memory_that_was_tampered_with_is_found(bot: Bot) -> None:
    assert bot.memory is not None
    bot.memory["inner"]["deals"] = 77
    assert [str(breach).split(": ")[1] for breach in replay_breaches(bot)] == [
        "the stored memory is not the journal's last"
    ]


def test_a_decision_that_was_tampered_with_is_found(bot: Bot) -> None:
    row = Decision.objects.get(bot=bot, number=3)
    row.seen["cash"] = "1"
    row.seen["fills"] = []
    row.save()
    assert len(list(replay_breaches(bot))) == 1


def test_once_older_rows_are_pruned_replay_begins_at_a_snapshot(bot: Bot) -> None:
    third = next(memory for row, memory in replayed(bot) if row.number == 3)
    Decision.objects.filter(bot=bot, number=3).update(memory=third)
    Decision.objects.filter(bot=bot, number__lt=2).delete()
    assert list(replay_breaches(bot)) == []
    assert next(row.number for row, _ in replayed(bot)) == 4


def test_what_another_version_has_decided_is_not_decided_again(bot: Bot) -> None:
    """An upgrade: the old decisions remembered less, and replay goes on from the next snapshot."""
    fifth = next(memory for row, memory in replayed(bot) if row.number == 5)
    old = Decision.objects.filter(bot=bot, number__lte=5)
    old.update(strategy_version=0, memory_hash="of less")
    assert list(replay_breaches(bot)) == []
    assert list(replayed(bot)) == [], "no snapshot has followed"
    Decision.objects.filter(bot=bot, number=5).update(memory=fifth)
    assert next(row.number for row, _ in replayed(bot)) == 6
    assert list(replay_breaches(bot)) == []
    Decision.objects.filter(bot=bot, number=6).update(memory_hash="wrong")
    assert [breach.number for breach in replay_breaches(bot)] == [6]


def test_a_bot_whose_last_decision_was_another_versions_is_sound(bot: Bot) -> None:
    Decision.objects.filter(bot=bot, number=bot.decisions_made).update(
        strategy_version=0, memory_hash="other"
    )
    assert list(replay_breaches(bot)) == []
