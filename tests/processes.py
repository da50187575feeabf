"""The platform as real processes: started by the very words a user or docker-compose uses, waited
for with a deadline, and killed.
"""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import yaml

from tests.postgres import free_port
from tests.servers import child_environment

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
START_TIMEOUT_S = 60
FIRST_START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15


def until(
    what: str, asked: Iterator[bool], limit_s: float = START_TIMEOUT_S, *, pause_s: float = 0.1
) -> float:
    """Asks until the answer is yes; returns how many seconds that took."""
    began = time.monotonic()
    for yes in asked:
        took = time.monotonic() - began
        if yes:
            return took
        assert took < limit_s, f"{what} did not happen in {limit_s} s"
        time.sleep(pause_s)
    raise AssertionError(f"nobody was left to ask for {what}")


def answer(port: int, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as said:  # noqa: S310 - our own server
            return said.status, said.read().decode(), dict(said.headers)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, "", dict(refused.headers)


def listening(port: int) -> Iterator[bool]:
    while True:
        try:
            yield answer(port, "/healthz")[0] == 200
        except (urllib.error.URLError, ConnectionError):
            yield False


def embedded() -> dict[str, str]:
    """Takes the servers away, which the tests' second pass sets for itself."""
    return dict.fromkeys(("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL"), "")


class Platform:
    """`manage.py run` as a process on a folder of its own; `more` are variables of its environment."""

    def __init__(self, var_dir: Path, *words: str, **more: str) -> None:
        self.port = free_port()
        self.log = var_dir.with_name(f"{var_dir.name}-{self.port}.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "run", f"--port={self.port}", *words],
                cwd=ROOT,
                env=child_environment(VAR_DIR=str(var_dir), **embedded(), **more),
                stdout=log,
                stderr=subprocess.STDOUT,
                # As in a script's background job, where SIGINT arrives ignored.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
            )
        self.began = time.monotonic()

    def get(self, path: str) -> int:
        return answer(self.port, path)[0]

    def wait_until_it_answers(self) -> float:
        """Returns the seconds from the start of the process to its first page."""
        while time.monotonic() - self.began < FIRST_START_TIMEOUT_S:
            assert self.process.poll() is None, self.log.read_text()
            try:
                assert self.get("/healthz") == 200
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.02)
                continue
            return time.monotonic() - self.began
        raise AssertionError(self.log.read_text())

    def stop(self, number: signal.Signals) -> float:
        """Returns the seconds from the signal to the end of the process."""
        asked = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(STOP_TIMEOUT_S)
        return time.monotonic() - asked


def compose_commands() -> dict[str, list[str]]:
    """The command of each service that is made from our image."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return {
        name: one.get("command", []) for name, one in services.items() if one.get("image") == "tradingbot"
    }


def migrated_installation(environment: dict[str, str], var_dir: Path) -> dict[str, str]:
    """Runs the migrate service; returns the environment that the other services take."""
    whole = environment | {"VAR_DIR": str(var_dir), "PATH": f"{BIN}:/usr/bin:/bin"}
    subprocess.run(compose_commands()["migrate"], cwd=ROOT, env=whole, check=True, capture_output=True)
    return whole


class Service:
    """One service as a process group of its own, so that its children die with it."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.words, self.environment, self.log = words, environment, log
        self.restarts = 0
        self.process = self._started()

    def kill(self) -> None:
        """kill -9 of the main process and of every child, at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_TIMEOUT_S)

    def keep(self) -> None:
        """Starts it again if it has ended, as docker does."""
        if self.process.poll() is not None:
            self.restarts += 1
            self.process = self._started()

    def end(self) -> None:
        """For the end of a test: the polite word first."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def _started(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [str(BIN / self.words[0]), *self.words[1:]],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def say(measured: str) -> None:
    """A figure that a test measured; shown by `pytest -s`."""
    sys.stdout.write(f"{measured}\n")
