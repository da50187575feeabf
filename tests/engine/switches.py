"""Pressing a kill switch over the world of the engine's tests, and an order that waits to be claimed."""

from datetime import datetime
from uuid import UUID

from bots.engine import claims
from bots.engine.compare import change_of
from bots.engine.look import look
from bots.engine.turn import decide
from bots.engine.write import write
from bots.models import Bot, KillSwitch, Level, Scope
from bots.services import Target, switch_press
from orders.gateways.base import Exchanges
from orders.models import Order
from tests.engine.conftest import NOW, World


def press(world: World, level: Level = Level.CANCEL, bot: Bot | None = None) -> KillSwitch:
    target = Target(Scope.USER, world.user) if bot is None else Target(Scope.BOT, world.user, bot)
    return switch_press(target=target, level=level, by=world.user, now=NOW, why="Storm")


def written(bot: Bot, exchanges: Exchanges, now: datetime = NOW) -> tuple[list[Order], UUID]:
    """A worker has decided and written, and holds the lease; it has not sent yet."""
    token, mine = claims.claim([bot.pk])
    changes = [change_of(one, decide(one), now=now) for one in look(token, mine, exchanges=exchanges)]
    write(changes, token=token, exchanges=exchanges, now=now)
    return [order for change in changes for order in change.place], token


def planned(world: World, bot: Bot) -> tuple[Order, UUID]:
    """The same, the order as it is stored."""
    _, token = written(bot, world.exchanges)
    return world.orders(bot)[-1], token


def statuses(world: World, bot: Bot) -> list[str]:
    return [order.status for order in world.orders(bot)]
