"""Exchanges that are offered on paper alone: nobody has proven how they take orders.

The table beside this file is what ccxt tells of them, written by `manage.py list_exchanges --write`: loading
ccxt to list names would cost each web process a second and 100 MB.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from orders.rules import FeeIn

TABLE = Path(__file__).with_name("others.json")
# About as much as 10,000 dollars: with 10,000 won nothing could be bought.
USUAL_MONEY = Decimal(10_000)
MONEY = {
    "BRL": Decimal(50_000),
    "IDR": Decimal(150_000_000),
    "JPY": Decimal(1_500_000),
    "KRW": Decimal(15_000_000),
    "MXN": Decimal(200_000),
    "PHP": Decimal(500_000),
    "TRY": Decimal(400_000),
}


class Other(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange. `quote` is what most of its markets are counted in, as far as we know; requests go to
    `hosts` alone, with ccxt's `options`; `page`: so many candles at a time; `fee`, a fraction, is the taker's
    where a market tells none."""

    exchange: str
    name: str
    quote: str
    hosts: tuple[str, ...]
    options: dict[str, Any]
    page: int
    fee: Decimal
    fee_in: FeeIn


def paper_money_in(quote: str) -> Decimal:
    """What an account on paper begins with."""
    return MONEY.get(quote, USUAL_MONEY)


def read(text: bytes) -> tuple[Other, ...]:
    return msgspec.json.decode(text, type=tuple[Other, ...])


def written(others: tuple[Other, ...]) -> bytes:
    """One exchange a line, so that a change is seen."""
    return b"[\n" + b",\n".join(msgspec.json.encode(other) for other in others) + b"\n]\n"


OTHERS: Mapping[str, Other] = {other.exchange: other for other in read(TABLE.read_bytes())}
