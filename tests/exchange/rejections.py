"""What the exchange says when it does not do what was asked: a code, a text and an HTTP status.

The texts are part of the protocol: clients tell refusals apart by them.
"""

from typing import Any

QUANTITY_PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


class Rejection(Exception):
    """Ends a request; the server turns it into `{"code": …, "msg": …}`."""

    def __init__(
        self, code: int, message: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> Rejection:
    return Rejection(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def missing_both(first: str, second: str) -> Rejection:
    return Rejection(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, pattern: str) -> Rejection:
    return Rejection(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def too_precise(name: str) -> Rejection:
    return Rejection(-1111, f"Parameter '{name}' has too much precision.")


def filter_failure(name: str) -> Rejection:
    return Rejection(-1013, f"Filter failure: {name}")


def bad_combination() -> Rejection:
    return Rejection(-1128, "Combination of optional parameters invalid.")


def bad_symbol() -> Rejection:
    return Rejection(-1121, "Invalid symbol.")


def no_such_order() -> Rejection:
    return Rejection(-2013, "Order does not exist.")


def unknown_order() -> Rejection:
    return Rejection(-2011, "Unknown order sent.")


def insufficient() -> Rejection:
    return Rejection(-2010, "Account has insufficient balance for requested action.")


def duplicate() -> Rejection:
    return Rejection(-2010, "Duplicate order sent.")


def would_take() -> Rejection:
    return Rejection(-2010, "Order would immediately match and take.")


def would_trigger() -> Rejection:
    return Rejection(-2010, "Stop price would trigger immediately.")


def market_closed() -> Rejection:
    return Rejection(-1013, "Market is closed.")


def bad_key() -> Rejection:
    return Rejection(-2015, "Invalid API-key, IP, or permissions for action.", status=401)
