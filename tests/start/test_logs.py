"""No secret of the installation reaches a log line."""

import logging

import pytest

from tradingbot.logs import BLOT, Blotter


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("bots", logging.INFO, __file__, 1, message, args, None)


def test_a_secret_is_blotted_out_wherever_it_stands() -> None:
    line = Blotter(secrets=["hunter2hunter2", "s3cret-key"]).format(
        record("%s and %s", "hunter2hunter2", "s3cret-key")
    )
    assert "hunter2" not in line
    assert "s3cret" not in line
    assert line.count(BLOT) == 2


def test_a_secret_in_a_traceback_is_blotted_out() -> None:
    try:
        raise ValueError("cannot sign in with hunter2hunter2")
    except ValueError as fault:
        failed = record("failed")
        failed.exc_info = (type(fault), fault, fault.__traceback__)
    line = Blotter(secrets=["hunter2hunter2"]).format(failed)
    assert "ValueError: cannot sign in with [secret]" in line


def test_a_longer_secret_leaves_no_rest() -> None:
    line = Blotter(secrets=["password", "password-of-alice"]).format(record("password-of-alice"))
    assert line.endswith(f": {BLOT}")


@pytest.mark.parametrize(
    "address",
    [
        "GET /api/v3/account?timestamp=1&signature=0a1b2c HTTP/1.1",
        "https://api.example.org/?signature=0a1b2c&recvWindow=5000",
        "https://api.example.org/?apiKey=0a1b2c%2F",
        "params=timestamp%3D1&Signature%3D0a1b2c'",
    ],
)
def test_a_request_in_a_log_cannot_be_sent_again(address: str) -> None:
    line = Blotter(secrets=[]).format(record(address))
    assert "0a1b2c" not in line
    assert BLOT in line
    assert line.partition(BLOT)[2] == address.partition("0a1b2c")[2].removeprefix("%2F")


def test_an_empty_secret_blots_out_nothing() -> None:
    assert Blotter(secrets=["", "a"]).format(record("a banana")).endswith(": a banana")
