"""The exchange as a process of its own, for tests that outlive, stop or kill the processes around it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.exchange.overrides import overrides

ROOT = Path(__file__).resolve().parents[2]
STOP_TIMEOUT_S = 10
CONTROL_TIMEOUT_S = 10


class ExchangeProcess:
    """`state()` is the oracle's picture; `do(verb, …)` is a verb of `control.py`."""

    def __init__(self, url: str, control: str) -> None:
        self.url, self._control = url, control

    @classmethod
    @contextmanager
    def running(cls, *arguments: str) -> Iterator["ExchangeProcess"]:
        """Runs `python -m tests.exchange` with these arguments until the block ends."""
        command = [sys.executable, "-m", "tests.exchange", *arguments]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                if process.stdout is None or not (line := process.stdout.readline()):
                    raise RuntimeError("the test exchange did not start")
                told = json.loads(line)
                yield cls(told["url"], told["control"])
            finally:
                process.terminate()
                process.wait(STOP_TIMEOUT_S)

    def overrides(self) -> dict[str, Any]:
        return overrides(self.url)

    def state(self) -> Any:
        return self._ask(Request(f"{self._control}/control/state"))  # noqa: S310 - our own address

    def do(self, verb: str, **asked: Any) -> Any:
        body = json.dumps(asked).encode()
        return self._ask(Request(f"{self._control}/control/{verb}", data=body))  # noqa: S310 - our own

    def _ask(self, request: Request) -> Any:
        with urlopen(request, timeout=CONTROL_TIMEOUT_S) as answer:  # noqa: S310 - our own address
            return json.load(answer)
