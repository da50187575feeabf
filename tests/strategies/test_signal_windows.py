"""What a live bot reads from its rolling window and a backtest from a whole file is the same.

`windows_and_whole` walks candles as the engine does: each time the last `candles_needed` of them, and of
what they give the last row. Marks must be equal to the letter. Other columns may differ by what moves no
stop by a tick, and where they do, a bot that has nothing open must still decide alike.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bots.strategies.base import Candles, Plan, Seen, SignalRow
from bots.strategies.candles import grouped, part
from orders.accounting import Position
from orders.gateways.candle_file import read_candles
from tests.strategies.dcas import dca, market
from tests.strategies.dips import dip
from tests.strategies.momentums import momentum
from tests.strategies.scalpers import scalper

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"
FILES = (
    "binance_BTCUSDT_1m_2024-07-26_2024-08-25.csv.gz",
    "binance_BTCUSDT_5m_2024-03-01_2025-07-02.csv.gz",
    "binanceusdm_FILUSDT_1m_2023-08_2023-11.csv.gz",
    "bitfinex_BTCUSD_1m_2015.csv.gz",
)
with_real_files = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real market files are not beside the project"
)

FILTERS: dict[str, Any] = {
    "rsi_period": 14,
    "adx_period": 14,
    "trend_sma": 200,
    "volume_factor": 1,
    "stop": "atr",
}
SMALL_DIPS: dict[str, Any] = {"lookback": 240, "dip_pct": 1, "rebound_pct": 0}
BOTS: Mapping[str, Callable[[], Any]] = {
    "dip": lambda: dip(trend_sma=200, **SMALL_DIPS),
    "momentum ema_cross": lambda: momentum(entry="ema_cross", **FILTERS),
    "momentum macd": lambda: momentum(entry="macd", **FILTERS),
    "momentum rsi": lambda: momentum(entry="rsi", **FILTERS),
    "momentum breakout": lambda: momentum(entry="breakout", **FILTERS),
    "scalper stoch_dip": lambda: scalper(entry="stoch_dip"),
    "scalper ema_pullback": lambda: scalper(entry="ema_pullback"),
    "scalper rsi": lambda: scalper(entry="rsi"),
    "dca rsi": lambda: dca(start_condition="rsi"),
}
# One of each kind, cheap enough to be asked at every candle of two years.
CHEAP_BOTS: Mapping[str, Callable[[], Any]] = {
    "dip": lambda: dip(**SMALL_DIPS),
    "momentum": lambda: momentum(entry="ema_cross"),
    "scalper": BOTS["scalper rsi"],
    "dca": BOTS["dca rsi"],
}
Columns = dict[str, NDArray[np.float64]]
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
STEP = 61
ENTRY_MARKS = ("enter", "buy")
# A still stretch is where a backtest remembers what a window has forgotten.
STILL_LEAST, AFTER_STILL = 14, 50


@lru_cache(maxsize=1)
def minutes_of(name: str) -> Candles:
    """A file's candles, every gap filled with flat ones."""
    return read_candles(REAL / name, fill_gaps=True).candles


def real(name: str, length_ms: int) -> Candles:
    candles = minutes_of(name)
    return grouped(candles, length_ms, int(candles.at[-1]) + length_ms) if length_ms else candles


def wild_and_still(count: int) -> Candles:
    """A walk on a coarse tick, so that averages meet prices exactly, with still stretches in it."""
    chance = np.random.default_rng(7)
    close = np.round(100 + np.cumsum(chance.normal(0, 0.05, count)), 1)
    volume = chance.integers(1, 9, count).astype(np.float64)
    for began, length in ((600, 15), (900, 60), (1200, 400), (1900, 700)):
        close[began : began + length] = close[began]
        volume[began + 1 : began + length] = 0
    opened = np.concatenate((close[:1], close[:-1]))
    wick = np.where(volume > 0, np.round(chance.exponential(0.05, count), 1), 0)
    high, low = np.maximum(opened, close) + wick, np.minimum(opened, close) - wick
    at = np.arange(count, dtype=np.int64) * MINUTE_MS
    return Candles(at, opened, high, low, close, volume)


def visited(bot: Any, candles: Candles, step: int) -> NDArray[np.int64]:
    """Of the rows with a full window every `step`-th, each that a backtest enters at, and those that
    follow a still stretch."""
    rows = np.arange(len(candles))
    wanted = rows % step == 0
    for name, column in bot.prepare(candles).columns.items():
        if name in ENTRY_MARKS:
            wanted |= column == 1
    moved = candles.close[1:] != candles.close[:-1]
    moves = np.flatnonzero(np.concatenate(([True], moved)))
    for end in moves[1:][np.diff(moves) > STILL_LEAST]:
        wanted[end : end + AFTER_STILL] = True
    chosen: NDArray[np.int64] = rows[wanted & (rows >= bot.candles_needed - 1)]
    return chosen


def windows_and_whole(bot: Any, candles: Candles, rows: Iterable[int]) -> tuple[Columns, Columns]:
    """The columns at `rows`: as a live bot reads them, and as a backtest does."""
    picked = np.fromiter(rows, dtype=np.int64)
    whole = {name: column[picked] for name, column in bot.prepare(candles).columns.items()}
    live = {name: np.empty(len(picked)) for name in whole}
    needed = bot.candles_needed
    for number, row in enumerate(picked.tolist()):
        window = part(candles, row + 1 - needed, row + 1)
        for name, value in bot.prepare(window).row(-1).items():
            live[name][number] = value
    return live, whole


