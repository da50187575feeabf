"""A PostgreSQL server of a test's own: it can crash, stay away, and come back with all that was committed."""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.installation import Ask
from tests.postgres import free_port, programs, unprivileged_user
from tests.processes import until

START_TIMEOUT_S, STOP_TIMEOUT_S = 30, 10
# Its process dies and the machine does not: what was written to files is there again.
SETTINGS = ("fsync=off", "synchronous_commit=on", "max_connections=200", "listen_addresses=127.0.0.1")


class Cluster:
    def __init__(self, home: Path, user: str | None) -> None:
        self._home, self._user, self._folder, self.port = home, user, programs(), free_port()
        self.url = f"postgres://tradingbot@127.0.0.1:{self.port}/postgres"
        self._server: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Cluster"]:
        home, user = Path(tempfile.mkdtemp(prefix="tradingbot-cluster-")), unprivileged_user()
        if user:
            shutil.chown(home, user)
        cluster = cls(home, user)
        try:
            cluster.make()
            cluster.start()
            yield cluster
        finally:
            cluster.crash()
            shutil.rmtree(home, ignore_errors=True)

    def make(self) -> None:
        words = ("-U", "tradingbot", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        command = [str(self._folder / "initdb"), "-D", str(self._home / "cluster"), *words]
        subprocess.run(command, user=self._user, cwd=self._home, capture_output=True, check=True)

    def start(self) -> None:
        """It recovers first if it had crashed."""
        settings = [*SETTINGS, f"port={self.port}", f"unix_socket_directories={self._home}"]
        options = [word for one in settings for word in ("-c", one)]
        with (self._home / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._folder / "postgres", "-D", self._home / "cluster", *options],
                user=self._user,
                cwd=self._home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until("the server's start", self._answering(), START_TIMEOUT_S, pause_s=0.05)

    def crash(self) -> None:
        """Every connection is cut in the midst of whatever it does; nothing is written any more."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(STOP_TIMEOUT_S)

    def ask(self, question: str) -> tuple[Any, ...]:
        return asked_at(self.url)(question)

    def _answering(self) -> Iterator[bool]:
        while True:
            with socket.socket() as probe:
                listens = probe.connect_ex(("127.0.0.1", self.port)) == 0
            try:
                yield listens and self.ask("SELECT 1") == (1,)
            except psycopg.OperationalError:
                yield False  # It is recovering.


def asked_at(url: str) -> Ask:
    """Asks the server at `url`, by a connection for each question: it may have crashed since the last."""

    def ask(question: str) -> tuple[Any, ...]:
        with psycopg.connect(url, autocommit=True) as connection:
            row: tuple[Any, ...] | None = connection.execute(question.encode()).fetchone()
            assert row is not None
            return row

    return ask
