"""One seed: some dozens of steps in which prices move, bots take turns, answers are lost and processes die;
then all is healed, and both books must agree."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from time import sleep

from django.core.cache import cache
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from bots.engine import claims
from bots.engine.reached import passed
from bots.engine.turn import TooManyRefusals, run_turn
from bots.models import Bot, BotStatus, StopRequest
from bots.services import bot_start, bot_stop, bots_stop_all, switches_sweep
from orders.models import Order
from orders.recovery import recoveries_finish, recovery_begin
from orders.rules import OrderKind
from orders.states import LIVE, UNSETTLED, OrderStatus
from tests.engine.exchanges import Killed
from tests.exchange import Exchange
from tests.faults.points import statements_watched
from tests.faults.runs.books import differences
from tests.faults.runs.deeds import Deeds
from tests.faults.runs.hand import Hand
from tests.faults.runs.mischief import Mischief, foreign_orders
from tests.faults.runs.stage import PRICES, MarketTime, Stage, staged
from tests.gateways.exchange.public import NAME

STEPS = 20
QUIET_ROUNDS_MAX = 40
POINTS_MAX, QUESTIONS_MAX = 200, 10
# Orders that were given up are watched; the longest wait between two looks is six hours.
WATCH_LEAP, WATCH_LEAPS = 6 * 360 + 10, 2
LATE_POLLS_MAX = 100
LATE_POLL_S = 0.01
TRACE_SHOWN = 120


class Failed(AssertionError):
    """A seed that shows something wrong: what, and what was done until then."""


@dataclass(frozen=True)
class Told:
    """What a run has been through."""

    orders: int
    fills: int
    crashes: int
    pauses: int
    struck: Counter[str]


@dataclass
class Run:
    stage: Stage
    mischief: Mischief
    trace: list[str] = field(default_factory=list)
    hand: Hand = field(default_factory=Hand)
    crashes: int = 0
    pauses: int = 0

    def __post_init__(self) -> None:
        self.exchanges = self.stage.process(self.hand)
        self.deeds = Deeds(self.stage, self.exchanges)

    def note(self, what: str) -> None:
        self.trace.append(what)

    def begin(self) -> None:
        foreign_orders(self.stage.exchange)
        for bot in Bot.objects.order_by("pk"):
            bot_start(bot=bot, exchanges=self.exchanges, now=timezone.now())

    def step(self) -> None:
        chance = self.stage.chance
        self.later(chance.choice((1, 1, 1, 2, 3, 6)))
        for _ in range(chance.randint(1, 3)):
            self.note(self.mischief.move())
        if chance.random() < 0.25:
            self.note(self.mischief.meddle())
        if chance.random() < 0.5:
            self.note(self.mischief.fault())
        if chance.random() < 0.1:
            self.clock_jumps()
        self.prices_fail()
        self.aim()
        try:
            with statements_watched(self.hand):
                if chance.random() < 0.3:
                    self.note(self.deeds.one())
                self.turns()
        except Killed:
            self.reborn()

    def later(self, leaps: int) -> None:
        """Time passes: for the exchange, for orders, leases and pauses, and for who was told to wait."""
        seconds = self.stage.time.leap(leaps)
        aged = timedelta(seconds=seconds)
        for name in ("claimed_at", "look_again_at"):
            old = Order.objects.filter(Q(status__in=sorted(LIVE)) | Q(look_again_at__isnull=False))
            old.filter(**{f"{name}__isnull": False}).update(**{name: F(name) - aged})
        Bot.objects.filter(lease_until__isnull=False).update(lease_until=F("lease_until") - aged)
        Bot.objects.filter(retry_at__isnull=False).update(retry_at=F("retry_at") - aged)
        cache.clear()
        self.stage.leaps.append(len(self.stage.exchange.oracle.requests))
        self.note(f"{seconds:.0f} s later")

    def clock_jumps(self) -> None:
        """The exchange's clock is set, and nobody has been told."""
        by_ms = self.stage.chance.choice((-3_000, 4_000))
        self.stage.time.ms += by_ms
        self.note(f"the clock jumps by {by_ms} ms")
        self.mischief.done["clock jump"] += 1

    def prices_fail(self) -> None:
        prices, chance = self.stage.prices, self.stage.chance
        prices.silent = chance.random() < 0.05
        prices.old_s = 60.0 if chance.random() < 0.05 else 0.0
        self.mischief.done["prices silent"] += prices.silent
        self.mischief.done["prices stale"] += bool(prices.old_s)

    def aim(self) -> None:
        """Once in a while a process is to die, or to sleep past its lease, at some point."""
        chance, hand = self.stage.chance, self.hand
        if hand.left is None and chance.random() < 0.3:
            hand.sleeps, hand.meanwhile = chance.random() < 0.5, self.meanwhile
            hand.left = (
                chance.randint(1, QUESTIONS_MAX) if hand.sleeps else int(POINTS_MAX ** chance.random())
            )

    def meanwhile(self) -> None:
        """The process sleeps past its leases; another takes its bots over."""
        assert not connection.in_atomic_block, "an exchange was asked inside a transaction"
        self.pauses += 1
        self.note(f"asleep at {self.hand.asleep_at}")
        self.later(self.stage.chance.choice((1, 4)))
        if self.hand.asleep_at != "before_create" and self.stage.chance.random() < 0.4:
            # Whatever it still plans to send is too late; what was claimed before may leave.
            self.note(self.deeds.do(Deeds.press))
        other = self.stage.process(Hand())
        run_turn(claims.due_ids(), exchanges=other, now=timezone.now())
        self.note("awake")

    def turns(self) -> None:
        """Prices wake bots; who is due has a turn, together with others, or alone."""
        chance = self.stage.chance
        for ticker, quote in self.stage.prices.quotes(sorted(PRICES)).items():
            passed(exchange=NAME, ticker=ticker, quote=quote, now=timezone.now())
        if chance.random() < 0.3:
            switches_sweep(now=timezone.now())
        due = sorted(claims.due_ids())
        if chance.random() < 0.3:
            chance.shuffle(due)
            due = due[: chance.randint(0, 4)]
        size = chance.choice((5, 20, 20, 20))
        for first in range(0, len(due), size):
            run_turn(due[first : first + size], exchanges=self.exchanges, now=timezone.now())
        recoveries_finish(now=timezone.now())

    def reborn(self) -> None:
        """The process has died; another starts, whose memory is empty."""
        self.crashes += 1
        self.note(f"killed at {self.hand.dead_at}")
        self.hand = Hand()
        self.exchanges = self.stage.process(self.hand)
        self.deeds.exchanges = self.exchanges
        self.deeds.note()
        if self.stage.chance.random() < 0.5:
            claims.release_all_leases()
        else:
            self.later(4)
        recovery_begin(now=timezone.now())

    def heal(self) -> None:
        """Faults end, what was held back arrives, switches are lifted; time passes until all is quiet."""
        exchange = self.stage.exchange
        exchange.faults.clear()
        for _ in range(LATE_POLLS_MAX):
            if not any(seen.outcome == "lost" for seen in exchange.oracle.creates):
                break
            sleep(LATE_POLL_S)
        self.stage.prices.silent, self.stage.prices.old_s, self.hand.left = False, 0.0, None
        self.deeds.release_all()
        self.quiet()
        for _ in range(WATCH_LEAPS):
            self.later(WATCH_LEAP)
            self.quiet()

    def quiet(self) -> None:
        """Turns until no order is in doubt and nobody has news."""
        for _ in range(QUIET_ROUNDS_MAX):
            self.later(3)
            run_turn(claims.due_ids(), exchanges=self.exchanges, now=timezone.now())
            if not self._restless():
                return
        raise Failed(f"not quiet after {QUIET_ROUNDS_MAX} rounds: {'; '.join(self._restless())}")

    def _restless(self) -> list[str]:
        """What is still under way: whoever waits for a price waits for ever."""
        orders = Order.objects.filter(
            Q(status__in=sorted(UNSETTLED))
            | Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False)
            | Q(status=OrderStatus.OPEN, look_again_at__lte=timezone.now())
        )
        due = Bot.objects.filter(pk__in=claims.due_ids())
        return [f"{order} {order.status} {order.refusal}" for order in orders] + [bot.name for bot in due]

    def end(self) -> None:
        """All bots are stopped: nothing rests any more."""
        bots_stop_all(bots=list(Bot.objects.exclude(status=BotStatus.STOPPED)), now=timezone.now())
        resting = Order.objects.filter(status__in=sorted(LIVE)).values("bot")
        for bot in Bot.objects.filter(pk__in=resting).order_by("pk"):
            bot_stop(bot=bot, now=timezone.now(), how=StopRequest.CANCEL_ORDERS)
        self.quiet()
        # What protects an open deal stays where its bot is told to cancel its orders.
        for bot in Bot.objects.filter(pk__in=resting.filter(kind=OrderKind.STOP)).order_by("pk"):
            bot_stop(bot=bot, now=timezone.now(), how=StopRequest.CANCEL_AND_SELL)
        self.quiet()
        left = Order.objects.filter(status__in=sorted(LIVE)).count()
        if left:
            raise Failed(f"{left} orders rest after all bots were stopped")

    def compare(self, when: str) -> None:
        found = differences(self.stage, self.deeds.pressed)
        if found:
            raise Failed("\n".join([f"{when}:", *found]))


