"""An order's trades, all of them, page by page as each exchange lets them be asked for.

Most tell the newest first, so that a further page is an older one. Every way ends: what it has not brought
by then is missing, and the order is asked about again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from orders.gateways.exchange.orders import number

PAGES_MAX = 20
IDS_PER_QUESTION = 10

Ask = Callable[[Callable[[Any], Any]], Any]
Params = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """An order by the exchange's own id. All its trades are between `since` and `now`, ms UTC by the clock of
    the exchange."""

    ticker: str
    order_id: str
    since: int
    now: int


Way = Callable[[Ask, Placed], list[Any]]


def by_number(named: str, after: str, page: int) -> Way:
    """The oldest first; trades are numbered, and a further page begins `after` the last number. No beginning
    may be named beside the order."""

    def asked(ask: Ask, placed: Placed) -> list[Any]:
        found: list[Any] = []
        params = {named: placed.order_id}
        for _ in range(PAGES_MAX):
            rows = ask(partial(_trades, placed.ticker, None, page, params))
            found += rows
            if len(rows) < page:
                break
            highest = max(number(row.get("id"), "number of a trade") for row in rows)
            params = {**params, after: f"{highest + 1:f}"}
        return found

    return asked


def by_cursor(params: Callable[[str], Params], told: str, page: int, window_ms: int | None = None) -> Way:
    """The newest first; a row tells in `told` where an older page begins. `window_ms`: an answer covers so
    much time from its beginning, and no more."""

    def asked(ask: Ask, placed: Placed) -> list[Any]:
        found: list[Any] = []
        for since in windows(placed.since, placed.now, window_ms):
            cursor: Params = {}
            for _ in range(PAGES_MAX):
                rows = ask(partial(_trades, placed.ticker, since, page, params(placed.order_id) | cursor))
                found += rows
                older = next((row["info"][told] for row in rows if row["info"].get(told)), None)
                if len(rows) < page or older is None:
                    break
                cursor = {"cursor": older}
        return found

    return asked


def windows(since: int, now: int, window_ms: int | None) -> list[int]:
    """Where those begin that an answer of `window_ms` covers, the last one first; None: one covers all."""
    return list(range(since, now, window_ms or now - since))[::-1][:PAGES_MAX]


def by_bill(named: str, page: int) -> Way:
    """The newest first; an older page ends before the lowest bill of this one."""

    def asked(ask: Ask, placed: Placed) -> list[Any]:
        found: list[Any] = []
        params = {named: placed.order_id}
        for _ in range(PAGES_MAX):
            rows = ask(partial(_trades, placed.ticker, placed.since, page, params))
            found += rows
            if len(rows) < page:
                break
            lowest = min(number(row["info"].get("billId"), "number of a bill") for row in rows)
            params = {**params, "after": f"{lowest:f}"}
        return found

    return asked


def by_order(ask: Ask, placed: Placed) -> list[Any]:
    """The order names its trades. The list of all trades knows no order, and its pages no market."""
    order = ask(lambda ccxt: ccxt.fetch_order(placed.order_id, placed.ticker))
    ids = order["info"].get("trades") or []
    found: list[Any] = []
    for start in range(0, min(len(ids), PAGES_MAX * IDS_PER_QUESTION), IDS_PER_QUESTION):
        some = ids[start : start + IDS_PER_QUESTION]
        found += ask(partial(_named, placed, some))
    return found


def _trades(ticker: str, since: int | None, count: int, params: Params, ccxt: Any) -> Any:
    return ccxt.fetch_my_trades(ticker, since, count, params)


def _named(placed: Placed, ids: list[str], ccxt: Any) -> Any:
    return ccxt.fetch_order_trades(placed.order_id, placed.ticker, params={"trades": ids})
