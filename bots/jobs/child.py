"""The process that computes: one request in, lines out, and never more of anything than its limits.

Threads read its output, so that whoever waits for a line can look at the clock meanwhile. However it
goes, the process is reaped when its `with` block is left.
"""

import json
import logging
import queue
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

try:
    import resource
except ImportError:  # Windows keeps no such limits
    resource = None  # type: ignore[assignment]

# The whole result is one line; a trade in it takes about 200 bytes.
LINE_BYTES_MAX = 32 * 1024 * 1024
MEMORY_BYTES_MAX = 2 * 1024**3
LINES_WAITING_MAX = 8
LAST_WORDS_MAX = 20
ENDS_WITHIN_S = 5.0
THREADS_ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Program:
    """What is started, and where. `environment` is all that the child gets of ours: no secret."""

    argv: Sequence[str]
    root: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class Silence(Exception):
    """No line came in the time it was waited for."""


class TooLong(Exception):
    """A line has no end within its limit."""


class Ended(Exception):
    """The child has closed its output."""


class Child:
    def __init__(self, program: Program, *, line_bytes_max: int = LINE_BYTES_MAX) -> None:
        self._program, self._line_bytes_max = program, line_bytes_max
        self._lines: queue.Queue[bytes] = queue.Queue(LINES_WAITING_MAX)
        self._said: deque[bytes] = deque(maxlen=LAST_WORDS_MAX)
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            list(self._program.argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._program.root,
            env={**self._program.environment, **THREADS_ONE},
        )
        _limit_memory(self._process.pid)
        readers = ((self._read_lines, self._process.stdout), (self._read_last_words, self._process.stderr))
        self._readers = [threading.Thread(target=read, args=(pipe,), daemon=True) for read, pipe in readers]
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(ENDS_WITHIN_S)
        if any(reader.is_alive() for reader in self._readers):
            return  # something else holds the pipe; to close what is being read would wait for it
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                _close(pipe)

    def ask(self, request: Mapping[str, Any]) -> None:
        """One line, and no more: the child ends by itself when it has answered."""
        line = json.dumps(request).encode() + b"\n"
        if self._process.stdin is not None:
            with suppress(OSError):  # it has ended already, which the next line tells
                self._process.stdin.write(line)
            _close(self._process.stdin)

    def line(self, timeout_s: float) -> bytes:
        """The next line. Raises `Silence`, `TooLong` or `Ended`."""
        try:
            line = self._lines.get(timeout=max(timeout_s, 0))
        except queue.Empty:
            raise Silence from None
        if not line:
            raise Ended
        if not line.endswith(b"\n"):
            raise TooLong if len(line) > self._line_bytes_max else Ended
        return line

    def exit_status(self) -> int | None:
        """Negative: the signal that ended it. None: it goes on."""
        try:
            return self._process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return None

    def last_words(self) -> str:
        self._readers[1].join(ENDS_WITHIN_S)
        return b"".join(self._said).decode(errors="replace")

    def _read_lines(self, pipe: IO[bytes]) -> None:
        while not self._over.is_set():
            line = pipe.readline(self._line_bytes_max + 1)
            self._put(line)
            if not line.endswith(b"\n"):
                return

    def _put(self, line: bytes) -> None:
        """Wait for room, but not for a reader that has left."""
        while not self._over.is_set():
            try:
                return self._lines.put(line, timeout=0.2)
            except queue.Full:
                continue

    def _read_last_words(self, pipe: IO[bytes]) -> None:
        while said := pipe.readline(4096):
            self._said.append(said)


def _limit_memory(pid: int) -> None:
    """The child may ask for so much and then fails by itself, before the machine does."""
    if resource is None or not hasattr(resource, "prlimit"):
        return
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    except OSError as fault:
        log.warning("child.memory_unlimited", extra={"fault": str(fault)})


def _close(pipe: IO[bytes]) -> None:
    with suppress(OSError):  # what was still to be written has nobody to read it
        pipe.close()
