"""docs/exchanges.md says what the code does: its table, row by row, and how a key is made."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from orders.gateways.exchange.adapters import ADAPTERS, Adapter, Tier, nothing
from orders.gateways.offers import OFFERS, Offer
from orders.gateways.others import OTHERS
from orders.rules import FeeIn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "exchanges.md"
FEES = {FeeIn.RECEIVED: "what is received", FeeIn.QUOTE: "the quote currency"}
ANY_ID = "0" * 32


def row_of(adapter: Adapter, offer: Offer) -> list[str]:
    newest = adapter.past.newest
    return [
        offer.name,
        adapter.tier.value,
        found_by(adapter),
        "waiting" if adapter.lifetime.params is None else "the exchange",
        f"{adapter.open_orders_max} a market",
        f"{(adapter.fee * 100).normalize():f} %",
        FEES[adapter.fee_in],
        "all" if newest is None else f"newest {newest}",
        streams_of(adapter),
        "watched by the bot" if adapter.stop is None else "on the exchange",
        "yes" if offer.sandbox else "no",
        "yes" if offer.needs_password else "no",
        "traded on in our tests" if offer.proven else "requests checked",
    ]


def streams_of(adapter: Adapter) -> str:
    feeds = adapter.feeds
    told = {"prices": bool(feeds and feeds.prices), "orders": bool(feeds and feeds.orders)}
    return ", ".join(name for name, is_told in told.items() if is_told) or "none"


def found_by(adapter: Adapter) -> str:
    if adapter.find is not None:
        return "at once, by our id"
    listed = adapter.list_by(ANY_ID) != nothing(ANY_ID)
    return "in its lists, by our id" if listed else "in its lists, all looked through"


def rows_told() -> list[list[str]]:
    table = PAGE.read_text().split("## The table")[1].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def test_the_table_is_the_code() -> None:
    assert rows_told() == [row_of(ADAPTERS[name], OFFERS[name]) for name in ADAPTERS]


def test_what_is_offered_is_what_can_be_spoken_to() -> None:
    assert OFFERS.keys() == ADAPTERS.keys() | OTHERS.keys()
    for name, adapter in ADAPTERS.items():
        assert bool(adapter.sandbox_hosts) == OFFERS[name].sandbox


def test_those_on_paper_alone_are_told_by_name() -> None:
    part = PAGE.read_text().split("## On paper alone")[1].split("\n\n")[2]
    told = " ".join(part.split()).removesuffix(".").split(", ")
    assert told == [offer.name for offer in OFFERS.values() if offer.paper_only]


def test_no_exchange_is_traded_on_without_a_way_to_resolve_a_lost_answer() -> None:
    assert Tier.C not in {adapter.tier for adapter in ADAPTERS.values()}
    assert all(Decimal(0) < adapter.fee < Decimal("0.05") for adapter in ADAPTERS.values())


@pytest.mark.parametrize("name", ADAPTERS)
def test_how_a_key_is_made_is_told_as_on_the_pages(name: str) -> None:
    offer = OFFERS[name]
    part = PAGE.read_text().split(f"### {offer.name}\n")[1].split("\n#")[0]
    quoted = " ".join(re.findall(r"^> (.*)$", part, re.MULTILINE))
    assert quoted == offer.how_to_make_a_key


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md", "docs/architecture.md"])
def test_the_page_is_found_from_the_others(page: str) -> None:
    assert "exchanges.md" in (PAGE.parents[1] / page).read_text()
