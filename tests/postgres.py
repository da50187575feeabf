"""A throw-away PostgreSQL cluster in a temporary folder, for when no DATABASE_URL is given.

`python -m tests.postgres` exits with 1 when there is neither, and says in one line why.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
INSTALLED_IN = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
UNPRIVILEGED = ("postgres", "nobody")
# A throw-away cluster need not survive a power cut.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


class NoPostgres(Exception):
    """There is no server and no program to start one; the text says what is missing."""


def programs() -> Path:
    """The folder with the newest initdb and postgres."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    for pattern in INSTALLED_IN:
        folders += Path("/").glob(pattern.lstrip("/"))
    complete = [
        folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()
    ]
    if not complete:
        raise NoPostgres(
            "DATABASE_URL is not set and no initdb is installed (Debian: apt install postgresql)"
        )
    return max(complete, key=lambda folder: int("".join(c for c in folder.parent.name if c.isdigit()) or 0))


def unprivileged_user() -> str | None:
    """Whom to run the server as: PostgreSQL refuses to run as root. None means: as we are."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    known = Path("/etc/passwd").read_text()
    for name in UNPRIVILEGED:
        if f"{name}:" in known:
            return name
    raise NoPostgres(
        f"running as root, and there is no user {' or '.join(UNPRIVILEGED)} to run PostgreSQL as"
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start_cluster() -> tuple[str, Callable[[], None]]:
    """Starts a cluster; returns its address and the function that removes it without a trace."""
    folder = programs()
    user = unprivileged_user()
    home = Path(tempfile.mkdtemp(prefix="tradingbot-postgres-"))
    if user:
        shutil.chown(home, user)
    cluster = home / "cluster"
    made = subprocess.run(
        [
            folder / "initdb",
            "-D",
            cluster,
            "-U",
            "tradingbot",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        ],
        user=user,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        shutil.rmtree(home, ignore_errors=True)
        raise NoPostgres(f"initdb failed: {made.stderr.strip().splitlines()[-1]}")
    port = free_port()
    settings = [*QUICK, "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={home}"]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [folder / "postgres", "-D", cluster, *(word for one in settings for word in ("-c", one))],
            user=user,
            cwd=home,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C at the tests must not reach it before the tests have ended
        )

    def stop() -> None:
        server.terminate()  # SIGTERM waits for sessions to end, so it is followed by the harder word
        try:
            server.wait(1)
        except subprocess.TimeoutExpired:
            server.send_signal(3)  # SIGQUIT: immediate shutdown
            server.wait(STOP_TIMEOUT_S)
        shutil.rmtree(home, ignore_errors=True)

    if not _answers(server, port):
        said = (home / "log").read_text().strip().splitlines()[-1:]
        stop()
        raise NoPostgres(f"the cluster did not start: {' '.join(said)}")
    return f"postgres://tradingbot@127.0.0.1:{port}/postgres", stop


def _answers(server: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        # The log has the word before connections are taken, so the port is asked.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def main() -> int:
    if os.environ.get("DATABASE_URL"):
        return 0
    try:
        programs()
        unprivileged_user()
    except NoPostgres as missing:
        print(missing)  # noqa: T201 - the caller is test.py, which reads this line
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
