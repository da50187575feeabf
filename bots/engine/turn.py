"""One turn of many bots: finish, look, decide, write, send.

Start-up, recovery after a crash and the normal path are these same five verbs. A bot whose turn
fails is set aside alone; the others go on.
"""

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import InterfaceError, InternalError, OperationalError
from redis.exceptions import RedisError

from bots.engine import claims
from bots.engine.claims import Hold
from bots.engine.compare import Change, change_of
from bots.engine.fail import bot_failed
from bots.engine.fees import ask_for_fees
from bots.engine.look import Look, look
from bots.engine.rules_anew import asked_anew, set_waiting, why_held
from bots.engine.send import anything_left, finish, send
from bots.engine.time_limit import THINKS_MAX_S, TimeLimit
from bots.engine.write import let_go, pass_by, write
from bots.models import Bot
from bots.strategies.base import Plan
from bots.strategies.registry import load_memory
from orders.gateways.base import Exchanges
from orders.money import LostRace

ROUNDS_MAX = 8
REFUSALS_MAX = 5
# What the database and the cache raise when they are away, locked, full or read-only.
AWAY = (OperationalError, InterfaceError, InternalError, RedisError)
log = logging.getLogger(__name__)


def run_turn(ids: Collection[UUID], *, exchanges: Exchanges, now: datetime) -> list[UUID]:
    """Give those of `ids` that nobody else works on their turn; returns who has news again.

    Rounds follow while fills and ends of orders bring news, up to a limit: the rest is for the next
    ring, so no bot keeps others waiting.
    """
    began_s = monotonic()
    token, mine = claims.claim(ids)
    hold = claims.Hold(token, began_s)
    try:
        waiting = mine
        for _ in range(ROUNDS_MAX):
            if not waiting:
                break
            _round(waiting, hold=hold, exchanges=exchanges, now=now)
            waiting = claims.still_news(waiting)
            hold.keep()
        return waiting
    except AWAY as fault:
        # No fault of a bot's. What was begun is undone, and all stay due.
        log.warning("turn.away", extra={"bots": len(mine), "fault": str(fault)})
        return []
    finally:
        with suppress(*AWAY):  # a lease that cannot be given back is over soon
            claims.release(token)


def _round(ids: Sequence[UUID], *, hold: Hold, exchanges: Exchanges, now: datetime) -> None:
    token = hold.token
    try:
        left = anything_left(ids)
        if left:
            finish(ids, exchanges=exchanges, now=now)
        looks = _looks(ids, token=token, exchanges=exchanges, now=now)
        pass_by([looked for looked in looks if looked.unasked], token=token)
        changes = [change for looked in looks if not looked.unasked and (change := _decided(looked, now))]
        write(changes, token=token, exchanges=exchanges, now=now)
        placed = [order for change in changes for order in change.place]
        send(ids, placed, hold=hold, exchanges=exchanges, now=now)
        let_go(ids, token=token, now=now)
        if left:  # last: no exit waits for the fee of an order that has ended
            ask_for_fees(ids, exchanges=exchanges, now=now)
    except AWAY:
        raise
    except Exception as error:  # the outermost guard of a turn: one bot's trouble is not the others'
        if len(ids) > 1:
            for one in ids:
                _round([one], hold=hold, exchanges=exchanges, now=now)
        elif isinstance(error, LostRace):
            log.info("turn.lost_race", extra={"bot": str(ids[0]), "why": str(error)})
        else:
            log.exception("turn.failed", extra={"bot": str(ids[0])})
            # What it decided before is written, and no failure of the bot's own.
            for bot in Bot.objects.filter(pk__in=claims.still_news(ids)):
                _failed(bot, error, now)


def _looks(ids: Sequence[UUID], *, token: UUID, exchanges: Exchanges, now: datetime) -> list[Look]:
    """What the bots see that can act: those whose market is shut, or whose account may not trade, wait."""
    looks = look(token, ids, exchanges=exchanges)
    if asked_anew(looks, exchanges=exchanges, now=now):
        looks = look(token, ids, exchanges=exchanges)
    set_waiting([looked for looked in looks if why_held(looked)], token=token, now=now)
    return [looked for looked in looks if not why_held(looked)]


def _decided(looked: Look, now: datetime) -> Change | None:
    """The change a bot's strategy asks for; None when it failed, which stops that bot only."""
    try:
        if looked.bot.failures >= REFUSALS_MAX:
            raise TooManyRefusals(f"the exchange refused its orders {looked.bot.failures} times in a row")
        return change_of(looked, decide(looked), now=now)
    except Exception as error:  # the outermost guard around code that a strategy's author wrote
        log.exception("turn.failed", extra={"bot": str(looked.bot.pk)})
        _failed(looked.bot, error, now)
        return None


def _failed(bot: Bot, error: Exception, now: datetime) -> None:
    bot_failed(bot=bot, why=f"{type(error).__name__}: {error}", now=now)


class TooManyRefusals(Exception):
    """Trying again would only be refused again; a person must look."""


def decide(looked: Look, thinks_max_s: float = THINKS_MAX_S) -> Plan[Any]:
    """Call the strategy with what was seen. Raises `TookTooLong` when it does not come to an end."""
    memory = load_memory(looked.strategy, looked.bot.memory)
    with TimeLimit(thinks_max_s):
        return looked.strategy.decide(memory, looked.seen)