def run(seed: int, exchange: Exchange, market_time: MarketTime, steps: int = STEPS) -> Told:
    """Raises `Failed` with everything that is wrong at the end, and what was done."""
    one = played(seed, exchange, market_time, steps)
    ledger = exchange.ledger
    return Told(len(ledger.orders), len(ledger.trades), one.crashes, one.pauses, one.mischief.struck())


def played(seed: int, exchange: Exchange, market_time: MarketTime, steps: int) -> Run:
    """A run that has come to its end."""
    cache.clear()
    stage = staged(exchange, market_time, Random(seed))
    one = Run(stage, Mischief(exchange, stage.chance))
    troubles: list[str] = []
    try:
        with turns_heard(troubles):
            one.begin()
            for number in range(steps):
                one.note(f"-- {number}")
                one.step()
            one.heal()
            one.compare("after healing")
            one.end()
            one.compare("at the end")
        if troubles:
            raise Failed("turns failed")
    except Exception as wrong:
        shown = (f"  {line}" for line in one.trace[-TRACE_SHOWN:])
        raise Failed("\n".join([f"seed {seed}: {wrong}", *troubles, *shown])) from wrong
    return one


@contextmanager
def turns_heard(troubles: list[str]) -> Iterator[None]:
    """A turn that fails is logged and tried again; here it is an error, unless refusals have ended it."""

    class Heard(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            if record.levelno >= logging.ERROR and not isinstance(error, TooManyRefusals):
                troubles.append(f"{record.getMessage()} {type(error).__name__}: {error}")

    log, heard = logging.getLogger("bots"), Heard()
    log.addHandler(heard)
    try:
        yield
    finally:
        log.removeHandler(heard)
