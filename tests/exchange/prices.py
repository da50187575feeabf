"""The public endpoints: time, rules, prices, books and candles."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.exchange import rejections, wire
from tests.exchange.call import Call
from tests.exchange.market import Market
from tests.exchange.rejections import Rejection
from tests.exchange.symbols import text

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
# Weeks begin on Monday; the epoch was a Thursday.
MONDAY_MS = 4 * DAY_MS
INTERVALS_MS = {
    "1s": 1_000,
    **{f"{number}m": number * MINUTE_MS for number in (1, 3, 5, 15, 30)},
    **{f"{number}h": number * HOUR_MS for number in (1, 2, 4, 6, 8, 12)},
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": 7 * DAY_MS,
}
MONTH = "1M"
SYMBOL_LIST_PATTERN = '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}")*\\]$'


def ping(call: Call) -> dict[str, Any]:
    return {}


def time(call: Call) -> dict[str, Any]:
    return {"serverTime": call.now}


def names(call: Call) -> tuple[list[str], bool]:
    """The symbols asked for by `symbol`, `symbols` or neither, and whether a list is the answer."""
    one, several = call.optional("symbol"), call.optional("symbols")
    if one and several:
        raise rejections.bad_combination()
    if one:
        return [call.named(one)], False
    if not several:
        return list(call.ledger.symbols), True
    try:
        listed = json.loads(several)
    except ValueError:
        raise rejections.illegal("symbols", SYMBOL_LIST_PATTERN) from None
    if not isinstance(listed, list) or not listed:
        raise rejections.illegal("symbols", SYMBOL_LIST_PATTERN)
    return [call.named(str(name)) for name in listed], True


def _told(call: Call, tell: Callable[[Market], dict[str, Any]]) -> Any:
    found, listed = names(call)
    answers = [tell(call.ledger.markets[name]) for name in found]
    return answers if listed else answers[0]


def ticker_price(call: Call) -> Any:
    return _told(call, lambda market: {"symbol": market.symbol, "price": text(market.price)})


def ticker_book(call: Call) -> Any:
    return _told(call, wire.book_ticker)


def ticker_day(call: Call) -> Any:
    return _told(call, lambda market: wire.day_ticker(market, call.now))


def ticker_window(call: Call) -> Any:
    """The rolling window: here always a day. It asks for at least one symbol."""
    if "symbol" not in call.params and "symbols" not in call.params:
        raise rejections.missing_both("symbol", "symbols")
    return ticker_day(call)


def average_price(call: Call) -> dict[str, Any]:
    market = _market(call)
    return {"mins": 5, "price": text(market.price), "closeTime": call.now}


def depth(call: Call) -> dict[str, Any]:
    market = _market(call)
    bids, asks = wire.depth(market, call.limit(default=100, most=5_000))
    return {"lastUpdateId": market.updates, "bids": bids, "asks": asks}


def trades(call: Call) -> list[dict[str, Any]]:
    limit = call.limit(default=500, most=1_000)
    return [wire.public_trade(tick) for tick in list(_market(call).tape)[-limit:]]


def trades_grouped(call: Call) -> list[dict[str, Any]]:
    """Aggregate trades: here each trade is its own group."""
    market, from_id = _market(call), call.integer("fromId")
    start, end, limit = (
        call.integer("startTime"),
        call.integer("endTime"),
        call.limit(default=500, most=1_000),
    )
    found = [
        tick
        for tick in market.tape
        if (from_id is None or tick.id >= from_id)
        and (start is None or tick.time >= start)
        and (end is None or tick.time <= end)
    ]
    forward = from_id is not None or start is not None
    return [
        {
            "a": tick.id,
            "p": text(tick.price),
            "q": text(tick.quantity),
            "f": tick.id,
            "l": tick.id,
            "T": tick.time,
            "m": tick.buyer_maker,
            "M": True,
        }
        for tick in (found[:limit] if forward else found[-limit:])
    ]


def _market(call: Call) -> Market:
    return call.ledger.markets[call.symbol()]


def opens(interval: str, moment: int) -> int:
    """The opening time of the candle a moment lies in."""
    if interval == MONTH:
        day = datetime.fromtimestamp(moment / 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp() * 1000)
    length = INTERVALS_MS[interval]
    offset = MONDAY_MS if interval == "1w" else 0
    return moment - (moment - offset) % length


def closes(interval: str, opened: int) -> int:
    """The moment the next candle opens."""
    if interval == MONTH:
        return opens(MONTH, opened + 32 * DAY_MS)
    return opened + INTERVALS_MS[interval]


def klines(call: Call) -> list[list[Any]]:
    market, interval = _market(call), call.required("interval")
    if interval != MONTH and interval not in INTERVALS_MS:
        raise Rejection(-1120, "Invalid interval.")
    start, end = call.integer("startTime"), call.integer("endTime")
    limit = call.limit(default=500, most=1_000)
    last = call.now if end is None else min(end, call.now)
    if start is None:
        opened = opens(interval, last)
        for _ in range(limit - 1):
            opened = opens(interval, opened - 1)
    else:
        opened = opens(interval, start)
        if opened < start:
            opened = closes(interval, opened)
    found: list[list[Any]] = []
    while opened <= last and len(found) < limit:
        closed = closes(interval, opened)
        found.append(wire.kline(market.bar(opened, closed), closed))
        opened = closed
    return found
