"""The engine alone, as a process on an installation: `python -m tests.faults.program crash_program
prepare KEY SECRET`, `run POINT` and `finish`.

`prepare` makes a person with a live account and two stopped bots on the exchange that EXCHANGE_OVERRIDES
leads to. `run` starts them, stops one and presses a kill switch, and kills itself with SIGKILL at the point;
it ends with 3 when it never came there. `finish` is the next process: it brings everything to rest and prints
the books.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.db.models import F, Q
from django.utils import timezone

from bots.engine import claims
from bots.engine.reached import passed
from bots.engine.turn import run_turn
from bots.models import Bot, KillSwitch, Level, Scope, StopRequest
from bots.services import (
    Target,
    bot_start,
    bot_stop,
    bots_stop_all,
    switch_press,
    switch_release,
    switches_sweep,
)
from orders.gateways.base import Exchanges
from orders.gateways.installed import installed
from orders.models import Order
from orders.recovery import recoveries_finish, recovery_begin
from orders.states import LIVE, UNSETTLED, OrderStatus
from tests.faults.crash_points import POINTS, Point
from tests.faults.live_trading import TICKER, made, traded
from tests.faults.points import WatchedGateway, named
from tests.gateways.exchange.public import NAME

NEVER_CAME_THERE, NOT_QUIET = 3, 4
# Time passes by rows growing older, so that an exchange's fences take no real time.
AGED_S = 6
ROUNDS_MAX = 40
TURNS = 3


@dataclass
class Death:
    """Kills this process when it passes its point for the nth time."""

    point: Point
    passed: int = 0

    def asked(self, name: str) -> None:
        self._at(name, "")

    def statement(self, run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        name, told = named(sql), f"{sql} {params}"
        self._at(f"before {name}", told)
        result = run(sql, params, many, context)
        self._at(f"after {name}", told)
        return result

    def _at(self, name: str, told: str) -> None:
        if name == self.point.passes and self.point.having in told:
            self.passed += 1
            if self.passed == self.point.nth:
                os.kill(os.getpid(), signal.SIGKILL)


def prepare(key: str, secret: str) -> None:
    made(key, secret, lines=5)


def run(name: str) -> int:
    """The life of a process up to its death."""
    death, reached = Death(POINTS[name]), opened()
    gateways = {place: WatchedGateway(gateway, death.asked) for place, gateway in reached.gateways.items()}
    exchanges = replace(reached, gateways=gateways)
    with connection.execute_wrapper(death.statement):
        grid, dca = Bot.objects.order_by("-bot_type")
        for bot in (grid, dca):
            bot_start(bot=bot, exchanges=exchanges, now=timezone.now())
        turns(exchanges)
        recovery_begin(now=timezone.now())
        bot_stop(bot=grid, now=timezone.now(), how=StopRequest.CANCEL_ORDERS)
        turns(exchanges)
        target = Target(Scope.SYSTEM)
        switch_press(target=target, level=Level.FLATTEN, by=None, now=timezone.now(), why="the switch")
        turns(exchanges)
    return NEVER_CAME_THERE


def finish() -> int:
    """Bring all to rest as the next process does, and print what our rows say then."""
    exchanges = opened()
    claims.release_all_leases()
    recovery_begin(now=timezone.now())
    for bot in Bot.objects.filter(started_at__isnull=True):  # their person starts them again
        bot_start(bot=bot, exchanges=exchanges, now=timezone.now())
    settled = until(exchanges, restless)
    for switch in KillSwitch.objects.filter(released_at__isnull=True):
        switch_release(switch=switch, by=None, now=timezone.now())
    bots_stop_all(bots=list(Bot.objects.all()), now=timezone.now())
    for bot in Bot.objects.all():
        bot_stop(bot=bot, now=timezone.now(), how=StopRequest.CANCEL_ORDERS)
    quiet = settled and until(exchanges, resting)
    sys.stdout.write(json.dumps(traded()))
    return 0 if quiet else NOT_QUIET


def opened() -> Exchanges:
    """Its markets are loaded and a price is known, however long that takes."""
    exchanges = installed()
    exchanges.prices[NAME].ask([TICKER])
    return exchanges


def turns(exchanges: Exchanges) -> None:
    for _ in range(TURNS):
        aged()
        for ticker, quote in exchanges.prices[NAME].quotes([TICKER]).items():
            passed(exchange=NAME, ticker=ticker, quote=quote, now=timezone.now())
        switches_sweep(now=timezone.now())
        run_turn(claims.due_ids(), exchanges=exchanges, now=timezone.now())
        recoveries_finish(now=timezone.now())


def until(exchanges: Exchanges, more: Callable[[], bool]) -> bool:
    for _ in range(ROUNDS_MAX):
        turns(exchanges)
        if not more():
            return True
    return False


def restless() -> bool:
    ending = Q(status=OrderStatus.OPEN, cancel_requested_at__isnull=False)
    return Order.objects.filter(Q(status__in=sorted(UNSETTLED)) | ending).exists()


def resting() -> bool:
    return Order.objects.filter(status__in=sorted(LIVE)).exists()


def aged() -> None:
    by = timedelta(seconds=AGED_S)
    Order.objects.filter(claimed_at__isnull=False).update(claimed_at=F("claimed_at") - by)
    Order.objects.filter(look_again_at__isnull=False).update(look_again_at=F("look_again_at") - by)
    cache.clear()


PROGRAM: dict[str, Callable[..., int | None]] = {"prepare": prepare, "run": run, "finish": finish}
