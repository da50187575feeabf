"""The market stream with everything it reaches: the engine's clockwork, the bell, and the pages."""

import logging
import threading
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from django.utils import timezone
from kombu.exceptions import OperationalError

from activity.tasks import publish_price
from bots.engine.listening import listen
from bots.engine.stream import run_stream
from bots.tasks import ring
from orders.gateways.installed import installed

log = logging.getLogger(__name__)


def ring_or_leave(ids: list[UUID]) -> None:
    """A ring that nobody can hear is left to the sweep: the rows say who is due."""
    try:
        ring(ids)
    except OperationalError as fault:
        log.warning("stream.unheard", extra={"bots": len(ids), "fault": str(fault)})


def run_market_stream(*, stop: threading.Event, speed: Decimal, replays: Mapping[str, Path]) -> None:
    """Moves the simulated markets until `stop` is set, at most `speed` market seconds a second."""
    run_stream(
        stop=stop,
        speed=speed,
        replays=replays,
        ring=ring_or_leave,
        publish=publish_price,
        clock=timezone.now,
    )


def run_listener(*, stop: threading.Event) -> None:
    """Listens to the real exchanges that bots are on until `stop` is set."""
    listen(
        stop=stop,
        exchanges=installed(),
        ring=ring_or_leave,
        publish=publish_price,
        clock=timezone.now,
    )
