"""start.py and test.py say in one sentence what is missing, and install no more than once."""

import socket
import sys
import zipfile
from pathlib import Path

import pytest

import start
import test as runner

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("version", [(2, 7), (3, 6, 9), (3, 10, 14)])
def test_an_old_python_is_named(version: tuple[int, ...]) -> None:
    fault = start.python_fault(version)
    assert fault is not None
    assert fault.startswith(f"Python {version[0]}.{version[1]} is too old: install Python 3.11")


@pytest.mark.parametrize("version", [(3, 11), (3, 12, 1), (3, 14), (4, 0)])
def test_a_new_python_is_good(version: tuple[int, ...]) -> None:
    assert start.python_fault(version) is None


def test_a_missing_module_is_named_with_its_remedy() -> None:
    fault = start.modules_fault(["ensurepip"])
    assert fault is not None
    assert "ensurepip" in fault
    assert "apt install python3-venv" in fault
    assert start.modules_fault([]) is None


def test_a_taken_port_is_named_with_another() -> None:
    with socket.socket() as owner:
        owner.bind(("127.0.0.1", 0))
        owner.listen()
        port = owner.getsockname()[1]
        fault = start.port_fault(port)
    assert fault is not None
    assert fault.startswith(f"Port {port} is taken")
    assert "--port" in fault
    assert start.port_fault(port) is None


@pytest.mark.parametrize("port", [-1, 0, 65536])
def test_a_port_that_does_not_exist_is_refused(port: int) -> None:
    assert "from 1 to 65535" in (start.port_fault(port) or "")


def test_a_fault_ends_the_program_with_its_sentence() -> None:
    with pytest.raises(start.Stopped, match="because"):
        start.stop_at("because")
    start.stop_at(None)


def test_a_package_that_cannot_be_had_is_told_in_one_sentence(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(start.Stopped) as stopped:
        start.install(Path(sys.executable), requirements, ["--no-index", "--dry-run"])
    said = str(stopped.value.code)
    assert "\n" not in said
    assert "no-such-package" in said
    assert "check the network connection, then run this again" in said


def test_a_download_other_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "anything-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(
            "anything-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: anything\nVersion: 1.0\n"
        )
        wheel.writestr("anything-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"anything==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(start.Stopped, match="DO NOT MATCH THE HASHES"):
        start.install(
            Path(sys.executable), requirements, ["--no-index", "--dry-run", "--find-links", str(tmp_path)]
        )


def prepared(tmp_path: Path) -> tuple[Path, Path]:
    """An environment whose packages are all there."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("one==1\n")
    venv = tmp_path / ".venv"
    python = start.venv_python(venv)
    python.parent.mkdir(parents=True)
    python.touch()
    (venv / "complete").touch()
    (venv / "requirements.stamp").write_text(start.stamp_of(requirements))
    return venv, requirements


def test_a_second_start_installs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    venv, requirements = prepared(tmp_path)
    assert start.prepare(venv, requirements) == start.venv_python(venv)
    assert capsys.readouterr().out == ""


def test_changed_requirements_are_installed(tmp_path: Path) -> None:
    venv, requirements = prepared(tmp_path)
    before = start.stamp_of(requirements)
    requirements.write_text("one==2\n")
    assert start.stamp_of(requirements) != before
    # The environment's Python is an empty file, so the attempt itself is what can be seen.
    with pytest.raises(PermissionError):
        start.prepare(venv, requirements)


def test_choices_reach_the_platform_as_given() -> None:
    chosen = start.arguments(["--port", "9", "--no-demo", "--replay", "A/B=f.csv", "--replay", "C/B=g.csv"])
    assert start.run_words(chosen) == ["--port=9", "--no-demo", "--replay=A/B=f.csv", "--replay=C/B=g.csv"]
    assert start.run_words(start.arguments([])) == ["--port=8000"]
    assert start.run_words(start.arguments(["--speed", "60"])) == ["--port=8000", "--speed=60"]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_and_hashed_without_an_address(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = text.replace("\\\n", " ").splitlines()
    packages = [line for line in entries if line and not line.lstrip().startswith("#")]
    assert packages
    for package in packages:
        assert "==" in package, package
        assert "--hash=sha256:" in package, package
    assert "://" not in text
    assert "index-url" not in text.replace("--no-emit-index-url", "")
    assert "find-links" not in text


def test_words_for_pytest_get_defaults_unless_they_choose() -> None:
    assert runner.pytest_words([]) == ["-n", "2", "--dist", "loadfile", "-m", "not long"]
    assert "not long" not in runner.pytest_words(["--long"])
    assert "--long" not in runner.pytest_words(["--long"])
    assert runner.pytest_words(["-n0", "-m", "long"]) == ["-n0", "-m", "long"]
    assert runner.pytest_words(["-s", "-k", "env"]) == ["-m", "not long", "-s", "-k", "env"]


def test_the_closing_line_adds_both_passes(tmp_path: Path) -> None:
    for name, numbers in {"a": (10, 1, 1, 2), "b": (5, 0, 0, 1)}.items():
        tests, failures, errors, skipped = numbers
        (tmp_path / f"{name}.xml").write_text(
            f'<testsuites><testsuite tests="{tests}" failures="{failures}" '
            f'errors="{errors}" skipped="{skipped}"/></testsuites>'
        )
    assert runner.counts(tmp_path.glob("*.xml")) == (10, 2, 3)
