"""The engine alone, as a process on an installation: `python -m tests.faults.crash_program prepare KEY
SECRET`, `run POINT` and `finish`.

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
from decimal import Decimal
from typing import Any
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
django.setup()

from django.conf import settings  # noqa: E402 - models need the set-up above
from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import F, Q  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.keys import Credentials, seal  # noqa: E402
from accounts.models import Environment, ExchangeAccount, User  # noqa: E402
from bots.engine import claims  # noqa: E402
from bots.engine.reached import passed  # noqa: E402
from bots.engine.replay import replay_breaches  # noqa: E402
from bots.engine.turn import run_turn  # noqa: E402
from bots.models import Bot, KillSwitch, Level, Scope, StopRequest  # noqa: E402
from bots.services import (  # noqa: E402
    Target,
    bot_create,
    bot_start,
    bot_stop,
    bots_stop_all,
    switch_press,
    switch_release,
    switches_sweep,
)
from orders.gateways.base import Exchanges  # noqa: E402
from orders.gateways.installed import installed  # noqa: E402
from orders.invariants import breaches  # noqa: E402
from orders.models import Order, Trade  # noqa: E402
from orders.recovery import recoveries_finish, recovery_begin  # noqa: E402
from orders.states import LIVE, UNSETTLED, OrderStatus  # noqa: E402
from tests.faults.crash_points import POINTS, Point  # noqa: E402
from tests.faults.live_trading import DCA, GRID, NAME, TICKER  # noqa: E402
from tests.faults.points import WatchedGateway, named  # noqa: E402

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
    now, number = timezone.now(), uuid4()
    user = User.objects.create_user("alice@example.org")
    sealed = seal(Credentials(key, secret), user_id=user.pk, account_id=number, keys=settings.ENCRYPTION_KEYS)
    account = ExchangeAccount.objects.create(
        pk=number,
        user=user,
        exchange=NAME,
        label="Binance",
        environment=Environment.LIVE,
        sealed_key=sealed,
    )
    installed().markets[NAME].load(now=now)
    for kind, values in (("grid", GRID | {"lines": 5}), ("dca", DCA)):
        bot_create(
            user=user, account=account, name=kind, bot_type=kind, ticker=TICKER, values=values, now=now
        )


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
    sys.stdout.write(json.dumps(books()))
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


def books() -> dict[str, Any]:
    orders = Order.objects.exclude(exchange_order_id=None)
    return {
        "orders": {order.exchange_order_id: [order.status, str(order.filled)] for order in orders},
        "trades": sorted(Trade.objects.values_list("exchange_trade_id", flat=True)),
        "position": str(sum((bot.position_amount for bot in Bot.objects.all()), Decimal(0))),
        "unsent": sorted(set(orders.filter(send_count=0).values_list("status", flat=True))),
        "breaches": [str(breach) for breach in breaches()]
        + [str(breach) for bot in Bot.objects.all() for breach in replay_breaches(bot)],
    }


if __name__ == "__main__":
    words: dict[str, Callable[..., int | None]] = {"prepare": prepare, "run": run, "finish": finish}
    sys.exit(words[sys.argv[1]](*sys.argv[2:]))
