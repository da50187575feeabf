"""The whole platform in one process: web server in the main thread, the other parts in threads beside it."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from daphne.server import Server
from django.db import connections
from twisted.internet import reactor

from tradingbot.asgi import application
from tradingbot.parts import Supervisor

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
# A turn under way ends by itself; on a slow machine that takes a while.
PARTS_STOP_TIMEOUT_S = 5.0
INTERRUPTED = 130


class PageServer(Server):
    """Daphne, but a port that cannot be had is remembered instead of only logged."""

    refused: str | None = None

    def listen_error(self, failure: object) -> None:
        self.refused = str(failure)
        self.stop()


def serve(*, port: int, supervisor: Supervisor, announce: Callable[[], None]) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status.

    The parts start once the port is ours, so a start that fails has traded nothing.
    """

    def ready() -> None:
        supervisor.start()
        announce()

    server = PageServer(
        application,
        endpoints=[f"tcp:port={port}:interface={LOOPBACK}"],
        signal_handlers=False,
        ready_callable=ready,
        verbosity=0,
        server_name="tradingbot",
    )
    _stop_on_signals(server)
    server.run()
    left = supervisor.stop(PARTS_STOP_TIMEOUT_S)
    connections.close_all()
    if server.refused:
        sys.stderr.write(f"Port {port} is taken: stop what uses it, or choose another with --port.\n")
        return 1
    if left:
        # Work that does not end is safe to leave: the next start finds its rows and finishes them.
        logger.warning("stopped without waiting for: %s", ", ".join(left))
    sys.stdout.write("Stopped.\n")
    return 0


def _stop_on_signals(server: Server) -> None:
    asked_before = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal asked_before
        if asked_before:
            os._exit(INTERRUPTED)
        asked_before = True
        reactor.callFromThread(server.stop)

    # Explicitly: a process started in the background of a script inherits an ignored SIGINT.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
