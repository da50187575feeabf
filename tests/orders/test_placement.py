"""What becomes of an order the moment a paper exchange hears of it."""

from decimal import Decimal

import pytest

from orders.matching import Placement, Quote, placed
from orders.rules import Market, OrderKind, Side
from orders.states import OrderStatus

D = Decimal
MARKET = Market("simulated", "BTC/USDT", tick=D("0.01"), lot=D("0.001"), min_amount=D("0.01"), min_cost=D(5))
QUOTE = Quote(bid=D("99.9"), ask=D("100.1"), last=D(100), at=0)
OPEN, FILLED, CANCELLED, REFUSED = (
    OrderStatus.OPEN, OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REFUSED,
)  # fmt: skip


def arrives(
    side: Side,
    kind: OrderKind,
    limit: str | None,
    amount: str = "1",
    *,
    post_only: bool = False,
    slippage: str = "0",
) -> Placement:
    return placed(
        side=side,
        kind=kind,
        amount=D(amount),
        limit=None if limit is None else D(limit),
        post_only=post_only,
        quote=QUOTE,
        slippage_pct=D(slippage),
        market=MARKET,
    )


@pytest.mark.parametrize(
    ("side", "kind", "limit", "status", "price"),
    [
        (Side.BUY, OrderKind.MARKET, None, FILLED, "100.1"),
        (Side.SELL, OrderKind.MARKET, None, FILLED, "99.9"),
        (Side.BUY, OrderKind.LIMIT, "100", OPEN, None),
        (Side.SELL, OrderKind.LIMIT, "100", OPEN, None),
        (Side.BUY, OrderKind.LIMIT, "100.1", FILLED, "100.1"),
        (Side.SELL, OrderKind.LIMIT, "99.9", FILLED, "99.9"),
        (Side.BUY, OrderKind.LIMIT, "105", FILLED, "100.1"),
        (Side.BUY, OrderKind.IOC, "100", CANCELLED, None),
        (Side.SELL, OrderKind.IOC, "100", CANCELLED, None),
        (Side.SELL, OrderKind.IOC, "95", FILLED, "99.9"),
    ],
)
def test_an_order_rests_fills_or_ends(
    side: Side, kind: OrderKind, limit: str | None, status: OrderStatus, price: str | None
) -> None:
    assert arrives(side, kind, limit) == Placement(status, None if price is None else D(price))


def test_a_taker_pays_the_slippage_but_never_beyond_its_limit() -> None:
    assert arrives(Side.BUY, OrderKind.MARKET, None, slippage="1").price == D("101.11")
    assert arrives(Side.BUY, OrderKind.LIMIT, "100.5", slippage="1").price == D("100.5")
    assert arrives(Side.SELL, OrderKind.IOC, "99.5", slippage="1").price == D("99.5")


@pytest.mark.parametrize(("limit", "status"), [("100.09", OPEN), ("100.1", REFUSED), ("105", REFUSED)])
def test_post_only_rests_or_is_refused(limit: str, status: OrderStatus) -> None:
    found = arrives(Side.BUY, OrderKind.LIMIT, limit, post_only=True)
    assert (found.status, found.price) == (status, None)
    assert ("would take" in found.why) is (status is REFUSED)


@pytest.mark.parametrize(
    ("kind", "amount", "limit", "word"),
    [
        (OrderKind.MARKET, "0.009", None, "0.009 BTC is under the market's minimum"),
        (OrderKind.MARKET, "0.049", None, "under the market's minimum"),
        (OrderKind.LIMIT, "0.05", "99.99", "under the market's minimum"),
        (OrderKind.LIMIT, "0", "99", "under the market's minimum"),
        (OrderKind.LIMIT, "1", "99.995", "the price 99.995 is not on the tick 0.01"),
        (OrderKind.LIMIT, "1.0005", "99", "the amount 1.0005 is not on the lot 0.001"),
        (OrderKind.MARKET, "1.0005", None, "not on the lot"),
    ],
)
def test_what_the_market_does_not_take_is_refused_with_its_reason(
    kind: OrderKind, amount: str, limit: str | None, word: str
) -> None:
    found = arrives(Side.BUY, kind, limit, amount)
    assert (found.status, found.price) == (REFUSED, None)
    assert word in found.why


def test_the_minimum_is_measured_at_what_is_paid() -> None:
    """A limit far over the ask fills at the ask: that is what the order costs."""
    assert arrives(Side.BUY, OrderKind.LIMIT, "120", "0.049").status is REFUSED
    assert arrives(Side.BUY, OrderKind.LIMIT, "120", "0.05").status is FILLED
    assert arrives(Side.BUY, OrderKind.LIMIT, "100", "0.05").status is OPEN
