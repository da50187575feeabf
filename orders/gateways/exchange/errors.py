"""What an exchange's error codes prove. A code that is not here proves nothing.

An order was certainly not placed only where the exchange's own documentation says so of this very
HTTP status and code; whoever guesses here buys twice or not at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Meaning(StrEnum):
    """REFUSED: it was not placed, and never will be. KNOWN: the exchange has an order of this id already.
    ABSENT: it knows no such order. KEY: the key is not accepted. CLOCK: the request was out of time, and
    not looked at. LIMIT: too many requests. ORDERS: too many new orders, and this one was not placed."""

    REFUSED = "refused"
    KNOWN = "known"
    ABSENT = "absent"
    KEY = "key"
    CLOCK = "clock"
    LIMIT = "limit"
    ORDERS = "orders"


# Under any exchange: these come from what stands before it, too, so the status alone counts.
LIMIT_STATUSES = frozenset({418, 429})


class Sound(Protocol):
    def __call__(self, body: Any, *, rows: bool) -> bool: ...


@dataclass(frozen=True, slots=True)
class Codes:
    """How one exchange answers. `read` takes a parsed body apart into (code, words), or None when it is no
    error; `sound` says whether a body has the form of an answer, of one with `rows` where those were asked
    for; `meanings` are by (HTTP status, code); `worded` are those whose words decide, looked at first."""

    read: Callable[[Any], tuple[str, str] | None]
    sound: "Sound"
    meanings: Mapping[tuple[int, str], Meaning]
    worded: Mapping[tuple[str, str], Meaning] = field(default_factory=dict)

    def meaning(self, status: int, code: str, words: str) -> Meaning | None:
        """What the answer proves; None: nothing."""
        if status in LIMIT_STATUSES:
            return self.meanings.get((status, code), Meaning.LIMIT)
        for (worded, part), meaning in self.worded.items():
            if worded == code and part.lower() in words.lower():
                return meaning
        return self.meanings.get((status, code))


def _all(status: int, meaning: Meaning, *codes: str) -> dict[tuple[int, str], Meaning]:
    return {(status, code): meaning for code in codes}


def _binance_error(body: Any) -> tuple[str, str] | None:
    if not isinstance(body, dict) or "code" not in body:
        return None
    return str(body["code"]), str(body.get("msg", ""))


def _binance_sound(body: Any, *, rows: bool) -> bool:
    return isinstance(body, list) if rows else bool(body) and isinstance(body, dict | list)


BINANCE = Codes(
    _binance_error,
    _binance_sound,
    {
        **_all(400, Meaning.REFUSED, "-1013", "-1100", "-1101", "-1102", "-1103", "-1104", "-1105", "-1106"),
        **_all(400, Meaning.REFUSED, "-1108", "-1111", "-1112", "-1114", "-1115", "-1116", "-1117", "-1121"),
        **_all(400, Meaning.REFUSED, "-2010"),
        **_all(400, Meaning.ORDERS, "-1015"),
        **_all(429, Meaning.ORDERS, "-1015"),
        **_all(400, Meaning.CLOCK, "-1021"),
        **_all(400, Meaning.KEY, "-1022", "-2014", "-2015"),
        **_all(401, Meaning.KEY, "-1022", "-2014", "-2015"),
        **_all(400, Meaning.ABSENT, "-2011", "-2013"),
    },
    # "Duplicate order sent." comes under the code of an account without money.
    {("-2010", "duplicate"): Meaning.KNOWN},
)


def _bybit_error(body: Any) -> tuple[str, str] | None:
    if not isinstance(body, dict) or str(body.get("retCode", "0")) == "0":
        return None
    return str(body["retCode"]), str(body.get("retMsg", ""))


def _bybit_sound(body: Any, *, rows: bool) -> bool:
    if not isinstance(body, dict) or "retCode" not in body or not isinstance(body.get("result"), dict):
        return False
    return not rows or isinstance(body["result"].get("list"), list)


BYBIT = Codes(
    _bybit_error,
    _bybit_sound,
    {
        **_all(200, Meaning.REFUSED, "10001", "170116", "170117", "170121", "170124", "170131", "170132"),
        **_all(200, Meaning.REFUSED, "170133", "170134", "170135", "170136", "170137", "170140", "170143"),
        **_all(200, Meaning.REFUSED, "170193", "170194", "170210", "170217", "170218", "170229"),
        **_all(200, Meaning.KNOWN, "170141", "110072"),
        **_all(200, Meaning.ABSENT, "170139", "170142", "170213"),
        **_all(200, Meaning.CLOCK, "10002"),
        **_all(200, Meaning.KEY, "10003", "10004", "10005", "10010", "33004", "-2015"),
        **_all(401, Meaning.KEY, "10003", "10004", "10005", "10010", "33004", "-2015"),
        **_all(200, Meaning.LIMIT, "10006", "10009", "10018"),
        # A ban of the address: in words alone.
        **_all(403, Meaning.LIMIT, ""),
    },
)


def _okx_error(body: Any) -> tuple[str, str] | None:
    if not isinstance(body, dict) or str(body.get("code", "0")) == "0":
        return None
    rows = body.get("data")
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    if str(row.get("sCode", "0")) != "0":
        return str(row["sCode"]), str(row.get("sMsg", ""))
    return str(body["code"]), str(body.get("msg", ""))


def _okx_sound(body: Any, *, rows: bool) -> bool:  # all its answers have rows
    return isinstance(body, dict) and "code" in body and isinstance(body.get("data"), list)


OKX = Codes(
    _okx_error,
    _okx_sound,
    {
        **_all(200, Meaning.REFUSED, "51000", "51001", "51006", "51008", "51020", "51021", "51024", "51028"),
        **_all(200, Meaning.REFUSED, "51030", "51103", "51120", "51121", "51127", "51131", "51155"),
        **_all(200, Meaning.KNOWN, "51016"),
        **_all(200, Meaning.ABSENT, "51400", "51401", "51402", "51410", "51603"),
        **_all(200, Meaning.CLOCK, "50102", "50112"),
        **_all(401, Meaning.CLOCK, "50102", "50112"),
        **_all(200, Meaning.KEY, "50100", "50105", "50110", "50111", "50113", "50114", "50119", "50120"),
        **_all(401, Meaning.KEY, "50100", "50105", "50110", "50111", "50113", "50114", "50119", "50120"),
        **_all(200, Meaning.LIMIT, "50011", "50061"),
    },
)


def _kraken_error(body: Any) -> tuple[str, str] | None:
    errors = body.get("error") if isinstance(body, dict) else None
    if not errors or not isinstance(errors, list):
        return None
    # "EOrder:Insufficient funds" or "EGeneral:Invalid arguments:volume": the first two parts are the code.
    parts = str(errors[0]).split(":")
    return ":".join(parts[:2]), str(errors[0])


def _kraken_sound(body: Any, *, rows: bool) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("error"), list):
        return False
    return isinstance(body.get("result"), dict) or (not rows and "result" in body)


KRAKEN = Codes(
    _kraken_error,
    _kraken_sound,
    {
        **_all(
            200,
            Meaning.REFUSED,
            "EOrder:Insufficient funds",
            "EOrder:Order minimum not met",
            "EOrder:Cost minimum not met",
            "EOrder:Tick size check failed",
            "EOrder:Orders limit exceeded",
            "EOrder:Post only order",
            "EOrder:Trading agreement required",
            "EGeneral:Invalid arguments",
            "EQuery:Unknown asset pair",
            "EService:Deadline elapsed",
            "EService:Market in cancel_only mode",
            "EService:Market in post_only mode",
        ),
        **_all(200, Meaning.ABSENT, "EOrder:Unknown order"),
        **_all(200, Meaning.CLOCK, "EAPI:Invalid nonce"),
        **_all(200, Meaning.KEY, "EAPI:Invalid key", "EAPI:Invalid signature", "EGeneral:Permission denied"),
        **_all(200, Meaning.LIMIT, "EAPI:Rate limit exceeded", "EOrder:Rate limit exceeded"),
        **_all(200, Meaning.LIMIT, "EOrder:Domain rate limit exceeded", "EGeneral:Temporary lockout"),
    },
)


def _coinbase_error(body: Any) -> tuple[str, str] | None:
    if not isinstance(body, dict):
        return None
    said = body.get("error_response") if body.get("success") is False else body
    if not isinstance(said, dict) or "error" not in said:
        return None
    return str(said["error"]), str(said.get("message", ""))


def _coinbase_sound(body: Any, *, rows: bool) -> bool:
    if not isinstance(body, dict) or not body:
        return False
    return not rows or any(isinstance(value, list) for value in body.values())


COINBASE = Codes(
    _coinbase_error,
    _coinbase_sound,
    {
        (status, code): Meaning.REFUSED
        for status in (200, 400)
        for code in (
            "INSUFFICIENT_FUND",
            "INVALID_LIMIT_PRICE",
            "INVALID_LIMIT_PRICE_POST_ONLY",
            "INVALID_NO_LIQUIDITY",
            "INVALID_ORDER_SIDE_FOR_BASE_MIN_SIZE",
            "INVALID_ORDER_SIDE_FOR_QUOTE_MIN_SIZE",
            "INVALID_PRICE_PRECISION",
            "INVALID_PRODUCT_ID",
            "INVALID_SIZE_PRECISION",
            "ORDER_ENTRY_DISABLED",
            "UNSUPPORTED_ORDER_CONFIGURATION",
        )
    }
    | {
        (401, "Unauthorized"): Meaning.KEY,
        (401, "unauthorized"): Meaning.KEY,
        (403, "PERMISSION_DENIED"): Meaning.KEY,
        (404, "NOT_FOUND"): Meaning.ABSENT,
    },
)


def _unknown_error(body: Any) -> None:
    """Of an exchange whose codes nobody has written down."""


def _unknown_sound(body: Any, *, rows: bool) -> bool:
    """Rows come in a list, or in one inside of the answer."""
    return isinstance(body, dict | list) if rows else bool(body)


UNKNOWN = Codes(_unknown_error, _unknown_sound, {})
