"""What is asked of a backtest, as a value that travels as JSON to a child process and back into a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from bots.strategies.settings import Problem
from orders.gateways.listed import EXCHANGE, LISTED, Listed
from orders.rules import ZERO, FeeIn

FEE_PCT = Decimal("0.1")
SCALPER_SPREAD_BPS = Decimal(2)
# Where stop-limit orders rest, for who asks no exchange; a test compares it with what is sent.
STOPS_REST_ON = frozenset({"binance", "binance-sandbox"})


class BacktestRefused(Exception):
    """It cannot be run like this; `problems` name each field, the reason and the fix."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def refused(code: str, name: str, message: str, fix: str = "") -> BacktestRefused:
    return BacktestRefused(Problem(code, name, message, fix))


@dataclass(frozen=True, slots=True)
class FileSource:
    """A CSV or CSV.gz file. `timeframe` is what it must hold, "" for whatever it does."""

    path: Path
    timeframe: str = ""
    fill_gaps: bool = False


@dataclass(frozen=True, slots=True)
class StoreSource:
    """A series of the candle store under `root`."""

    root: Path
    exchange: str
    ticker: str
    timeframe: str
    fill_gaps: bool = False


@dataclass(frozen=True, slots=True)
class WalkSource:
    """The seeded walk of a market of the built-in exchange. It has no ends of its own: a request of it
    names `since` and `until`."""

    ticker: str
    seed: int
    timeframe: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The market's rules. Steps that are not given are taken from a listed market of that name, or
    else read off the candles; `fee_pct` is for maker and taker, in percent. `rests_stops` None: as the
    exchange is known whose candles they are, and not where a file is all there is."""

    ticker: str = "BASE/QUOTE"
    tick: Decimal | None = None
    lot: Decimal | None = None
    min_cost: Decimal | None = None
    fee_pct: Decimal | None = None
    fee_in: FeeIn | None = None
    rests_stops: bool | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One backtest. `values` are the bot's settings as they were given; `since` and `until` open times
    in ms UTC, the bot starts at the first candle not before `since`; `spread_bps` None: 2 for a
    scalper, whose edge the spread decides, else 0."""

    bot_type: str
    values: Mapping[str, Any]
    source: FileSource | StoreSource | WalkSource
    rules: Rules = field(default_factory=Rules)
    since: int | None = None
    until: int | None = None
    slippage_pct: Decimal = ZERO
    spread_bps: Decimal | None = None
    pessimistic: bool = False

    @property
    def listed(self) -> Listed | None:
        """The built-in exchange's market whose rules hold; another exchange's candles have their own."""
        exchange = self.source.exchange if isinstance(self.source, StoreSource) else EXCHANGE
        return listed_on(exchange, self.rules.ticker)

    @property
    def rests_stops(self) -> bool:
        """Whether a protective stop rests on the exchange, as it would where the candles are from."""
        if self.rules.rests_stops is not None:
            return self.rules.rests_stops
        if isinstance(self.source, StoreSource) and self.source.exchange in STOPS_REST_ON:
            return True
        known = None if isinstance(self.source, FileSource) else self.listed
        return known is not None and known.rules.rests_stops

    @property
    def spread(self) -> Decimal:
        if self.spread_bps is not None:
            return self.spread_bps
        return SCALPER_SPREAD_BPS if self.bot_type == "scalper" else ZERO


_CODEC: TypeAdapter[Request] = TypeAdapter(Request)


def listed_on(exchange: str, ticker: str) -> Listed | None:
    return LISTED.get(ticker) if exchange == EXCHANGE else None


def tell_request(request: Request) -> dict[str, Any]:
    """The request as JSON carries it; `read_request` gives the very same back."""
    told: dict[str, Any] = _CODEC.dump_python(request, mode="json")
    return told


def read_request(told: Mapping[str, Any]) -> Request:
    return _CODEC.validate_python(told)
