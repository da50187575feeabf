"""`manage.py run`: prepares the installation under `var/` and runs all of it in this one process."""

import os
import sys
from argparse import ArgumentTypeError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from bots.demo import ensure_demo
from bots.engine.claims import release_all_leases
from bots.jobs.claims import forget_leases
from orders.gateways.candle_file import CandlesRefused
from orders.gateways.simulated import replay_from
from orders.recovery import recovery_begin
from tradingbot.celery import QUEUES, app
from tradingbot.embedded import LOOPBACK, serve
from tradingbot.lock import take_lock
from tradingbot.management.market_words import SPEED_DEFAULT, replay, speed
from tradingbot.parts import Beat, Listening, Stream, Supervisor, Worker


def port(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and 1 <= int(word[:6]) <= 65535):
        raise ArgumentTypeError(f"{word!r}: write a number from 1 to 65535")
    return int(word)


class Command(BaseCommand):
    help = "Runs the whole platform in one process: pages, tasks and the market."
    requires_system_checks: list[str] = []  # they would slow each start down; CI runs them

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=port, default=8000, help="where the pages are (default 8000)")
        parser.add_argument("--no-demo", action="store_true", help="make no demo account")
        parser.add_argument(
            "--replay",
            action="append",
            default=[],
            type=replay,
            metavar="TICKER=FILE",
            help="replay a candle file as this market; may be repeated",
        )
        parser.add_argument(
            "--speed", type=speed, default=SPEED_DEFAULT, help="market seconds a second, at most (default 60)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.TOPOLOGY.grown:
            raise CommandError(
                "run is for one machine without servers: unset DATABASE_URL and REDIS_URL, "
                "or start the services of docs/operations.md one by one."
            )
        lock = take_lock(settings.VAR_DIR)
        _migrate()
        release_all_leases()
        forget_leases()
        recovery_begin(now=timezone.now())
        _open_replays(dict(options["replay"]))
        signs_in = None if options["no_demo"] else ensure_demo(now=timezone.now(), var_dir=settings.VAR_DIR)
        supervisor = Supervisor(
            [
                Worker(app, QUEUES),
                Beat(app),
                Stream(replays=dict(options["replay"]), speed=options["speed"]),
                Listening(),
            ]
        )

        def announce() -> None:
            self.stdout.write(f"\nOpen http://{LOOPBACK}:{options['port']}/\n")
            if signs_in:
                self.stdout.write(f"{signs_in}\n")
            self.stdout.write("Stop with Ctrl-C.\n")
            self.stdout.flush()

        status = serve(port=options["port"], supervisor=supervisor, announce=announce)
        lock.close()
        sys.stdout.flush()
        sys.stderr.flush()
        # Threads of a part that did not end would keep the interpreter; all that matters is committed.
        os._exit(status)


def _open_replays(replays: Mapping[str, Path]) -> None:
    """A file that cannot be played stops the start here, and not the stream again and again."""
    for ticker, path in replays.items():
        try:
            replay_from(ticker=ticker, path=path, now=timezone.now())
        except CandlesRefused as refused:
            raise CommandError(f"The replay cannot be played: {refused}", returncode=2) from None


def _migrate() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0)
