"""A listener that hears an account's stream, beside the bots of the floor."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from bots.engine.listening import Listener
from bots.engine.turn import run_turn
from bots.models import Bot
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.exchange.streams.listening import ExchangeStreams, Timing
from orders.models import Order, Trade
from orders.states import OrderStatus
from tests.engine.exchanges import at_once
from tests.exchange import Exchange
from tests.exchange.hub import Line
from tests.exchange.orders import Order as Theirs
from tests.gateways.exchange.books import agree, come_to_rest
from tests.gateways.exchange.conftest import Floor
from tests.gateways.exchange.public import NAME, options_of
from tests.waiting import listened

# No poll of resting orders comes in this time: who knows of a fill earlier has heard of it.
FOLLOW = timedelta(seconds=100)


@dataclass
class Studio:
    """A person's live bots, and a listener whose rings are turns."""

    floor: Floor
    listener: Listener
    rung: list[UUID] = field(default_factory=list)

    @property
    def exchange(self) -> Exchange:
        return self.floor.exchange

    def until(self, holds: Callable[[], object]) -> None:
        listened(self.listener, holds)

    def holding(self) -> tuple[Bot, Order, Theirs]:
        """A bot that has bought and whose target rests, our order and the exchange's, heard by nobody yet;
        it is not asked about for a long time."""
        bot = self.floor.bot()
        self.floor.turn(bot)
        resting = Order.objects.get(bot=bot, status=OrderStatus.OPEN)
        theirs = self.exchange.ledger.find(
            self.exchange.alice.key, "BTCUSDT", order_id=int(resting.exchange_order_id or 0)
        )
        assert theirs is not None
        return bot, resting, theirs

    def listen(self) -> None:
        self.until(self.lines)
        self.until(lambda: self.listener.following.heard_s(self.floor.account.pk) is not None)
        # The look that follows an opening has been had.
        self.until(lambda: self.rung)
        self.rung.clear()
        self.put_off()

    def put_off(self) -> None:
        Order.objects.filter(status=OrderStatus.OPEN).update(look_again_at=timezone.now() + FOLLOW)

    def lines(self) -> set[Line]:
        return {line for line in tuple(self.exchange.hub.lines) if line.users}

    def sold(self, bot: Bot) -> list[Trade]:
        return [trade for trade in self.floor.trades(bot) if trade.side == "sell"]

    def agrees(self) -> None:
        """The listener has heard all there is, and time passes until there is nothing left to do."""
        come_to_rest(self.floor)
        agree(self.floor)


@contextmanager
def opened(floor: Floor) -> Iterator[Studio]:
    streams = ExchangeStreams(
        {NAME: ExchangePrices(NAME, floor.clients)},
        floor.clients.of,
        {NAME: options_of(floor.exchange)},
        Timing(None, 0.05, 0.1),
    )
    exchanges = replace(floor.exchanges, streams=streams)
    rung: list[UUID] = []

    def ring(ids: list[UUID]) -> None:
        rung.extend(ids)
        run_turn(ids, exchanges=exchanges, now=timezone.now())

    listener = Listener(exchanges, ring, lambda *_: None, timezone.now, ask=at_once)
    try:
        yield Studio(floor, listener, rung)
    finally:
        listener.stop()
