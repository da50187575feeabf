"""What a fault does to a request: each effect is a function around the rest of the turn.

Options are given to `faults.add`. `done` says whether the request is carried out all the same; `ending` is
one of `answers.Ending`'s words. See `EFFECTS` for the names.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from tests.exchange.answers import Answer, Ending, answer_of
from tests.exchange.faults import Fault
from tests.exchange.rejections import Rejection
from tests.exchange.turn import Turn

Rest = Callable[[], Awaitable[Answer]]
Effect = Callable[..., Awaitable[Answer]]

# The words and the HTTP status that go with a code, unless the fault says others.
CODES: dict[int, tuple[str, int]] = {
    -1000: ("Unknown error, please check your request or try again later.", 503),
    -1001: ("Internal error; unable to process your request. Please try again.", 500),
    -1003: ("Too many requests queued.", 429),
    -1006: ("An unexpected response was received from the message bus. Execution status unknown.", 500),
    -1007: (
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        504,
    ),
    -1008: ("Server is currently overloaded with other requests. Please try again in a few minutes.", 503),
    -1013: ("Filter failure: LOT_SIZE", 400),
    -1015: ("Too many new orders; current limit is 100 orders per 10 SECOND.", 429),
    -1016: ("This service is no longer available.", 400),
    -1021: ("Timestamp for this request is outside of the recvWindow.", 400),
    -1022: ("Signature for this request is not valid.", 400),
    -1121: ("Invalid symbol.", 400),
    -2010: ("Account has insufficient balance for requested action.", 400),
    -2011: ("Unknown order sent.", 400),
    -2013: ("Order does not exist.", 400),
    -2014: ("API-key format invalid.", 401),
    -2015: ("Invalid API-key, IP, or permissions for action.", 401),
    -2026: (
        "Order was canceled or expired with no executed qty over 90 days ago and has been archived.",
        400,
    ),
}
PAGE = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"


async def drop_request(turn: Turn, rest: Rest, *, ending: str = "close") -> Answer:
    """The request never arrives; the client waits or loses its connection."""
    return Answer(200, "", ending=Ending(ending))


async def drop_answer(turn: Turn, rest: Rest, *, ending: str = "close") -> Answer:
    """Done, but the client does not hear of it; endings cut and broken send a part."""
    answer = await rest()
    answer.ending, turn.seen.unheard = Ending(ending), True
    return answer


async def delay(turn: Turn, rest: Rest, *, seconds: float | None = None, done: bool = False) -> Answer:
    """Waits before it is carried out, or after if `done`; seconds None waits for `faults.release()`."""
    answer = await rest() if done else None
    await pause(turn, seconds)
    return answer or await rest()


async def late(
    turn: Turn,
    rest: Rest,
    *,
    seconds: float | None = None,
    ending: str = "close",
    code: int | None = None,
    fenced: bool = False,
) -> Answer:
    """Admitted now and carried out later, when the client has long lost its answer (or heard `code`).

    `fenced` checks recvWindow once more before it is carried out, as Binance says it does.
    """
    try:
        call = turn.admit()
    except Rejection as rejection:
        return turn.refused(rejection)

    async def later() -> None:
        await pause(turn, seconds)
        turn.guarded(carry_out)
        if turn.seen.outcome == "done":
            turn.seen.outcome = "late"

    def carry_out() -> Answer:
        if fenced:
            turn.check_time()
        return turn.perform(call)

    turn.background(later())
    if code is not None:
        return _refusal(code)
    return Answer(200, "", ending=Ending(ending))


async def pause(turn: Turn, seconds: float | None) -> None:
    """Waits; without a time, until the plan's release."""
    if seconds is None:
        await turn.held()
    else:
        await asyncio.sleep(seconds)


async def body(
    turn: Turn,
    rest: Rest,
    *,
    text: str,
    status: int = 200,
    done: bool = True,
    content_type: str = "application/json",
) -> Answer:
    """Another body instead of the answer: HTML, nothing, `{}`, `null`, half of a JSON."""
    if done:
        await rest()
    turn.seen.unheard = True
    return Answer(status, text, content_type=content_type)


