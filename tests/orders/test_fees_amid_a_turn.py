"""A fee that is told between a turn's look and its write: it belongs to its own deal, and to no other."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from time import monotonic

from bots.engine import claims
from bots.engine.compare import change_of
from bots.engine.look import look
from bots.engine.send import send
from bots.engine.turn import decide
from bots.engine.write import write
from bots.models import Bot, Deal
from orders.invariants import breaches
from orders.models import Order
from orders.services import order_settle
from tests.engine.conftest import NOW, World
from tests.orders.fills import IN_A_THIRD

D = Decimal
MORE = D("0.5")


def round_of(world: World, bot: Bot, meanwhile: Callable[[], None] = lambda: None) -> None:
    """One round of a turn, with `meanwhile` between its look and its write."""
    token, mine = claims.claim([bot.pk])
    changes = [change_of(one, decide(one), now=NOW) for one in look(token, mine, exchanges=world.exchanges)]
    meanwhile()
    write(changes, token=token, exchanges=world.exchanges, now=NOW)
    placed = [order for change in changes for order in change.place]
    send(mine, placed, hold=claims.Hold(token, monotonic()), exchanges=world.exchanges, now=NOW)
    claims.release(token)


def costs_more(world: World, order: Order) -> None:
    """The exchange tells another fee of the order's only fill than before."""
    told = world.exchange.books[order.client_id]
    fills = (replace(told.fills[0], fee=told.fills[0].fee + MORE),)
    order_settle(order=Order.objects.get(pk=order.pk), report=replace(told, fills=fills), now=NOW)


def filled_for_a_third_currency(world: World, order: Order) -> None:
    told = world.exchange.books[order.client_id]
    told = replace(told, fills=(replace(told.fills[0], **IN_A_THIRD),))
    order_settle(order=Order.objects.get(pk=order.pk), report=told, now=NOW)


def bought_and_sold(world: World, deals: int) -> tuple[Bot, Order]:
    """A bot that has just sold what its first deal bought, and has not looked yet; and that sale."""
    bot = world.bot(max_deals=deals)
    world.turn(bot)
    world.exchange.prices.at += 1000
    sale = world.orders(bot)[-1]
    order_settle(order=sale, report=world.exchange.fill(sale), now=NOW)
    return bot, sale


def pnl_of(bot: Bot) -> Decimal:
    pnl: Decimal = Bot.objects.values_list("pnl", flat=True).get(pk=bot.pk)
    return pnl


def deals_of(bot: Bot) -> list[tuple[Decimal, Decimal]]:
    return list(Deal.objects.filter(bot=bot).order_by("number").values_list("pnl_before", "pnl"))


def test_a_deal_that_closes_counts_a_fee_that_was_told_since_the_look(world: World) -> None:
    bot, sale = bought_and_sold(world, deals=1)
    before = pnl_of(bot)
    round_of(world, bot, lambda: costs_more(world, sale))
    assert pnl_of(bot) == before - MORE
    assert deals_of(bot) == [(D(0), before - MORE)]
    assert breaches() == []


def test_the_next_deal_begins_beyond_a_fee_that_was_told_since_the_look(world: World) -> None:
    bot, sale = bought_and_sold(world, deals=2)
    before = pnl_of(bot)
    round_of(world, bot)
    round_of(world, bot, lambda: costs_more(world, sale))
    assert deals_of(bot) == [(D(0), before - MORE), (before - MORE, D(0))]
    assert breaches() == []


def test_a_purchase_that_opens_a_deal_pays_its_fee_in_that_deal(world: World) -> None:
    """One in a third currency is realised at once, before any decision has seen the deal open."""
    bot = world.bot(max_deals=2)
    world.exchange.then = ["fills_later", "answer"] * 2
    for _ in range(2):
        world.exchange.prices.at += 1000
        round_of(world, bot)
        filled_for_a_third_currency(world, world.orders(bot)[-1])
        round_of(world, bot)
        world.exchange.prices.at += 1000
        sale = world.orders(bot)[-1]
        order_settle(order=sale, report=world.exchange.fill(sale), now=NOW)
    round_of(world, bot)
    first, second = Deal.objects.filter(bot=bot).order_by("number")
    assert (first.pnl_before, second.pnl_before, first.pnl + second.pnl) == (0, first.pnl, pnl_of(bot))
    assert breaches() == []


def test_a_late_fee_of_the_last_deal_is_none_of_the_next_ones_opening(world: World) -> None:
    bot, _ = bought_and_sold(world, deals=2)
    purchase, before = world.orders(bot)[0], pnl_of(bot)
    world.exchange.then = ["fills_later"]
    round_of(world, bot)
    costs_more(world, purchase)
    following = world.orders(bot)[-1]
    order_settle(order=following, report=world.exchange.books[following.client_id], now=NOW)
    round_of(world, bot)
    assert deals_of(bot) == [(D(0), before - MORE), (before - MORE, D(0))]
    assert breaches() == []
