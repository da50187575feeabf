"""Prices that an exchange tells by itself: exact, never nonsense, and no silence goes unnoticed."""

import time
from decimal import Decimal

import pytest

from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.streams.listening import Timing
from orders.matching import Quote
from tests.exchange import Exchange
from tests.gateways.exchange.ears import BTC, ETH, TICKER, Room, streaming
from tests.gateways.exchange.public import NAME
from tests.waiting import until

D = Decimal
SILENCE_S = 0.5


def test_prices_come_by_themselves_and_exact(room: Room) -> None:
    room.hears(BTC, ETH)
    room.exchange.ledger.move("BTCUSDT", "50123.45")
    room.exchange.ledger.move("ETHUSDT", 2_600)
    until(lambda: {ticker for ticker, _ in room.ear.prices} == {BTC, ETH})
    found = dict(room.ear.prices)
    assert found[BTC].bid == D("50123.44")
    assert (found[BTC].ask, found[BTC].last, found[ETH].last) == (D("50123.45"), D("50123.45"), D(2_600))


def test_a_trade_tells_the_last_price_between_two_tickers(room: Room) -> None:
    room.hears(BTC)
    room.exchange.ledger.move("BTCUSDT", 50_100)
    until(lambda: room.ear.prices)
    room.exchange.faults.add("drop", path="24hrTicker", times=None)
    room.exchange.ledger.move("BTCUSDT", 50_200)
    until(lambda: room.lasts()[-1] == 50_200)
    assert room.ear.prices[-1][1].ask == 50_100


def test_of_many_prices_at_once_the_last_one_is_told(room: Room) -> None:
    room.hears(BTC)
    for price in range(50_001, 50_101):
        room.exchange.ledger.move("BTCUSDT", price)
    until(lambda: room.lasts() and room.lasts()[-1] == 50_100)


def test_what_is_kept_is_found_by_every_process(room: Room) -> None:
    quote = Quote(D(49_999), D(50_000), D(50_000), 0)
    assert room.listening.keep(NAME, {BTC: quote}) == {BTC: quote}
    assert room.prices.remembered([BTC]) == {BTC: quote}


@pytest.mark.row(39)
def test_a_leap_is_dropped_and_counted(room: Room) -> None:
    quote = Quote(D(49_999), D(50_000), D(50_000), 0)
    spike = Quote(D(4_999_900), D(5_000_000), D(5_000_000), 1)
    room.listening.keep(NAME, {BTC: quote})
    assert room.listening.keep(NAME, {BTC: spike}) == {}
    assert room.prices.remembered([BTC]) == {BTC: quote}
    assert room.listening.dropped(NAME) == {"a leap": 1}


