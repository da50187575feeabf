"""The words by which commands name what the simulated markets play, and how fast."""

from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from pathlib import Path

from orders.gateways.listed import LISTED

SPEED_DEFAULT = Decimal(60)
SPEED_MAX = Decimal(100_000)


def speed(word: str) -> Decimal:
    try:
        value = Decimal(word)
    except InvalidOperation:
        value = Decimal("NaN")
    if not (value.is_finite() and 0 < value <= SPEED_MAX):
        raise ArgumentTypeError(f"{word!r}: write a number above 0 and up to {SPEED_MAX}")
    return value


def replay(word: str) -> tuple[str, Path]:
    ticker, mark, name = word.partition("=")
    if not mark or ticker not in LISTED:
        raise ArgumentTypeError(f"{word!r}: write TICKER=FILE with one of the tickers {', '.join(LISTED)}")
    path = Path(name)
    if not path.is_file():
        raise ArgumentTypeError(f"{word!r}: there is no file {name}; write TICKER=FILE with one that exists")
    return ticker, path.resolve()
