"""The database's server crashes in the midst of turns, and stays away while orders fill (rows 25, 26).

Live bots on the test exchange, the services of the grown topology, and a server of their own.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.exchange import ExchangeProcess
from tests.faults.installation import MID_TURN, RUN_LIMIT_S, TRADES, UNSETTLED, Installation
from tests.faults.live import KEY, RESTING, SECRET, agree, done, swinging
from tests.processes import Service, compose_commands, migrated_installation, say, until
from tests.rows.cluster import Cluster
from tests.servers import GROWN_SECRETS, child_environment, start_valkey

SERVICES = ("worker-bots", "beat", "stream")
# How long the server is away each time (s), and in the midst of what it goes.
ABSENCES = [(0.0, MID_TURN), (0.0, UNSETTLED), (60.0, MID_TURN)]
TRADES_BETWEEN, GOES_ON_LIMIT_S = 8, 150
# What was on its way when the server went may still arrive.
UNDER_WAY_S = 3.0

pytestmark = [pytest.mark.long, pytest.mark.postgres_only, pytest.mark.valkey]


@contextmanager
def kept_running(environment: dict[str, str], logs: Path) -> Iterator[dict[str, Service]]:
    commands = compose_commands()
    running = {name: Service(commands[name], environment, logs / f"{name}.log") for name in SERVICES}
    try:
        yield running
    finally:
        for service in running.values():
            service.end()


def kept(running: dict[str, Service], condition: Callable[[], bool]) -> Iterator[bool]:
    """Asks, and starts again what has ended, as docker does."""
    while True:
        for service in running.values():
            service.keep()
        yield condition()


@pytest.mark.row(25, 26)
def test_a_server_that_crashes_and_stays_away_costs_time_and_no_order(tmp_path: Path) -> None:
    with (
        Cluster.running() as cluster,
        ExchangeProcess.running("--seed", "5") as exchange,
        swinging(exchange),
    ):
        environment = child_environment(
            **GROWN_SECRETS,
            DATABASE_URL=cluster.url,
            REDIS_URL=start_valkey(),
            EXCHANGE_OVERRIDES=json.dumps({"binance": exchange.overrides()}),
        )
        environment = migrated_installation(environment, tmp_path / "grown")
        installation = Installation(environment, cluster.ask)
        done(installation, "prepare", KEY, SECRET)
        with kept_running(environment, tmp_path) as running:
            for away_s, aim in ABSENCES:
                traded_on(installation, running)
                until("work under way", kept(running, partial(some, installation, aim)), pause_s=0)
                cluster.crash()
                stays_away(exchange, away_s)
                cluster.start()
            traded_on(installation, running)
            done(installation, "stop")
            at_rest = kept(running, lambda: installation.count(RESTING) == 0)
            until("no order rests", at_rest, RUN_LIMIT_S)
            restarts = {name: service.restarts for name, service in running.items()}
        say(f"{installation.count(TRADES)} trades, started again: {restarts}")
        agree(json.loads(done(installation, "books")), exchange.state())
        installation.is_sound()


def some(installation: Installation, question: str) -> bool:
    return installation.count(question) > 0


def traded_on(installation: Installation, running: dict[str, Service]) -> None:
    """The bots trade, after an absence within a deadline."""
    enough = installation.count(TRADES) + TRADES_BETWEEN
    took = until("more trades", kept(running, lambda: installation.count(TRADES) >= enough), GOES_ON_LIMIT_S)
    say(f"{TRADES_BETWEEN} trades more after {took:.1f} s")


def stays_away(exchange: ExchangeProcess, seconds: float) -> None:
    """Nobody can write down an order now, so none is sent."""
    if seconds:
        time.sleep(UNDER_WAY_S)
        sent = len(exchange.state()["creates"])
        time.sleep(seconds - UNDER_WAY_S)
        assert len(exchange.state()["creates"]) == sent