def ticker(**changes: object) -> dict[str, object]:
    """What Binance tells of a market's day, as far as we read it."""
    told = {"e": "24hrTicker", "s": "BTCUSDT", "c": "50000", "b": "49999", "a": "50000"}
    return told | {"E": time.time_ns() // 1_000_000} | changes


IMPOSSIBLE = [
    {"c": "0"},
    {"c": "NaN"},
    {"c": "Infinity"},
    {"c": "-50000"},
    {"c": "5000000"},
    {"b": "0"},
    {"a": "1"},
    {"c": "1" * 60},
    {"c": 10**400},
    {"c": None, "b": {"price": 1}},
    {"c": [1]},
]


@pytest.mark.parametrize("changes", IMPOSSIBLE)
@pytest.mark.row(39)
def test_a_price_that_cannot_be_is_dropped_and_the_next_one_heard(
    room: Room, changes: dict[str, object]
) -> None:
    """Rows 37 and 39."""
    room.hears(BTC)
    room.tells(TICKER, **ticker(**changes))
    until(lambda: sum(room.listening.dropped(NAME).values()) == 1)
    assert room.ear.prices == []
    room.tells(TICKER, **ticker())
    until(lambda: room.lasts() == [50_000])


@pytest.mark.parametrize(
    "text",
    ['{"e":"24hrTicker","s":', "[]", "[1]", '{"e":{}}', '{"e":"24hrTicker"}', "{}" * 50, "[" * 50_000],
)
@pytest.mark.row(37)
def test_garbage_does_not_end_a_stream(room: Room, text: str) -> None:
    """Row 37."""
    room.hears(BTC)
    before = room.listened()
    room.says(text)
    room.says("\x00 nothing like JSON")
    room.exchange.ledger.move("BTCUSDT", 50_100)
    until(lambda: room.lasts() and room.lasts()[-1] == 50_100)
    assert room.listened() == before, "it is still the same connection"


@pytest.mark.row(37)
def test_what_was_not_asked_for_is_dropped_and_counted(room: Room) -> None:
    room.hears(BTC)
    room.tells(TICKER, **ticker(s="ETHUSDT", c="2500", b="2499", a="2500"))
    room.tells(TICKER, **ticker(s="NOSUCHCOIN"))
    room.tells(TICKER, **ticker())
    until(lambda: room.lasts() == [50_000])
    assert {name for name, _ in room.ear.prices} == {BTC}
    assert sum(room.listening.dropped(NAME).values()) == 2


def test_what_waited_somewhere_for_long_is_no_price_of_now(room: Room) -> None:
    room.hears(BTC)
    old = time.time_ns() // 1_000_000 - 60_000
    room.tells(TICKER, **ticker(E=old, C=old))
    until(lambda: room.listening.dropped(NAME) == {"late": 1})
    assert room.ear.prices == []


def test_dropped_messages_are_told_of_once_a_minute(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    room.hears(BTC)
    for number in range(1, 6):
        room.tells(TICKER, **ticker(c="0", b=str(number)))
    until(lambda: sum(room.listening.dropped(NAME).values()) >= 1)
    room.tells(TICKER, **ticker())
    until(lambda: room.ear.prices)
    assert len([record for record in caplog.records if record.message == "streams.dropped"]) == 1


@pytest.mark.row(36)
def test_a_silent_stream_is_opened_anew_though_it_answers_pings(
    served: Exchange, clients: ProcessClients
) -> None:
    """Row 36."""
    with streaming(served, clients) as room:
        room.hears(BTC)
        served.ledger.move("BTCUSDT", 50_100)
        until(lambda: room.ear.prices)
        before, gaps, began = room.listened(), len(room.ear.gaps), time.monotonic()
        silence = served.faults.add("drop", times=None)
        until(lambda: room.listened() - before, SILENCE_S * 4)
        assert time.monotonic() - began > SILENCE_S / 2
        assert len(room.ear.gaps) > gaps, "meanwhile its prices are asked for"
        until(lambda: not before & room.listened())
        assert silence.struck == 0, "there was nothing to be said; that is silence too"
        served.faults.clear()
        room.hears(BTC)
        served.ledger.move("BTCUSDT", 50_200)
        until(lambda: room.lasts()[-1] == 50_200)


@pytest.mark.row(35)
def test_a_stream_that_is_cut_off_comes_back(room: Room) -> None:
    room.hears(BTC)
    before = room.listened()
    room.exchange.faults.add("disconnect", path="24hrTicker")
    room.exchange.ledger.move("BTCUSDT", 50_100)
    until(lambda: room.listened() and not before & room.listened())
    room.hears(BTC)
    assert {BTC} in room.ear.gaps
    room.exchange.ledger.move("BTCUSDT", 50_200)
    until(lambda: room.lasts() and room.lasts()[-1] == 50_200)


def test_while_it_is_away_its_prices_are_asked_for(served: Exchange, clients: ProcessClients) -> None:
    with streaming(served, clients, Timing(silence_s=60, again_s=60)) as room:
        room.hears(BTC)
        gaps = len(room.ear.gaps)
        served.faults.add("disconnect", path="24hrTicker")
        served.ledger.move("BTCUSDT", 50_100)
        until(lambda: len(room.ear.gaps) > gaps)
        assert room.ear.gaps[-1] == {BTC}
