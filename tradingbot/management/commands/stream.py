"""`manage.py stream`: the market stream as a process of its own, for the grown topology."""

import signal
import threading
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from orders.gateways.candle_file import CandlesRefused
from orders.recovery import recovery_begin
from tradingbot.management.market_words import SPEED_DEFAULT, replay, speed
from tradingbot.market_stream import run_market_stream
from tradingbot.parts import Listening, Supervisor

WRONG_INPUT = 2
LISTENER_STOP_TIMEOUT_S = 2.0


class Command(BaseCommand):
    help = (
        "Moves the simulated markets, listens to the real ones, fills paper orders and wakes bots. "
        "Stops at SIGTERM or SIGINT."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--speed", type=speed, default=SPEED_DEFAULT, help="market seconds a second, at most (default 60)"
        )
        parser.add_argument(
            "--replay",
            action="append",
            default=[],
            type=replay,
            metavar="TICKER=FILE",
            help="play a candle file as this market; may be repeated",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        stop = threading.Event()

        def end(number: int, frame: FrameType | None) -> None:
            stop.set()

        # Explicitly: a process started in the background of a script inherits an ignored SIGINT.
        signal.signal(signal.SIGINT, end)
        signal.signal(signal.SIGTERM, end)
        recovery_begin(now=timezone.now())
        beside = Supervisor([Listening()])
        beside.start()
        try:
            run_market_stream(stop=stop, speed=options["speed"], replays=dict(options["replay"]))
        except CandlesRefused as refused:
            raise CommandError(f"The replay cannot be played: {refused}", returncode=WRONG_INPUT) from None
        finally:
            beside.stop(LISTENER_STOP_TIMEOUT_S)
