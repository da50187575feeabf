"""One request on its way through the venue, and the two steps of its being done: admitted, then performed."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from tests.exchange import security
from tests.exchange.answers import Answer, answer_of
from tests.exchange.call import Call
from tests.exchange.ledger import Ledger
from tests.exchange.limits import Limits
from tests.exchange.oracle import Seen
from tests.exchange.rejections import Rejection
from tests.exchange.routes import ROUTES, Security

Background = Callable[[Coroutine[Any, Any, None]], None]


@dataclass(frozen=True)
class Asked:
    """A request as it came: `payload` is the text its signature covers.

    A `strict` one is refused for a parameter that nobody reads.
    """

    method: str
    path: str
    params: dict[str, str]
    payload: str = ""
    signature: str = ""
    key: str = ""
    strict: bool = True


@dataclass
class Turn:
    """`lag_ms` is what an effect makes the answer older by; `background` runs what outlives the request."""

    asked: Asked
    ledger: Ledger
    limits: Limits
    seen: Seen
    background: Background
    held: Callable[[], Coroutine[Any, Any, None]]
    lag_ms: int = 0

    def do(self) -> Answer:
        """Admits and performs the request; a rejection is an answer too."""
        return self.guarded(lambda: self.perform(self.admit()))

    def guarded(self, step: Callable[[], Answer]) -> Answer:
        try:
            answer = step()
        except Rejection as rejection:
            return self.refused(rejection)
        self.seen.outcome = "done"
        answer.headers |= self.limits.headers()
        return answer

    def refused(self, rejection: Rejection) -> Answer:
        self.seen.outcome, self.seen.code = "refused", rejection.code
        return answer_of(rejection.body(), rejection.status, {**rejection.headers, **self.limits.headers()})

    def admit(self) -> Call:
        """Weighs the request and checks who sent it; raises Rejection."""
        asked = self.asked
        route = ROUTES.get((asked.method, asked.path))
        if route is None:
            raise Rejection(-1000, "Path not found.", status=404)
        self.limits.spend(route.cost(asked.params))
        call = Call(self.ledger, asked.params, now=self.ledger.clock(), rate_limits=self.limits.told())
        if route.security is Security.SIGNED:
            call.sender = security.known(self.ledger.accounts, asked.key)
            security.signed(call.sender, asked.payload, asked.signature)
            self.check_time()
        if asked.strict:
            route.check(asked.params)
        return call

    def check_time(self) -> None:
        security.timely(self.asked.params, self.ledger.clock())

    def perform(self, call: Call) -> Answer:
        """Does what was asked, on the ledger; raises Rejection."""
        route = ROUTES[self.asked.method, self.asked.path]
        headers = self.limits.order(self.asked.key) if route.counts_as_order else {}
        call.now, call.lag_ms = self.ledger.clock(), self.lag_ms
        with self.ledger.lock:
            body = route.endpoint(call)
        if isinstance(body, dict):
            self.seen.order_id = body.get("orderId")
        return answer_of(body, headers=headers)
