"""Old and new code at once, settings changed in the midst of a turn, a memory that is broken (rows 56–58)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bots.engine.replay import replay_breaches, replayed
from bots.engine.turn import run_turn
from bots.models import Bot, BotStatus, Decision
from bots.services import bot_edit, bot_start, bot_stop
from orders.states import OrderStatus
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import ONE_BUY, Floor
from tests.gateways.exchange.meanwhile import Meanwhile
from tests.gateways.exchange.public import NAME
from tests.rows.deaths import once, turn_with

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
BROKEN: list[Any] = [{"nonsense": True}, [], "text", {}, 7]


def tried_and_stopped(floor: Floor, bot: Bot) -> Bot:
    """Until it is set aside: three tries, each after a rest."""
    for _ in range(3):
        Bot.objects.filter(pk=bot.pk).update(retry_at=None)
        floor.ring(bot)
        floor.turn(bot)
    row = Bot.objects.get(pk=bot.pk)
    assert (row.status, bool(row.phase_why)) == (BotStatus.ERROR, True)
    return row


@pytest.mark.row(58)
@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_broken_memory_is_refused_and_rebuilt_from_the_journal(floor: Floor, broken: Any) -> None:
    bot = floor.bot()
    floor.turn(bot)
    sent, whole = len(floor.exchange.oracle.creates), Bot.objects.get(pk=bot.pk).memory
    Bot.objects.filter(pk=bot.pk).update(memory=broken)
    assert [found.what for found in replay_breaches(Bot.objects.get(pk=bot.pk))], "the daily check sees it"
    tried_and_stopped(floor, bot)
    assert len(floor.exchange.oracle.creates) == sent
    assert statuses(floor, bot) == [FILLED, OPEN], "its target protects it all the while"
    *_, (_, memory) = replayed(bot)
    assert memory == whole
    Bot.objects.filter(pk=bot.pk).update(memory=memory)
    bot_stop(bot=Bot.objects.get(pk=bot.pk), now=floor.now, how="keep_orders")
    bot_start(bot=Bot.objects.get(pk=bot.pk), exchanges=floor.exchanges, now=floor.now)
    floor.exchange.ledger.fill(floor.exchange.ledger.orders[-1])
    come_to_rest(floor)
    assert statuses(floor, bot)[:2] == [FILLED, FILLED]
    agree(floor)


@pytest.mark.row(57)
def test_settings_changed_in_the_midst_of_a_turn_are_those_of_the_next_decision(floor: Floor) -> None:
    bot = floor.bot()
    wider = ONE_BUY | {"base_order_volume": "200", "take_profit_pct": "20"}

    def edited() -> None:
        fresh = Bot.objects.get(pk=bot.pk)
        bot_edit(bot=fresh, name="Buyer", values=wider, this_deal_too=False, now=floor.now)

    exchanges = floor.exchanges
    prices = Meanwhile(exchanges.prices[NAME], edited)
    run_turn([bot.pk], exchanges=replace(exchanges, prices={NAME: prices}), now=floor.now)
    come_to_rest(floor)
    versions = set(Decision.objects.filter(bot=bot).values_list("settings_version", flat=True))
    assert versions == {2}, "what was decided by the old ones was not written"
    bought, target = floor.orders(bot)
    assert bought.cost > 190
    assert target.price > 59_000
    agree(floor)


@pytest.mark.row(57)
def test_settings_changed_while_an_order_is_sent_leave_the_deal_as_it_began(floor: Floor) -> None:
    bot = floor.bot()

    def edited() -> None:
        fresh = Bot.objects.get(pk=bot.pk)
        values = ONE_BUY | {"take_profit_pct": "20"}
        bot_edit(bot=fresh, name="Buyer", values=values, this_deal_too=False, now=floor.now)

    turn_with(floor, bot, before=once(edited))
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, OPEN]
    assert Bot.objects.get(pk=bot.pk).settings_version == 2
    used = Decision.objects.filter(bot=bot).latest("number").settings_version
    bought, target = floor.orders(bot)
    gain = target.price / (bought.cost / bought.filled)
    assert round(gain, 1) == {1: Decimal("1.1"), 2: Decimal("1.2")}[used], "as the decision says it was"
    agree(floor)


@pytest.mark.row(56)
def test_a_memory_of_newer_code_is_neither_read_nor_written_over(floor: Floor) -> None:
    """As a worker that was not restarted finds it; one that was goes on from it."""
    bot = floor.bot()
    floor.turn(bot)
    whole = Bot.objects.get(pk=bot.pk).memory or {}
    newer = {**whole, "a_field_to_come": 1}
    Bot.objects.filter(pk=bot.pk).update(memory=newer)
    floor.ring(bot)
    floor.turn(bot)
    row = Bot.objects.get(pk=bot.pk)
    assert (row.memory, row.failures, row.status) == (newer, 1, BotStatus.ACTIVE)
    Bot.objects.filter(pk=bot.pk).update(memory=whole, retry_at=None)
    floor.turn(bot)
    assert Bot.objects.get(pk=bot.pk).failures == 0
    come_to_rest(floor)
    agree(floor)
