"""A start while orders are made, fill and are booked, in every order: what it may take is never more than
what is left.

The exchange is a purse that a test fills and empties between the steps of a start.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import product as each
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Environment, ExchangeAccount
from bots.models import Bot
from bots.services.room import Busy, Room, room_asked
from orders import money
from orders.gateways.base import Exchanges, FillReport, Holding, Report
from orders.models import Order
from orders.rules import Side
from orders.services import order_claim, order_settle
from orders.states import OrderStatus
from tests import people

D = Decimal
POCKETS = {"USDT": D(1000), "BTC": D(10)}
FOREIGN = {"USDT": D(500), "BTC": D(3)}
AMOUNT, PRICE, FEE = D(4), D(100), D(4)
# By so much a fill is better than what was asked for.
BETTER = D(5)
# The steps of a start: before it, before the answer, after it, before it funds.
STEPS = range(4)
NEVER = len(STEPS)
BUSY = D(-1)


@dataclass
class Purse:
    """What the exchange holds and has locked, and one order on it. It locks no fees, and takes them in quote.

    `steps` are what happens before each step of a start.
    """

    order: Order
    steps: list[list[Callable[[], None]]] = field(default_factory=lambda: [[] for _ in STEPS])
    totals: dict[str, Decimal] = field(
        default_factory=lambda: {currency: POCKETS[currency] + FOREIGN[currency] for currency in POCKETS}
    )
    resting: bool = False
    fills: tuple[FillReport, ...] = ()
    told: bool = False
    lost: bool = False

    may_be_late = True

    def reach(self, step: int) -> None:
        while self.steps[step]:
            self.steps[step].pop(0)()

    def holdings(self, account: ExchangeAccount) -> Mapping[str, Holding]:
        self.reach(1)
        locked = {"USDT": D(0), "BTC": D(0)}
        if self.resting:
            locked |= {"USDT": AMOUNT * PRICE} if self.order.side == Side.BUY else {"BTC": AMOUNT}
        answer = {name: Holding(total, total - locked[name]) for name, total in self.totals.items()}
        self.reach(2)
        return answer

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        return [] if self.resting else [self.report()]

    def report(self) -> Report:
        """Its fill may be listed later than it has happened."""
        told = self.fills if self.told else ()
        status = OrderStatus.FILLED if told else OrderStatus.OPEN
        behind = self.lost or (bool(self.fills) and not told)
        return Report(self.order.client_id, status, people.NOW, "one", told, behind=behind)

    def claim(self) -> None:
        """A worker sends it."""
        token = uuid4()
        held = Bot.objects.filter(pk=self.order.bot_id)
        held.update(lease_token=token, lease_until=timezone.now() + people.LEASE)
        order_claim(order=self.order, token=token)
        held.update(lease_token=None, lease_until=None)
        self.resting = True

    def acknowledge(self) -> None:
        """The answer, of when it came to rest, has arrived."""
        opened = Report(self.order.client_id, OrderStatus.OPEN, people.NOW, "one")
        order_settle(order=Order.objects.get(pk=self.order.pk), report=opened, now=people.NOW)

    def fill(self) -> None:
        sign = 1 if self.order.side == Side.BUY else -1
        price = PRICE - sign * BETTER
        self.totals["BTC"] += sign * AMOUNT
        self.totals["USDT"] -= sign * AMOUNT * price + FEE
        self.resting = False
        fee: dict[str, Any] = {"fee": FEE, "fee_currency": "USDT", "maker": True, "at": people.NOW}
        self.fills = (FillReport("1", AMOUNT, price, **fee),)

    def lose(self) -> None:
        """It has ended, and the exchange lists it no more."""
        self.resting, self.lost = False, True

    def tell(self) -> None:
        self.told = True

    def book(self) -> None:
        order_settle(order=Order.objects.get(pk=self.order.pk), report=self.report(), now=people.NOW)


def live_bot() -> Bot:
    user = people.alice()
    account = ExchangeAccount.objects.create(
        user=user,
        exchange="binance",
        label="Live",
        environment=Environment.LIVE,
        sealed_key="sealed",
        key_hint="-key",
    )
    bot = people.bot(user, account, funds=D(0), exchange="binance", mode="live")
    money.fund(bot=bot, quote=POCKETS["USDT"], now=people.NOW, left=POCKETS)
    money.fund_coins(bot=bot, base=POCKETS["BTC"], price=PRICE, now=people.NOW, left=POCKETS)
    return bot


def room_of(exchange: Purse, now: datetime = people.NOW) -> Mapping[str, Decimal]:
    """What a start may take; nothing of a currency while it is busy."""
    account = exchange.order.account
    gateways: Any = {("binance", Environment.LIVE): exchange}
    venues: Any = {"binance": exchange}
    exchange.reach(0)
    room = room_asked(account=account, exchanges=Exchanges(gateways, {}, venues), now=now)
    exchange.reach(3)
    return {currency: left(room, currency) for currency in POCKETS}


def left(room: Room, currency: str) -> Decimal:
    try:
        return room.left((currency,))[currency]
    except Busy:
        return BUSY


def happenings() -> Iterator[dict[str, int]]:
    """Each order in which it may be sent, acknowledged, filled and booked, by step; a fill is listed when it
    happens, or never."""
    later = [*STEPS, NEVER]
    for claim, acknowledge, fill, book in each(STEPS, later, later, later):
        if claim <= min(acknowledge, fill) and fill <= book:
            for tell in sorted({fill, NEVER}):
                yield {
                    "claim": claim,
                    "acknowledge": acknowledge,
                    "fill": fill,
                    "tell": tell,
                    "book": book,
                }


def found_when(bot: Bot, side: Side, when: Mapping[str, int]) -> Mapping[str, Decimal]:
    exchange = Purse(people.order(bot, side, amount=AMOUNT, price=PRICE))
    for name, step in when.items():
        if step != NEVER:
            exchange.steps[step].append(getattr(exchange, name))
    return room_of(exchange)


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.parametrize("side", list(Side))
def test_in_every_order_the_room_is_never_larger_than_the_truth(side: Side) -> None:
    """Money only changes hands with the market: what no bot has stays what it was."""
    bot = live_bot()
    for when in happenings():
        with transaction.atomic():
            found = found_when(bot, side, when)
            assert all(found[name] <= FOREIGN[name] for name in FOREIGN), (when, found)
            transaction.set_rollback(True)


QUIET = {"claim": 0, "acknowledge": 0, "fill": NEVER, "tell": NEVER, "book": NEVER}
FILLED_BEFORE = {"claim": 0, "acknowledge": 0, "fill": 0, "tell": 0, "book": NEVER}
ANSWERED_LATE = {"claim": 0, "acknowledge": 3, "fill": 1, "tell": 1, "book": NEVER}
LISTED_LATE = {"claim": 0, "acknowledge": 0, "fill": 1, "tell": NEVER, "book": NEVER}
ALL_AFTER_THE_ANSWER = {"claim": 2, "acknowledge": 2, "fill": 2, "tell": 2, "book": 2}


@pytest.mark.django_db
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("when", "busy"),
    [
        (QUIET, False),
        (FILLED_BEFORE, False),
        (ANSWERED_LATE, True),
        (LISTED_LATE, True),
        (ALL_AFTER_THE_ANSWER, False),
    ],
)
def test_what_a_start_may_take(side: Side, when: Mapping[str, int], busy: bool) -> None:
    found = found_when(live_bot(), side, when)
    brought = "BTC" if side == Side.BUY else "USDT"
    assert (found[brought] == BUSY) == busy
    assert all(found[name] <= FOREIGN[name] for name in FOREIGN)
    assert when is not QUIET or found == FOREIGN


@pytest.mark.django_db
@pytest.mark.parametrize("side", list(Side))
def test_an_order_that_is_listed_no_more_locks_nothing(side: Side) -> None:
    found = found_when(live_bot(), side, {"claim": 0, "acknowledge": 0, "lose": 0})
    taken, brought = ("USDT", "BTC") if side == Side.BUY else ("BTC", "USDT")
    assert found[brought] == BUSY
    assert found[taken] == FOREIGN[taken]
