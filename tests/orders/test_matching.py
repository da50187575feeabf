"""The one fill rule."""

from decimal import Decimal

import pytest

from orders.matching import Candle, Quote, fill, market_price, passing_price, quote_around, taker_price, walk
from orders.rules import FeeIn, Market, OrderKind, Side

D = Decimal
MARKET = Market("simulated", "BTC/USDT", D("0.01"), D("0.001"), D(0), D(5))
QUOTE = Quote(D("99.9"), D("100.1"), D(100), 0)


def placed(side: Side, kind: OrderKind, limit: str | None, slippage: str = "0") -> Decimal | None:
    return taker_price(
        side=side,
        kind=kind,
        limit=None if limit is None else D(limit),
        quote=QUOTE,
        slippage_pct=D(slippage),
        tick=MARKET.tick,
    )


@pytest.mark.parametrize(
    ("close", "path"), [(101, (100, 90, 110, 101)), (100, (100, 90, 110, 100)), (99, (100, 110, 90, 99))]
)
def test_a_candle_walks_its_low_first_when_it_closes_at_or_above_its_open(
    close: int, path: tuple[int, ...]
) -> None:
    assert walk(Candle(0, D(100), D(110), D(90), D(close))) == tuple(map(D, path))


def test_a_limit_fills_one_tick_through_its_price() -> None:
    assert passing_price(Side.BUY, D(100), MARKET.tick) == D("99.99")
    assert passing_price(Side.SELL, D(100), MARKET.tick) == D("100.01")


@pytest.mark.parametrize(
    ("side", "limit", "price"),
    [
        (Side.BUY, "100.09", None),
        (Side.BUY, "100.10", "100.1"),
        (Side.BUY, "105", "100.1"),
        (Side.SELL, "99.91", None),
        (Side.SELL, "99.90", "99.9"),
        (Side.SELL, "90", "99.9"),
    ],
)
def test_a_limit_is_marketable_from_the_touch_on(side: Side, limit: str, price: str | None) -> None:
    assert placed(side, OrderKind.LIMIT, limit) == (None if price is None else D(price))


def test_slippage_worsens_a_market_order_and_never_breaks_a_limit() -> None:
    assert placed(Side.BUY, OrderKind.MARKET, None, slippage="1") == D("101.11")
    assert placed(Side.BUY, OrderKind.IOC, "100.5", slippage="1") == D("100.5")
    assert market_price(Side.SELL, QUOTE, D(1), MARKET.tick) == D("98.9")


def test_bid_and_ask_stand_on_the_tick_around_the_last_price() -> None:
    quote = quote_around(D("100.00"), MARKET, D(2), 0)
    assert (quote.bid, quote.ask) == (D("99.99"), D("100.01"))
    none = quote_around(D("100.00"), MARKET, D(0), 0)
    assert (none.bid, none.ask) == (D(100), D(100))


def test_min_1_an_order_must_still_be_worth_the_minimum_at_its_stop() -> None:
    """V-MIN-1: 20 at 0.60 is 12.00; 12.60 with the reserve; 14.00 with a stop at 10 %."""
    market = Market("simulated", "X/USDT", D("0.01"), D("0.0001"), D(20), D(0))
    assert market.smallest(D("0.6")) * D("0.6") == D("12.60")
    assert market.smallest(D("0.6"), D("0.1")) * D("0.6") == pytest.approx(D("14.00"), abs=D("0.0001"))


def test_a_wish_a_little_under_the_minimum_is_raised_and_one_far_under_is_refused() -> None:
    assert MARKET.sized(D("0.045"), D(100)) == D("0.053")
    assert MARKET.sized(D("0.040"), D(100)) is None
    assert MARKET.sized(D("0.0709"), D(100)) == D("0.070")


def test_the_fee_is_taken_where_the_market_takes_it() -> None:
    received = Market(
        "s", "ETH/USDT", D("0.01"), D("0.001"), D(0), D(5), D("0.001"), D("0.002"), FeeIn.RECEIVED
    )
    one = fill(slot="a", side=Side.BUY, amount=D(2), price=D(100), maker=False, market=received, at=0)
    assert (one.fee_base, one.fee_quote, one.received) == (D("0.004"), D(0), D("1.996"))
    other = fill(slot="a", side=Side.SELL, amount=D(2), price=D(100), maker=True, market=received, at=0)
    assert (other.fee_base, other.fee_quote) == (D(0), D("0.2"))