async def status(
    turn: Turn, rest: Rest, *, status: int, text: str | None = None, done: bool = True
) -> Answer:
    """The answer of something in between: a gateway's error page."""
    if done:
        await rest()
    turn.seen.unheard = True
    return Answer(status, PAGE.format(status) if text is None else text, content_type="text/html")


async def code(
    turn: Turn,
    rest: Rest,
    *,
    code: int,
    message: str | None = None,
    status: int | None = None,
    done: bool = False,
) -> Answer:
    """An error of the exchange; with `done` it is untrue, for the request was carried out."""
    if done:
        await rest()
        turn.seen.unheard = True
    else:
        turn.seen.outcome, turn.seen.code = "refused", code
    return _refusal(code, message, status)


def _refusal(code: int, message: str | None = None, status: int | None = None) -> Answer:
    words, http = CODES.get(code, ("An unknown error.", 400))
    return answer_of({"code": code, "msg": message or words}, http if status is None else status)


async def limited(turn: Turn, rest: Rest, *, status: int = 429, retry_after: int | None = 1) -> Answer:
    """429, or 418 for the ban; `retry_after` None leaves the header out."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    turn.seen.outcome, turn.seen.code = "refused", -1003
    return answer_of({"code": -1003, "msg": CODES[-1003][0]}, status, headers)


async def lag(turn: Turn, rest: Rest, *, seconds: float) -> Answer:
    """The answer does not know yet what happened within `seconds`.

    It says so of order (-2013), openOrders, allOrders and myTrades; others are not changed by it.
    """
    turn.lag_ms = int(seconds * 1000)
    return await rest()


async def rewrite(
    turn: Turn, rest: Rest, *, fields: dict[str, Any] | None = None, remove: Sequence[str] = ()
) -> Answer:
    """Changes fields wherever they stand in the answer: a status, a price, a commission, a symbol."""
    answer = await rest()
    if answer.tells:
        answer.text = json.dumps(rewritten(answer.body, fields or {}, frozenset(remove)))
    return answer


def rewritten(told: Any, fields: dict[str, Any], remove: frozenset[str]) -> Any:
    if isinstance(told, list):
        return [rewritten(part, fields, remove) for part in told]
    if not isinstance(told, dict):
        return told
    return {
        name: fields[name] if name in fields else rewritten(value, fields, remove)
        for name, value in told.items()
        if name not in remove
    }


async def rows(
    turn: Turn, rest: Rest, *, drop: Sequence[int] = (), repeat: Sequence[int] = (), backwards: bool = False
) -> Answer:
    """A list with rows missing, doubled (by their place, -1 the last) or in the wrong order."""
    answer = await rest()
    if answer.tells:
        found = answer.body
        places = range(len(found))
        lost, doubled = ({place % len(found) for place in some if found} for some in (drop, repeat))
        kept = [found[place] for place in places if place not in lost for _ in range(1 + (place in doubled))]
        answer.text = json.dumps(kept[::-1] if backwards else kept)
    return answer


async def fill_first(turn: Turn, rest: Rest, *, quantity: str | None = None) -> Answer:
    """A cancel loses the race: its order fills, in whole or by `quantity`, before the cancel is looked at."""
    params = turn.asked.params
    order_id = params.get("orderId")
    order = turn.ledger.find(
        turn.asked.key,
        params.get("symbol", ""),
        order_id=None if order_id is None else int(order_id),
        client_id=params.get("origClientOrderId", ""),
    )
    if order is not None and order.open:
        turn.ledger.fill(order, None if quantity is None else Decimal(quantity))
    return await rest()


EFFECTS: dict[str, Effect] = {
    effect.__name__: effect
    for effect in (
        drop_request,
        drop_answer,
        delay,
        late,
        body,
        status,
        code,
        limited,
        lag,
        rewrite,
        rows,
        fill_first,
    )
}


def options() -> dict[str, frozenset[str]]:
    """The options of each effect."""
    return {
        name: frozenset(inspect.signature(effect).parameters) - {"turn", "rest"}
        for name, effect in EFFECTS.items()
    }


async def run(turn: Turn, faults: Sequence[Fault]) -> Answer:
    """Carries the turn out inside its faults, the first outermost."""
    if not faults:
        return turn.do()

    async def rest() -> Answer:
        return await run(turn, faults[1:])

    return await EFFECTS[faults[0].effect](turn, rest, **faults[0].options)
