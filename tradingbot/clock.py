"""Between the two ways time is written: aware datetimes in rows, ms UTC in the pure core."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TIMEFRAMES_S = {
    "1m": 60,
    "3m": 180,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "4h": 14_400,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
}


def ms_of(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_of(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


def next_close(ms: int, timeframe: str) -> int:
    """When the candle that is open at `ms` closes."""
    length = TIMEFRAMES_S[timeframe] * 1000
    return ms // length * length + length
