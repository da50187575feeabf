"""A worker that is stopped for longer than its lease, with a second one beside it, and goes on (row 19)."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bots.engine.claims import LEASE_S
from tests.exchange import ExchangeProcess
from tests.faults.installation import MID_TURN, RUN_LIMIT_S, TRADES, Installation
from tests.faults.live import KEY, RESTING, SECRET, agree, done, swinging
from tests.processes import Service, compose_commands, migrated_installation, say, until
from tests.rows.cluster import asked_at

SLEEPS, TRIES_MAX = 2, 20
TRADES_BETWEEN, GOES_ON_LIMIT_S = 6, 120
# A lease, and what the other worker may need to come round.
TAKEN_OVER_LIMIT_S = 2 * LEASE_S
POLL_S = 0.05
LEASES = "SELECT json_object_agg(id, lease_token) FROM bots_bot WHERE lease_token IS NOT NULL"
STANDS = "SELECT lease_token::text, lease_until < now() FROM bots_bot WHERE id = '{}'"

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
    """Stopped while it holds a lease, until that is over and another worker has taken it."""
    for tried in range(TRIES_MAX):
        until("a turn", asked(installation, MID_TURN, None), RUN_LIMIT_S, pause_s=0)
        os.killpg(worker.process.pid, signal.SIGSTOP)
        try:
            held: dict[str, str] = installation.ask(LEASES)[0] or {}
            if any(taken_over(installation, bot, token) for bot, token in held.items()):
                say(f"its lease was taken over, in try {tried + 1}")
                traded_on(installation)
                return
        finally:
            os.killpg(worker.process.pid, signal.SIGCONT)
    raise AssertionError(f"in {TRIES_MAX} tries no worker was stopped that held a lease")


def taken_over(installation: Installation, bot: str, token: str) -> bool:
    """Whether the bot's lease by `token` ran out in its holder's hands, and another took it then. False: its
    holder was awake and let go of it, so it was not the one that sleeps."""
    ran_out, ends = False, time.monotonic() + TAKEN_OVER_LIMIT_S
    while time.monotonic() < ends:
        held_by, is_over = installation.ask(STANDS.format(bot))
        if held_by is None:
            return False
        if held_by != token:
            return ran_out
        ran_out = is_over
        time.sleep(POLL_S)
    raise AssertionError(f"nobody took the bot over in {TAKEN_OVER_LIMIT_S} s")


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
