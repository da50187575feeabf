"""Whoever else is on the same account: its owner, another bot of ours; and ids that are used twice
(rows 46, 47, 50, 53)."""

from decimal import Decimal
from typing import Any

import pytest

from bots.models import Bot, BotStatus
from bots.services import ServiceRefused
from orders.models import Trade
from orders.states import OrderStatus
from tests.exchange.orders import Order as Theirs
from tests.exchange.orders import Wish
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import Floor

FILLED, OPEN, CANCELLED = OrderStatus.FILLED, OrderStatus.OPEN, OrderStatus.CANCELLED
LADDER: dict[str, Any] = {
    "max_safety_orders": 2,
    "active_safety_orders": 2,
    "safety_order_volume": "100",
    "safety_order_step_pct": "1",
}
D = Decimal


def by_hand(floor: Floor) -> Theirs:
    wish = Wish("BTCUSDT", "SELL", "LIMIT", "by-hand", D("0.5"), D(60_000))
    return floor.exchange.ledger.place(floor.exchange.alice.key, wish)


@pytest.mark.row(46)
def test_orders_and_fills_of_somebody_else_are_left_alone(floor: Floor) -> None:
    """Also when our own orders are cancelled beside them, all of them."""
    foreign, bot = by_hand(floor), floor.bot(**LADDER)
    floor.turn(bot)
    floor.exchange.ledger.fill(foreign, D("0.1"))
    floor.later(6)
    assert Bot.objects.get(pk=bot.pk).total_trades == 1
    floor.exchange.ledger.move("BTCUSDT", 56_000)
    come_to_rest(floor)
    assert CANCELLED in statuses(floor, bot), "the deal is over, and its ladder with it"
    assert foreign.open
    cancels = [seen.params["orderId"] for seen in floor.exchange.oracle.asked("DELETE", "/api/v3/order")]
    assert len(cancels) == 2
    assert str(foreign.id) not in cancels
    agree(floor)


@pytest.mark.row(46)
def test_an_order_of_ours_that_somebody_cancels_is_placed_again(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    floor.exchange.ledger.cancel(floor.exchange.ledger.orders[-1])
    come_to_rest(floor)
    assert statuses(floor, bot) == [FILLED, CANCELLED, OPEN], "the position is protected again"
    agree(floor)


@pytest.mark.row(47)
def test_two_bots_of_one_account_share_its_money_and_never_spend_it_twice(floor: Floor) -> None:
    """Both buy all they may at the same price."""
    bots = [floor.bot(name, investment="50000", base_order_volume="49000") for name in ("One", "Two")]
    with pytest.raises(ServiceRefused):
        floor.bot("Three")
    floor.turn(*bots)
    assert [statuses(floor, bot) for bot in bots] == [[FILLED, OPEN]] * 2
    assert 0 <= floor.exchange.alice.balances["USDT"].total == sum(bot.cash for bot in Bot.objects.all())
    floor.exchange.ledger.move("BTCUSDT", 56_000)
    come_to_rest(floor)
    assert [statuses(floor, bot) for bot in bots] == [[FILLED, FILLED]] * 2
    agree(floor)


@pytest.mark.row(50)
def test_two_bots_that_trade_with_each_other_have_one_trade_id_and_a_fill_each(floor: Floor) -> None:
    selling, buying = floor.bot("Selling"), floor.bot("Buying", **LADDER)
    floor.turn(selling, buying)
    ledger = floor.exchange.ledger
    (sell,) = (order for order in ledger.orders if order.client_id == floor.orders(selling)[-1].client_id)
    buy = next(order for order in ledger.orders if order.open and order.wish.buys)
    one, other = ledger.self_trade(buy, sell, D("0.001"))
    come_to_rest(floor)
    booked = Trade.objects.filter(exchange_trade_id=str(one.id))
    assert {(trade.bot_id, trade.side) for trade in booked} == {(selling.pk, "sell"), (buying.pk, "buy")}
    assert one.id == other.id
    agree(floor)


@pytest.mark.row(53)
def test_ids_that_serve_two_markets_and_begin_anew_name_each_fill_once(floor: Floor) -> None:
    bots = [floor.bot(ticker, ticker=ticker) for ticker in ("BTC/USDT", "ETH/USDT")]
    floor.turn(*bots)
    floor.exchange.ledger.count_trades_anew()
    for symbol, price in (("BTCUSDT", 56_000), ("ETHUSDT", 2_800)):
        floor.exchange.ledger.move(symbol, price)
    come_to_rest(floor)
    assert [statuses(floor, bot) for bot in bots] == [[FILLED, FILLED]] * 2
    ids = Trade.objects.values_list("exchange_trade_id", flat=True)
    assert (len(ids), len(set(ids))) == (4, 1), "each of them is the first of its market, twice"
    assert {bot.status for bot in Bot.objects.all()} == {BotStatus.STOPPED}
    agree(floor)
