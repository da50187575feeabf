"""The desk takes orders as the paper exchange does, and spends nothing twice."""

from decimal import Decimal

import pytest

from bots.backtest.desk import Desk, pocket
from bots.strategies.base import OrderIntent, Role
from bots.strategies.difference import reserved
from orders.accounting import Position
from orders.matching import Quote
from orders.rules import OrderKind, Side
from orders.states import OrderStatus
from tests.backtest.walks import MARKET

QUOTE = Quote(Decimal(99), Decimal(101), Decimal(100), 1_000)


def desk(cash: str = "1000", coins: str = "1") -> Desk:
    held = Position().with_coins(Decimal(coins), Decimal(99)) if Decimal(coins) else Position()
    return Desk(MARKET, cash=Decimal(cash), position=held, slippage_pct=Decimal(0))


def order(side: Side, price: str | None, amount: str = "1", *, post_only: bool = False) -> OrderIntent:
    kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
    at = None if price is None else Decimal(price)
    return OrderIntent(side, kind, Decimal(amount), at, Role.ADD, post_only)


def place(on: Desk, slot: str, intent: OrderIntent) -> None:
    taken = reserved(intent, MARKET, QUOTE.ask)
    on.place(slot, intent, taken, QUOTE)


def statuses(on: Desk) -> dict[str, OrderStatus]:
    return {order.slot: order.status for order in on.take_news()[1]}


def test_what_is_not_marketable_rests_and_its_money_is_reserved() -> None:
    on = desk()
    place(on, "buy", order(Side.BUY, "90"))
    place(on, "sell", order(Side.SELL, "110", "0.4"))
    assert (on.reserved_quote, on.reserved_base) == (Decimal("90.09"), Decimal("0.4"))
    assert (on.buy_trigger, on.sell_trigger) == (Decimal("89.99"), Decimal("110.01"))
    on.cancel("buy")
    assert on.reserved_quote == 0
    assert on.buy_trigger is None
    assert statuses(on) == {"buy": OrderStatus.CANCELLED}


def test_coins_that_another_order_offers_cannot_be_sold_at_market() -> None:
    on = desk()
    place(on, "target", order(Side.SELL, "110", "0.7"))
    place(on, "exit", order(Side.SELL, None, "0.5"))
    assert statuses(on) == {"exit": OrderStatus.REFUSED}
    assert on.position.amount == 1
    assert on.refusals == 1


def test_quote_that_another_order_reserves_cannot_be_spent_at_market() -> None:
    on = desk(cash="150")
    place(on, "bid", order(Side.BUY, "90"))
    place(on, "now", order(Side.BUY, None))
    assert statuses(on) == {"now": OrderStatus.REFUSED}
    assert on.cash == 150


def test_a_post_only_order_that_would_take_is_refused_and_an_immediate_one_ends() -> None:
    on = desk()
    place(on, "maker", order(Side.BUY, "101", post_only=True))
    place(on, "now", OrderIntent(Side.BUY, OrderKind.IOC, Decimal(1), Decimal(100), Role.ENTRY))
    assert statuses(on) == {"maker": OrderStatus.REFUSED, "now": OrderStatus.CANCELLED}


def test_what_the_price_passes_fills_at_its_own_price_nearest_first() -> None:
    on = desk(cash="1000", coins="0")
    for slot, price in (("far", "95"), ("near", "97"), ("below", "90")):
        place(on, slot, order(Side.BUY, price))
    on.pass_through(Decimal("94.99"), Decimal(100), Quote(Decimal(94), Decimal(96), Decimal(95), 2_000))
    fills, closed = on.take_news()
    assert [(fill.slot, fill.price, fill.at) for fill in fills] == [
        ("near", Decimal(97), 2_000),
        ("far", Decimal(95), 2_000),
    ]
    assert {order.status for order in closed} == {OrderStatus.FILLED}
    assert set(on.live) == {"below"}
    assert on.log.makers == [True, True]


@pytest.mark.parametrize(("coins", "cash"), [("0", "1000"), ("2", "802")])
def test_coins_brought_along_count_in_the_investment(coins: str, cash: str) -> None:
    money, position = pocket(investment=Decimal(1000), coins=Decimal(coins), bid=Decimal(99))
    assert (money, position.amount) == (Decimal(cash), Decimal(coins))
