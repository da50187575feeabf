"""The kill switch at a terminal: what operators press, and one sentence for what cannot be."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from activity.models import ActivityLog
from bots.models import Bot, KillSwitch, Level, Scope
from bots.services import Target, may_release, switch_press, switches_sweep
from orders.models import Order
from tests import people
from tests.people import NOW

pytestmark = pytest.mark.django_db
PRESS = ("press", "--level", "cancel", "--why", "Maintenance", "--scope")


@pytest.fixture
def bot() -> Bot:
    people.market()
    return people.bot(people.alice())


def told(*words: str) -> str:
    out = StringIO()
    call_command("kill_switch", *words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> str:
    with pytest.raises(CommandError) as wrong:
        told(*words)
    assert wrong.value.returncode == 2
    return str(wrong.value)


def test_the_whole_platform_is_stopped_listed_and_released(bot: Bot) -> None:
    order = people.open_order(bot)
    line = told(*PRESS, "system")
    assert line == "system cancel  everybody  1 orders may rest, 0 bots sell  Why: Maintenance\n"
    assert Order.objects.get(pk=order.pk).cancel_requested_at is not None
    assert told("list") == line
    people.cancelled(Order.objects.get(pk=order.pk))
    switches_sweep(now=NOW)
    assert "nothing rests, seen at 2026-01-05 12:00:00 UTC" in told("list")
    assert told("release", "--scope", "system") == "Released.\n"
    assert told("list") == "No kill switch is on.\n"
    assert ActivityLog.objects.filter(user=bot.user, message__contains="Maintenance").exists()


def test_each_scope_names_what_it_stops(bot: Bot) -> None:
    market = ("--exchange", "simulated", "--ticker", "BTC/USDT")
    told(*PRESS, "bot", "--bot", str(bot.pk))
    told(*PRESS, "market", *market)
    told(*PRESS, "market", *market, "--user", "ALICE@example.org")
    told(*PRESS, "user", "--user", "alice@example.org")
    listed = told("list").splitlines()
    assert [line.partition("  0 orders")[0] for line in listed] == [
        f"bot    cancel  alice@example.org Demo grid ({bot.pk})",
        "market cancel  simulated BTC/USDT everybody",
        "market cancel  simulated BTC/USDT alice@example.org",
        "user   cancel  alice@example.org",
    ]
    told("release", "--scope", "market", *market)
    left = KillSwitch.objects.filter(released_at__isnull=True, scope=Scope.MARKET)
    assert [one.user for one in left] == [bot.user]


def test_what_an_operator_presses_its_owner_cannot_release(bot: Bot) -> None:
    mine = switch_press(
        target=Target(Scope.USER, bot.user), level=Level.BLOCK, by=bot.user, now=NOW, why="Mine"
    )
    assert may_release(mine, bot.user)
    told(*PRESS, "user", "--user", "alice@example.org")
    mine.refresh_from_db()
    assert (mine.level, mine.why, may_release(mine, bot.user)) == (Level.CANCEL, "Maintenance", False)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("system", "--user", "alice@example.org"), "--scope system needs no other name."),
        (("bot",), "--scope bot needs --bot."),
        (("market", "--exchange", "simulated"), "needs --exchange and --ticker, and may have --user."),
        (("user",), "--scope user needs --user."),
        (("user", "--user", "nobody@example.org"), "nobody here has the address nobody@example.org."),
        (("bot", "--bot", "12"), "there is no bot 12."),
        (("market", "--exchange", "simulated", "--ticker", "NO/SUCH"), "not traded"),
        (("system", "--why", "x" * 301), "at most 300 characters"),
    ],
)
def test_what_cannot_be_is_one_sentence(bot: Bot, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in refused(*PRESS, *words)
    assert not KillSwitch.objects.exists()


def test_what_is_not_on_cannot_be_released(bot: Bot) -> None:
    assert "No such kill switch is on" in refused("release", "--scope", "system")
