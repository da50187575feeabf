"""What an account's stream tells hurries the books; the books are those of the answers."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from accounts.keys import Credentials, seal
from bots.engine.listening import Listener
from bots.models import Bot
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.listening import ExchangeStreams
from orders.gateways.streaming import Following, Wanted
from orders.heard import TOLD_WITHIN
from orders.matching import Quote
from orders.models import Order
from orders.states import OrderStatus
from tests.engine.exchanges import at_once
from tests.exchange.routes import SUBSCRIBE
from tests.gateways.exchange.conftest import KEYS, Floor
from tests.gateways.exchange.ears import BTC
from tests.gateways.exchange.public import NAME, options_of
from tests.gateways.exchange.studio import FOLLOW, Studio, opened

D = Decimal


@pytest.fixture
def studio(floor: Floor) -> Iterator[Studio]:
    with opened(floor) as studio:
        yield studio


def test_a_fill_is_booked_long_before_it_would_have_been_asked_for(studio: Studio) -> None:
    bot, resting, theirs = studio.holding()
    studio.listen()
    studio.exchange.ledger.fill(theirs, theirs.quantity / 2)
    studio.until(lambda: studio.sold(bot))
    resting.refresh_from_db()
    assert (resting.status, resting.filled) == (OrderStatus.OPEN, resting.amount / 2)
    studio.put_off()
    studio.exchange.ledger.fill(theirs)
    studio.until(lambda: len(studio.sold(bot)) == 2)
    assert sum(trade.quantity for trade in studio.sold(bot)) == resting.amount


def test_a_cancel_by_hand_is_known_at_once(studio: Studio) -> None:
    _, resting, theirs = studio.holding()
    studio.listen()
    studio.exchange.ledger.cancel(theirs)
    studio.until(lambda: Order.objects.get(pk=resting.pk).status == OrderStatus.CANCELLED)


def test_nothing_is_booked_from_a_stream(studio: Studio) -> None:
    bot, resting, theirs = studio.holding()
    studio.listen()
    studio.exchange.faults.add(
        "rewrite", method="EVENT", path="executionReport", times=None, fields={"L": "1", "n": "77", "t": 99}
    )
    studio.exchange.ledger.fill(theirs)
    studio.until(lambda: studio.sold(bot))
    (sale,) = studio.sold(bot)
    assert (sale.price, sale.order_id) == (resting.price, resting.pk)


@pytest.mark.row(35)
def test_fills_while_nobody_listened_are_booked_when_somebody_does(studio: Studio) -> None:
    bot, _, theirs = studio.holding()
    studio.listen()
    before = studio.lines()
    studio.exchange.faults.add("drop", path="executionReport", times=None)
    studio.exchange.ledger.fill(theirs, theirs.quantity / 2)
    studio.exchange.faults.clear()
    studio.exchange.hub.cut()
    studio.exchange.ledger.fill(theirs)
    studio.until(lambda: studio.lines() - before)
    studio.until(lambda: len(studio.sold(bot)) == 2)
    studio.agrees()


@dataclass
class Deaf:
    """Streams that say they have heard nothing for an hour."""

    of: Following

    def follow(self, wanted: Wanted) -> None:
        self.of.follow(wanted)

    def keep(self, exchange: str, quotes: Mapping[str, Quote]) -> Mapping[str, Quote]:
        return self.of.keep(exchange, quotes)

    def heard_s(self, account_id: UUID) -> float | None:
        return 3600.0

    def renew(self, account_id: UUID) -> None:
        self.of.renew(account_id)

    def stop(self) -> None:
        self.of.stop()


@pytest.mark.row(36)
def test_a_stream_that_keeps_fills_to_itself_is_opened_anew(studio: Studio) -> None:
    """Only what was asked for meanwhile shows it."""
    bot, _, theirs = studio.holding()
    studio.listen()
    before = studio.lines()
    studio.exchange.faults.add("drop", path="executionReport", times=None)
    studio.exchange.ledger.fill(theirs, theirs.quantity / 2)
    studio.floor.later(FOLLOW.total_seconds())
    assert studio.sold(bot), "the poll has found it"
    studio.listener.following = Deaf(studio.listener.following)
    studio.listener.check_s = 0.0
    # So long after it was booked, the stream will not tell it any more.
    studio.listener.clock = lambda: timezone.now() + 2 * TOLD_WITHIN
    studio.until(lambda: studio.lines() - before)
    studio.until(lambda: not before & studio.lines())
    studio.exchange.faults.clear()
    studio.exchange.ledger.fill(theirs)
    studio.agrees()


@pytest.mark.parametrize(
    "fields",
    [{"X": "DREAMING"}, {"z": "NaN"}, {"z": "1e400"}, {"s": "NOSUCHCOIN"}, {"i": None}, {"q": [], "z": {}}],
)
@pytest.mark.row(37)
def test_what_cannot_be_does_not_end_a_stream(studio: Studio, fields: dict[str, object]) -> None:
    bot, _, theirs = studio.holding()
    studio.listen()
    before = studio.lines()
    studio.exchange.faults.add("rewrite", method="EVENT", path="executionReport", fields=fields)
    studio.exchange.ledger.fill(theirs, theirs.quantity / 2)
    studio.exchange.ledger.fill(theirs)
    studio.until(lambda: len(studio.sold(bot)) == 2)
    assert studio.lines() == before
    studio.agrees()


def test_a_key_that_is_not_accepted_is_told_of_without_a_word_of_it(
    floor: Floor, caplog: pytest.LogCaptureFixture
) -> None:
    floor.bot()
    account, secret = floor.account, f"secret-{uuid4().hex}"
    wrong = Credentials(floor.exchange.alice.key, secret)
    account.sealed_key = seal(wrong, user_id=floor.user.pk, account_id=account.pk, keys=KEYS)
    account.save()
    prices = ExchangePrices(NAME, floor.clients)
    streams = ExchangeStreams({NAME: prices}, floor.clients.of, {NAME: options_of(floor.exchange)})
    listener = Listener(
        replace(floor.exchanges, streams=streams), lambda _: None, lambda *_: None, timezone.now, ask=at_once
    )
    with caplog.at_level(logging.DEBUG):
        try:
            Studio(floor, listener).until(lambda: "streams.lost" in caplog.text)
        finally:
            listener.stop()
    assert [seen.code for seen in floor.exchange.oracle.asked("WS", SUBSCRIBE)] == [-1022]
    told = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert secret not in told
    assert floor.exchange.alice.key not in told


def test_an_account_that_is_stopped_is_not_listened_to(studio: Studio) -> None:
    studio.holding()
    studio.listen()
    account = studio.floor.account
    account.state, account.state_reason = "broken", "its key is gone"
    account.save()
    studio.until(lambda: not studio.lines())


def test_a_price_wakes_a_live_bot(studio: Studio) -> None:
    bot, _, _ = studio.holding()
    studio.listen()
    Bot.objects.filter(pk=bot.pk).update(wake_below=D(40_000))
    studio.until(lambda: any("btcusdt@ticker" in line.streams for line in tuple(studio.exchange.hub.lines)))
    studio.rung.clear()
    studio.exchange.ledger.move("BTCUSDT", 39_000)
    studio.until(lambda: bot.pk in studio.rung)
    assert studio.listener.streamed_s[NAME, BTC] > 0
