#!/usr/bin/env python3
"""Starts the platform: `python3 start.py`. Needs nothing but Python 3.11 or newer with its venv module.

The first start makes `.venv` and installs the pinned packages; later ones see that nothing has changed.
Whatever is missing is told in one sentence that says what to do. The syntax is that of Python 3.6, so that
an old Python can read as far as its sentence.
"""

import argparse
import hashlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import List, NoReturn, Optional, Sequence, Tuple

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
NEEDED_MODULES = ("venv", "ensurepip")
DEFAULT_PORT = 8000
INSTALL_TIMEOUT_S = 1800


class Stopped(SystemExit):
    """Ends the program; Python prints the sentence and exits with 1."""


def python_fault(version: Tuple[int, ...]) -> Optional[str]:
    if version[:2] >= OLDEST_PYTHON:
        return None
    found = ".".join(str(number) for number in version[:2])
    return f"Python {found} is too old: install Python 3.11 or newer, then run this again with it."


def modules_fault(missing: Sequence[str]) -> Optional[str]:
    if not missing:
        return None
    return (
        f"Python's {' and '.join(missing)} module is missing: install it "
        "(Debian and Ubuntu: sudo apt install python3-venv), then run this again."
    )


def port_fault(port: int, host: str = "127.0.0.1") -> Optional[str]:
    if not 1 <= port <= 65535:
        return f"Port {port} does not exist: choose one from 1 to 65535 with --port."
    with socket.socket() as probe:
        if os.name == "posix":
            # Connections of a platform stopped a moment ago linger, and do not hinder the server either.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            return f"Port {port} is reserved for the system: choose one above 1023 with --port."
        except OSError:
            return (
                f"Port {port} is taken, perhaps by a platform that runs already (http://{host}:{port}/): "
                f"stop it, or choose another with --port {port % 65535 + 1}."
            )
    return None


def stop_at(fault: Optional[str]) -> None:
    if fault:
        raise Stopped(fault)


def venv_python(venv: Path) -> Path:
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def stamp_of(requirements: Path) -> str:
    """Changes with the pinned packages and with the Python that runs them."""
    content = requirements.read_bytes() + sys.version.encode()
    return hashlib.sha256(content).hexdigest()


def prepare(venv: Path, requirements: Path, pip_options: Sequence[str] = ()) -> Path:
    """Makes the environment hold exactly these packages; returns its Python."""
    python = venv_python(venv)
    stamp = venv / (requirements.stem + ".stamp")
    wanted = stamp_of(requirements)
    if python.exists() and stamp.exists() and stamp.read_text() == wanted:
        return python
    if not python.exists() or not (venv / "complete").exists():
        make_venv(venv)
    print(f"Installing the packages of {requirements.name}; this happens once and takes about a minute.")
    sys.stdout.flush()
    install(python, requirements, pip_options)
    stamp.write_text(wanted)
    return python


def make_venv(venv: Path) -> None:
    print(f"Making {venv}.")
    sys.stdout.flush()
    # An attempt cut short leaves a folder that looks whole, so it is begun afresh.
    shutil.rmtree(venv, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(venv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if made.returncode:
        said = made.stdout.decode(errors="replace").strip()
        raise Stopped(
            f"{venv} could not be made ({last_line(said)}): "
            "see that the disk has room and may be written, then run this again."
        )
    (venv / "complete").touch()


def install(python: Path, requirements: Path, pip_options: Sequence[str] = ()) -> None:
    command = [str(python), "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--no-input", "--quiet", "--progress-bar", "off"]
    command += [*pip_options, "-r", str(requirements)]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
        said, status = done.stdout.decode(errors="replace").strip(), done.returncode
    except subprocess.TimeoutExpired:
        said, status = "it took too long", 1
    if status:
        raise Stopped(
            f"The packages could not be installed ({last_line(said)}): "
            "check the network connection, then run this again."
        )


def last_line(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines or ["no reason given"])[-1]


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Starts the trading bots on this machine.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="where the pages are (default 8000)")
    parser.add_argument("--no-demo", action="store_true", help="make no demo account")
    parser.add_argument(
        "--replay",
        action="append",
        default=[],
        metavar="TICKER=FILE",
        help="replay a candle file as this market; may be repeated",
    )
    parser.add_argument("--speed", metavar="N", help="market seconds a second, at most (default 60)")
    return parser.parse_args(words)


def run_words(chosen: argparse.Namespace) -> List[str]:
    """The same choices as words for `manage.py run`, which checks their values."""
    words = [f"--port={chosen.port}"]
    words += ["--no-demo"] if chosen.no_demo else []
    words += [f"--replay={one}" for one in chosen.replay]
    words += [f"--speed={chosen.speed}"] if chosen.speed else []
    return words


def become(command: List[str]) -> NoReturn:
    """Goes on as another program, so that Ctrl-C reaches it and nobody else."""
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606 - the program is the one made above
    sys.exit(subprocess.call(command))


def missing_modules() -> List[str]:
    return [name for name in NEEDED_MODULES if importlib.util.find_spec(name) is None]


def main() -> None:
    stop_at(python_fault(tuple(sys.version_info[:2])))
    chosen = arguments(sys.argv[1:])
    stop_at(port_fault(chosen.port))
    stop_at(modules_fault(missing_modules()))
    python = prepare(VENV, ROOT / "requirements.txt")
    become([str(python), str(ROOT / "manage.py"), "run", *run_words(chosen)])


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise Stopped("Stopped before the start was complete; run this again to go on.") from None