def decided(bot: Any, candles: Candles, row: int, values: Mapping[str, float]) -> tuple[Any, ...]:
    """What a bot that has nothing open does and says when candle `row` closes."""
    close = Decimal(repr(float(candles.close[row])))
    at = int(candles.at[row])
    plan: Plan[Any] = bot.decide(
        bot.first_memory(),
        Seen(
            now=at + MINUTE_MS,
            market=market(),
            bid=close,
            ask=close,
            last=close,
            position=Position(),
            cash=Decimal(100_000),
            candle=SignalRow(at, close, dict(values)),
        ),
    )
    return plan.orders, plan.reasons, plan.wake


def at_row(columns: Columns, number: int) -> dict[str, float]:
    return {name: float(column[number]) for name, column in columns.items()}


def is_mark(column: NDArray[np.float64]) -> bool:
    return bool(np.isin(column, (0.0, 1.0)).all())


def assert_alike(bot: Any, candles: Candles, rows: NDArray[np.int64]) -> None:
    assert len(rows), "nothing is compared"
    live, whole = windows_and_whole(bot, candles, rows.tolist())
    differs = np.zeros(len(rows), dtype=bool)
    for name, column in whole.items():
        assert not np.isnan(column).any(), f"{name} is still warming up"
        if is_mark(column):
            wrong = live[name] != column
        else:
            wrong = ~np.isclose(live[name], column, rtol=1e-6, atol=1e-9 * candles.close[rows])
        first = rows[wrong][:5].tolist()
        assert not first, f"{name} differs at {wrong.sum()} of {len(rows)} candles, first at {first}"
        differs |= live[name] != column
    for number in np.flatnonzero(differs).tolist():
        row = int(rows[number])
        alone, within = (at_row(columns, number) for columns in (live, whole))
        assert decided(bot, candles, row, alone) == decided(bot, candles, row, within), f"candle {row}"


@pytest.mark.parametrize("name", BOTS)
def test_a_window_says_what_all_candles_say(name: str) -> None:
    bot, candles = BOTS[name](), wild_and_still(3000)
    assert_alike(bot, candles, visited(bot, candles, 5))


@pytest.mark.parametrize("name", BOTS)
def test_nothing_is_bought_while_an_indicator_is_warming_up(name: str) -> None:
    """After a fall and on a rise, so that every kind of entry is tempted."""
    close = np.concatenate((np.linspace(100, 97, 40), np.linspace(97, 103, 40), np.linspace(103, 98, 200)))
    candles = Candles(
        np.arange(len(close), dtype=np.int64) * MINUTE_MS,
        np.concatenate((close[:1], close[:-1])),
        close + 0.2,
        close - 0.2,
        close,
        np.ones(len(close)),
    )
    bot = BOTS[name]()
    columns = dict(bot.prepare(candles).columns)
    unknown = np.logical_or.reduce([np.isnan(column) for column in columns.values()])
    assert unknown[0]
    for row in np.flatnonzero(unknown).tolist():
        first_rows = bot.prepare(part(candles, 0, row + 1)).row(-1)
        for values in (at_row(columns, row), first_rows):
            orders, _, _ = decided(bot, candles, row, values)
            assert not orders, f"candle {row}"


def test_no_candles_and_one_are_prepared() -> None:
    for name in BOTS:
        for count in (0, 1):
            candles = wild_and_still(3000)
            columns = BOTS[name]().prepare(part(candles, 0, count)).columns
            assert {len(column) for column in columns.values()} == {count}, name


@with_real_files
def test_every_real_file_is_walked() -> None:
    assert sorted(path.name for path in REAL.glob("*.gz")) == list(FILES)


@with_real_files
@pytest.mark.long
@pytest.mark.parametrize("kind", CHEAP_BOTS)
@pytest.mark.parametrize("file", FILES)
def test_each_kind_of_bot_says_the_same_at_every_candle_of_a_file(file: str, kind: str) -> None:
    bot, candles = CHEAP_BOTS[kind](), real(file, 0)
    assert_alike(bot, candles, np.arange(bot.candles_needed - 1, len(candles)))


@with_real_files
@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in BOTS if BOTS[name] not in CHEAP_BOTS.values()])
@pytest.mark.parametrize("file", FILES)
def test_each_entry_says_the_same_on_short_candles(file: str, name: str) -> None:
    bot, candles = BOTS[name](), real(file, 0)
    assert_alike(bot, candles, visited(bot, candles, STEP))


@with_real_files
@pytest.mark.long
@pytest.mark.parametrize("name", BOTS)
@pytest.mark.parametrize("file", FILES)
def test_each_entry_says_the_same_on_long_candles(file: str, name: str) -> None:
    bot = BOTS[name]()
    for length_ms, step in ((HOUR_MS, 1), (HOUR_MS // 4, 7)):
        candles = real(file, length_ms)
        rows = np.arange(bot.candles_needed - 1, len(candles), step)
        if len(rows):
            assert_alike(bot, candles, rows)
