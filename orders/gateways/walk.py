"""Prices of the built-in exchange: a seeded walk that is a pure function of the minute.

Value noise in several octaves gives a log price that wanders like a market and comes back. Nothing
is carried from candle to candle, so any minute, past or future, can be asked for at once, and a
restarted process goes on exactly where it was.
"""

import numpy as np
from numpy.typing import NDArray

from bots.strategies.base import Candles

MINUTE_MS = 60_000
# (period in minutes, amplitude of the log price)
OCTAVES = ((1, 0.0004), (4, 0.0009), (15, 0.0018), (60, 0.004), (240, 0.009), (1440, 0.02), (10_080, 0.05))
WICK = 0.0006

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)


def _scatter(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Each key to a number in [0, 1) that looks drawn by chance (the splitmix64 finaliser)."""
    with np.errstate(over="ignore"):
        z = (keys + np.uint64(1)) * _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX_A
        z = (z ^ (z >> np.uint64(27))) * _MIX_B
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _lattice(seed: int, octave: int, index: NDArray[np.int64]) -> NDArray[np.float64]:
    keys = index.astype(np.uint64) ^ np.uint64(((seed * 131 + octave) * 0x5851F42D4C957F2D) % (1 << 64))
    return _scatter(keys) * 2 - 1


def log_price(seed: int, minutes: NDArray[np.int64], scale: float) -> NDArray[np.float64]:
    """The log of price over base price at each minute since 1970."""
    total = np.zeros(len(minutes))
    for octave, (period, amplitude) in enumerate(OCTAVES):
        index = minutes // period
        part = (minutes % period) / period
        smooth = part * part * (3 - 2 * part)
        low, high = _lattice(seed, octave, index), _lattice(seed, octave, index + 1)
        total += amplitude * (low + (high - low) * smooth)
    return total * scale


def walk_candles(*, seed: int, base_price: float, scale: float, first: int, count: int) -> Candles:
    """`count` one-minute candles from minute `first` since 1970; each opens where the last closed."""
    minutes = np.arange(first, first + count + 1, dtype=np.int64)
    prices = base_price * np.exp(log_price(seed, minutes, scale))
    opens, closes = prices[:-1], prices[1:]
    up, down = _lattice(seed, 101, minutes[:-1]), _lattice(seed, 102, minutes[:-1])
    reach = WICK * scale
    return Candles(
        at=minutes[:-1] * MINUTE_MS,
        open=opens,
        high=np.maximum(opens, closes) * (1 + reach * (up + 1)),
        low=np.minimum(opens, closes) * (1 - reach * (down + 1)),
        close=closes,
        volume=(_lattice(seed, 103, minutes[:-1]) + 1.2) * 1e6 / base_price,
    )
