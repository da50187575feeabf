"""Records of backtests the tests speak of, made of fills by the same books as a bot's."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import takewhile

import numpy as np

from bots.backtest.record import Deal, Mark, Record
from bots.strategies.base import Candles
from bots.strategies.limits import DAY_MS, HOUR_MS
from orders.accounting import Fill, Position, product, quote_change
from orders.matching import fill as filled
from orders.rules import ZERO, FeeIn, Market, Side

D = Decimal
BEGAN = 1_735_689_600_000  # 2025-01-01 00:00 UTC


def market(*, fee: str = "0", fee_in: FeeIn = FeeIn.QUOTE, tick: str = "0.01") -> Market:
    return Market("paper", "BTC/USDT", D(tick), D("1e-8"), D("1e-8"), ZERO, D(fee), D(fee), fee_in)


def bought(amount: str | Decimal, price: str | Decimal, at: int, **fees: Decimal) -> Fill:
    return Fill("entry", Side.BUY, D(amount), D(price), at, **fees)


def sold(amount: str | Decimal, price: str | Decimal, at: int, **fees: Decimal) -> Fill:
    return Fill("exit", Side.SELL, D(amount), D(price), at, **fees)


def record_of(
    fills: Sequence[Fill],
    *,
    since: int = BEGAN,
    until: int | None = None,
    on: Market | None = None,
    cash: str = "1000",
) -> Record:
    """What these fills leave behind, from `since` to `until` (the midnight after the last fill). The
    price is always that of the last fill."""
    if until is None:
        until = (fills[-1].at // DAY_MS + 1) * DAY_MS
    position, money = Position(), D(cash)
    pnls: list[Decimal] = []
    equities: list[Decimal] = []
    for fill in fills:
        after = position.after(fill)
        money += quote_change(fill)
        pnls.append(after.realised - position.realised)
        equities.append(money + product(after.amount, fill.price))
        position = after
    midnights = range((since // DAY_MS + 1) * DAY_MS, until + 1, DAY_MS)
    return Record(
        market=on or market(),
        since=since,
        until=until,
        start_equity=D(cash),
        end_equity=equities[-1] if equities else D(cash),
        fills=fills,
        makers=[fill.side is Side.SELL for fill in fills],
        pnls=pnls,
        equities=equities,
        deals=_deals(fills, pnls),
        daily=[Mark(at, _equity_before(at, fills, equities, D(cash))) for at in midnights],
        exposed_ms=0,
    )


def trades_of(results: Iterable[str]) -> list[Fill]:
    """One deal a day: at one o'clock 1 base is bought at 100, at two it is sold for this result."""
    fills = []
    for number, result in enumerate(results):
        at = BEGAN + number * DAY_MS
        fills += [bought("1", "100", at + HOUR_MS), sold("1", 100 + D(result), at + 2 * HOUR_MS)]
    return fills


def flat_record(rows: Iterable[tuple[Decimal, Decimal, Decimal, Decimal]]) -> Record:
    """Deals of two buys and two sells, with a fee of .1 % in quote, one an hour; flat at the end."""
    on = market(fee="0.001")
    fills: list[Fill] = []
    for number, (amount, *at_prices) in enumerate(rows):
        sides = (Side.BUY, Side.BUY, Side.SELL, Side.SELL)
        parts = (amount, 2 * amount, amount / 2, amount * D("2.5"))
        for minute, (side, part, price) in enumerate(
            zip(sides, parts, [*at_prices, at_prices[0]], strict=True)
        ):
            at = BEGAN + number * HOUR_MS + minute * 60_000
            fills.append(filled(slot="a", side=side, amount=part, price=price, maker=True, market=on, at=at))
    return record_of(fills, on=on, cash="1000000")


# V-MET-1: one trade a day from 1,000.
V_MET_1 = ("10", "-5", "8", "-4", "6")


def candles_of(
    prices: Sequence[tuple[float, float]], *, since: int = BEGAN, every_ms: int = DAY_MS
) -> Candles:
    """Candles that open and close at these prices."""
    opened, closed = np.array(prices, np.float64).reshape(-1, 2).T
    high, low = np.maximum(opened, closed), np.minimum(opened, closed)
    at = since + np.arange(len(opened), dtype=np.int64) * every_ms
    return Candles(at, opened, high, low, closed, np.ones(len(opened)))


def _deals(fills: Sequence[Fill], pnls: Sequence[Decimal]) -> list[Deal]:
    deals: list[Deal] = []
    position, pnl, opened = Position(), ZERO, None
    for fill, gain in zip(fills, pnls, strict=True):
        opened = fill.at if opened is None else opened
        position, pnl = position.after(fill), pnl + gain
        if not position.amount:
            deals.append(Deal(len(deals) + 1, opened, fill.at, pnl))
            pnl, opened = ZERO, None
    return deals if opened is None else [*deals, Deal(len(deals) + 1, opened, None, pnl)]


def _equity_before(at: int, fills: Sequence[Fill], equities: Sequence[Decimal], cash: Decimal) -> Decimal:
    past = list(takewhile(lambda fill: fill.at < at, fills))
    return equities[len(past) - 1] if past else cash
