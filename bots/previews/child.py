"""One child process that runs backtests, seen from the parent: a request goes in, messages come out."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import IO, Any, cast

from bots.jobs.child import THREADS_ONE, Program

LINE_BYTES_MAX = 4 * 1024 * 1024
END_TIMEOUT_S = 5
LAST = frozenset({"result", "refused", "failed"})

Pipe = IO[bytes]


class Broken(Exception):
    """The child has died, or said what no child says; it is of no more use."""


class Child:
    """Starts at once and gets warm by itself; a request may be sent before it is."""

    def __init__(self, program: Program) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the words are our own program, no shell
            list(program.argv),
            cwd=program.root,
            env={**program.environment, **THREADS_ONE},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C at a terminal is for the parent, which ends its children itself.
            start_new_session=True,
        )

        self._into, self._out = cast(Pipe, self._process.stdin), cast(Pipe, self._process.stdout)
        self._killed = False

    @property
    def alive(self) -> bool:
        """One that was killed may take a moment to die."""
        return not self._killed and self._process.poll() is None

    def ask(self, number: int, request: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Its messages about this request; the last is a result, a refusal or a failure.

        Raises `Broken`, and then has killed it.
        """
        try:
            self._send({"id": number, "request": request, "rows": False, "equities": True})
            while True:
                said = self._heard(number)
                if said is not None:
                    yield said
                    if not LAST.isdisjoint(said):
                        return
        except (OSError, ValueError) as fault:
            self.kill()
            raise Broken(str(fault)) from None

    def kill(self) -> None:
        """May be called from another thread; the one that reads then finds it broken."""
        self._killed = True
        self._process.kill()

    def end(self) -> None:
        """Kill it and leave nothing of it behind; only for the thread that reads."""
        self._process.kill()
        self._process.wait(END_TIMEOUT_S)
        self._out.close()
        with suppress(BrokenPipeError):
            self._into.close()

    def _send(self, asked: Mapping[str, Any]) -> None:
        self._into.write(json.dumps(asked).encode() + b"\n")
        self._into.flush()

    def _heard(self, number: int) -> dict[str, Any] | None:
        """One message about the request; None for the word that it is ready."""
        line = self._out.readline(LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            raise ValueError("it ended, or said more than a line may hold")
        said = json.loads(line)
        if said == {"ready": True}:
            return None
        if not isinstance(said, dict) or said.get("id") != number:
            raise ValueError(f"it did not speak of request {number}")
        return said
