"""What a person types at a terminal, read into a request; what cannot be read names its option."""

import json
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from bots.backtest.request import FileSource, Request, Rules, StoreSource, refused
from bots.strategies.registry import BOT_TYPES
from tradingbot.clock import TIMEFRAMES_S, ms_of


def number(word: str) -> Decimal:
    try:
        value = Decimal(word)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise ArgumentTypeError(f"{word!r}: write a number of 0 or more")
    return value


def chosen(word: str) -> tuple[str, Any]:
    """`name=value`; a value that begins with a bracket is read as JSON."""
    name, mark, value = word.partition("=")
    if not mark or not name:
        raise ArgumentTypeError(f"{word!r}: write name=value")
    if value.startswith(("[", "{")):
        try:
            return name, json.loads(value)
        except ValueError:
            raise ArgumentTypeError(f"{word!r}: the value begins like JSON and is none") from None
    return name, value


def moment(word: str) -> int:
    """A date or a time, UTC unless it says otherwise, as ms since 1970."""
    try:
        at = datetime.fromisoformat(word)
    except ValueError:
        raise ArgumentTypeError(f"{word!r}: write a date such as 2024-08-05 or 2024-08-05T12:00") from None
    return ms_of(at.replace(tzinfo=UTC) if at.tzinfo is None else at)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("bot_type", choices=sorted(BOT_TYPES), metavar="TYPE", help=", ".join(BOT_TYPES))
    parser.add_argument("--candles", type=Path, metavar="FILE", help="a .csv or .csv.gz file of candles")
    parser.add_argument("--exchange", help="whose candles to take from the store, instead of a file")
    parser.add_argument("--ticker", help="the market, such as BTC/USDT; its rules hold where it is listed")
    parser.add_argument("--timeframe", choices=TIMEFRAMES_S, help="the candles' timeframe")
    parser.add_argument("--since", type=moment, metavar="DATE", help="start here; before it signals warm up")
    parser.add_argument("--until", type=moment, metavar="DATE", help="end before this")
    parser.add_argument("--fill-gaps", action="store_true", help="flat candles of volume 0 into the gaps")
    parser.add_argument(
        "--set", action="append", default=[], type=chosen, metavar="NAME=VALUE", dest="values"
    )
    parser.add_argument("--settings", type=Path, metavar="FILE", help="a JSON object; --set goes over it")
    parser.add_argument("--fee-pct", type=number, help="fee of maker and taker in percent, in quote")
    parser.add_argument("--slippage-pct", type=number, default=Decimal(0), help="orders at market pay this")
    parser.add_argument("--spread-bps", type=number, help="bid to ask; 2 for a scalper, else 0")
    parser.add_argument("--tick", type=number, help="price step in quote, else read off the candles")
    parser.add_argument("--lot", type=number, help="amount step in base")
    parser.add_argument("--min-cost", type=number, help="least value of an order in quote")
    parser.add_argument(
        "--rests-stops",
        action=BooleanOptionalAction,
        help="a protective stop rests on the exchange; else as is known of it, and not with a file",
    )
    parser.add_argument("--pessimistic", action="store_true", help="the low of each candle comes first")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write trades, deals and equity as CSV")


def request_of(options: Namespace, root: Path) -> Request:
    """The request that `options` ask for; `root` is the candle store's. Raises `BacktestRefused`."""
    for name in ("tick", "lot"):
        if getattr(options, name) == 0:
            raise refused("not_positive", name, f"--{name} must be above 0.")
    return Request(
        bot_type=options.bot_type,
        values=values_of(options),
        source=_source(options, root),
        rules=Rules(
            ticker=_ticker(options),
            tick=options.tick,
            lot=options.lot,
            min_cost=options.min_cost,
            fee_pct=options.fee_pct,
            rests_stops=options.rests_stops,
        ),
        since=options.since,
        until=options.until,
        slippage_pct=options.slippage_pct,
        spread_bps=options.spread_bps,
        pessimistic=options.pessimistic,
    )


def values_of(options: Namespace) -> dict[str, Any]:
    """The settings of the file, and over them those given one by one."""
    values: dict[str, Any] = {}
    if options.settings is not None:
        values = _of_file(options.settings)
    return {**values, **dict(options.values)}


def _of_file(path: Path) -> dict[str, Any]:
    try:
        read = json.loads(path.read_text())
    except OSError as fault:
        raise refused("settings", "settings", f"{path} cannot be read: {fault.strerror or fault}.") from None
    except ValueError as fault:
        raise refused("settings", "settings", f"{path} is not JSON: {fault}.") from None
    if not isinstance(read, dict):
        raise refused("settings", "settings", f"{path} must hold one JSON object of settings.")
    return read


def _ticker(options: Namespace) -> str:
    ticker: str = options.ticker or Rules().ticker
    base, _, quote = ticker.partition("/")
    if not (base and quote):
        raise refused("ticker", "ticker", "--ticker must read BASE/QUOTE, such as BTC/USDT.")
    return ticker


def _source(options: Namespace, root: Path) -> FileSource | StoreSource:
    if options.candles is not None:
        if options.exchange is not None:
            raise refused("candles", "candles", "Give --candles or --exchange, not both.")
        return FileSource(options.candles, options.timeframe or "", options.fill_gaps)
    missing = [name for name in ("exchange", "ticker", "timeframe") if getattr(options, name) is None]
    if missing:
        names = ", ".join(f"--{name}" for name in missing)
        raise refused("candles", "candles", f"Give a file with --candles, or of the store also {names}.")
    return StoreSource(root, options.exchange, options.ticker, options.timeframe, options.fill_gaps)
