"""A worker that is stopped for longer than its lease, with a second one beside it, and goes on (row 19)."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exchange import ExchangeProcess
from tests.faults.installation import MID_TURN, RUN_LIMIT_S, TRADES, Installation
from tests.faults.test_live import KEY, RESTING, SECRET, agree, done, swinging
from tests.processes import Service, compose_commands, migrated_installation, say, until
from tests.rows.cluster import asked_at

SLEEPS = 2
TRADES_BETWEEN, GOES_ON_LIMIT_S = 6, 120
SLEEPERS = "SELECT count(*) FROM bots_bot WHERE lease_token IS NOT NULL AND lease_until < now()"

pytestmark = [pytest.mark.long, pytest.mark.postgres_only, pytest.mark.valkey]


@pytest.mark.row(18, 19)
def test_a_worker_that_sleeps_in_the_midst_of_a_turn_finds_its_work_done_by_another(
    grown_environment: dict[str, str], tmp_path: Path
) -> None:
    with ExchangeProcess.running("--seed", "7") as exchange, swinging(exchange):
        overrides = json.dumps({"binance": exchange.overrides()})
        environment = migrated_installation(
            grown_environment | {"EXCHANGE_OVERRIDES": overrides}, tmp_path / "grown"
        )
        installation = Installation(environment, asked_at(environment["DATABASE_URL"]))
        done(installation, "prepare", KEY, SECRET)
        commands = compose_commands()
        two = [*commands["worker-bots"], "-n", "second@%h"]
        words = {"first": commands["worker-bots"], "second": two}
        words |= {name: commands[name] for name in ("beat", "stream")}
        running = {name: Service(one, environment, tmp_path / f"{name}.log") for name, one in words.items()}
        try:
            for _ in range(SLEEPS):
                traded_on(installation)
                sleeps_past_its_lease(installation, running["first"])
            traded_on(installation)
            done(installation, "stop")
            until("no order rests", asked(installation, RESTING, 0), RUN_LIMIT_S)
        finally:
            for service in running.values():
                service.end()
        say(f"{installation.count(TRADES)} trades")
        agree(json.loads(done(installation, "books")), exchange.state())
        installation.is_sound()


def sleeps_past_its_lease(installation: Installation, worker: Service) -> None:
    """Stopped while some bot is leased, until a lease is over, or long enough for the other to have all."""
    until("a turn", asked(installation, MID_TURN, None), RUN_LIMIT_S, pause_s=0)
    os.killpg(worker.process.pid, signal.SIGSTOP)
    try:
        traded_on(installation)
        say(f"{installation.count(SLEEPERS)} leases are over and held")
    finally:
        os.killpg(worker.process.pid, signal.SIGCONT)


def traded_on(installation: Installation) -> None:
    enough = installation.count(TRADES) + TRADES_BETWEEN
    until("more trades", more_than(installation, enough), GOES_ON_LIMIT_S)


def more_than(installation: Installation, enough: int) -> Iterator[bool]:
    while True:
        yield installation.count(TRADES) >= enough


def asked(installation: Installation, question: str, count: int | None) -> Iterator[bool]:
    """Whether there are so many; None: any."""
    while True:
        found = installation.count(question)
        yield found > 0 if count is None else found == count
