"""The services of docker-compose.yml as real processes on PostgreSQL and Valkey."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import free_port
from tests.processes import BIN, ROOT, answer, compose_commands, listening, migrated_installation, until

pytestmark = [pytest.mark.long, pytest.mark.postgres_only, pytest.mark.valkey]


@pytest.fixture
def migrated(grown_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    https = {"PUBLIC_URL": "https://bots.example.org", "BEHIND_PROXY": "1"}
    return migrated_installation(grown_environment | https, tmp_path)


def both_rings_served(environment: dict[str, str]) -> Iterator[bool]:
    """Asks the worker itself, as the container's health check does."""
    while True:
        asked = subprocess.run(
            [BIN / "celery", "-A", "tradingbot", "inspect", "stats", "--json", "-t", "2"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        workers = json.loads(asked.stdout).values() if asked.returncode == 0 else []
        yield any(
            {"bots.tasks.ring_due", "activity.tasks.deliver_due"} <= set(one["total"]) for one in workers
        )


def test_the_web_service_is_healthy_and_its_cookies_are_for_https_alone(migrated: dict[str, str]) -> None:
    port = free_port()
    web = subprocess.Popen(
        [BIN / "daphne", "-b", "127.0.0.1", "-p", str(port), "tradingbot.asgi:application"],
        cwd=ROOT,
        env=migrated,
        stderr=subprocess.DEVNULL,
    )
    try:
        until("the web service's answer", listening(port))
        assert json.loads(answer(port, "/healthz")[1]) == {"status": "ok"}
        status, page, headers = answer(
            port, "/accounts/login/", Host="bots.example.org", **{"X-Forwarded-Proto": "https"}
        )
        assert status == 200
        assert headers["Set-Cookie"].startswith("__Host-csrf=")
        assert "; Secure" in headers["Set-Cookie"]
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        style = re.search(r'href="(/static/[^"]+\.css)"', page)
        assert style is not None
        status, _, headers = answer(port, style[1], Host="bots.example.org", **{"X-Forwarded-Proto": "https"})
        assert status == 200
        assert "immutable" in headers["Cache-Control"]
    finally:
        web.terminate()
        web.wait(15)


def test_workers_serve_every_queue_and_beat_rings_them(migrated: dict[str, str], tmp_path: Path) -> None:
    commands = compose_commands()
    services = [name for name in commands if name.startswith("worker-")] + ["beat"]
    served = {commands[name][commands[name].index("-Q") + 1] for name in services if name != "beat"}
    assert served == {"bots", "orders", "backtests", "notifications"}
    worker = ["celery", "-A", "tradingbot", "worker", "-Q", ",".join(sorted(served)), "-c", "1"]
    log = tmp_path / "services.log"
    with log.open("wb") as said:
        processes = [
            subprocess.Popen([BIN / words[0], *words[1:]], cwd=ROOT, env=migrated, stderr=said, stdout=said)
            for words in (worker, commands["beat"])
        ]
    try:
        until("serving both rings", both_rings_served(migrated))
        assert "Received unregistered task" not in log.read_text()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(15)
