"""Where live orders go: placed once, then only looked up.

An answer is believed where it names our order, and a refusal where the exchange's own codes say so;
everything else proves nothing, and the order is asked for by our id.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import methodcaller
from typing import Any

from django.db.models.functions import Now

from accounts.models import TRADES
from orders.gateways.base import (
    FillReport,
    GatewayError,
    KeyRefused,
    RateLimited,
    Refused,
    Report,
    Unreachable,
)
from orders.gateways.exchange.adapters import Adapter
from orders.gateways.exchange.budget import Lane
from orders.gateways.exchange.client import Absent, Client, Said, wait_of
from orders.gateways.exchange.clients import Clients
from orders.gateways.exchange.errors import Meaning
from orders.gateways.exchange.fees import valued
from orders.gateways.exchange.orders import Found, above_zero, fill_reports, found
from orders.gateways.exchange.spoken import WrongHost, now_ms
from orders.gateways.exchange.trades import Params, Placed, windows
from orders.models import Order
from orders.rules import Market, OrderKind, Side, ceil_to
from orders.states import FINAL, OrderStatus
from tradingbot.clock import moment_of

# Once a request has run out, the exchange may still take this long to take it in, and to list it.
ENGINE_MS = 10_000
MARGIN_MS = 5_000
ABSENCES_MIN = 3
# Lists lag behind; a tier B exchange is given longer.
LISTS_LAG_MS = 60_000
SKEW_MS = 60_000
UNREACHABLE_WAIT_S = 5.0
OPEN_ORDERS = "fetch_open_orders"
THROUGH = Decimal("1.01")
NEVER_PLACED = frozenset({Meaning.REFUSED, Meaning.CLOCK, Meaning.ORDERS})


class ExchangeGateway:
    """One exchange's orders, for all its accounts in one environment."""

    may_be_late = True

    def __init__(self, adapter: Adapter, clients: Clients, age_ms: Callable[[Order], int]) -> None:
        """`age_ms` tells how long ago an order was claimed."""
        self.adapter, self._clients, self._age_ms = adapter, clients, age_ms

    def wait_s(self, order: Order) -> float:
        try:
            return self._clients.of(order.account).at(lane_of(order)).wait_s()
        except KeyRefused:
            return 0.0  # `create` says so of the order itself.
        except GatewayError:
            return UNREACHABLE_WAIT_S

    def create(self, order: Order) -> Report:
        account = order.account
        if account.state not in TRADES:
            raise Refused(f"{account.label} is {account.get_state_display().lower()}: {account.state_reason}")
        try:
            client = self._clients.of(account).at(lane_of(order))
            creation = self._creation(order, client)
        except (RateLimited, Unreachable) as trouble:
            raise Refused(f"not sent: {trouble}") from None
        said = client.say(creation, order=True)
        client = client.at(Lane.URGENT)  # what has become of it
        if isinstance(said.error, Refused | WrongHost):
            raise Refused(str(said.error))
        meaning, words = client.meaning(said.answer)
        if meaning is Meaning.CLOCK:
            with suppress(GatewayError):  # the order is refused all the same
                client.sync_clock()
        if meaning is Meaning.KEY:
            raise KeyRefused(words)
        if isinstance(said.error, GatewayError) and not said.sent:
            raise Refused(f"not sent: {said.error}")
        if meaning in NEVER_PLACED or (said.error is not None and not said.sent):
            raise Refused(words or f"ccxt refused it before it left ({type(said.error).__name__})")
        if meaning is None and said.error is None and self._names(said.result, order):
            return self._report(client, order, found(_opened(said.result)))
        return self._found_after(client, order, said, words)

    def lookup(self, order: Order) -> Report | None:
        watched = order.status in FINAL
        return self._looked_up(order, Lane.USUAL if watched else Lane.URGENT)

    def _looked_up(self, order: Order, lane: Lane) -> Report | None:
        client = self._clients.of(order.account).at(lane)
        known = self._find(client, order)
        return None if known is None else self._report(client, order, known)

    def cancel(self, order: Order) -> Report:
        """The exchange's own answer may be that it knows no such order any more, or none at all: what has
        become of it is always asked."""
        client = self._clients.of(order.account).at(Lane.URGENT)
        said = client.say(lambda ccxt: ccxt.cancel_order(order.exchange_order_id, order.ticker))
        meaning, words = client.meaning(said.answer)
        if meaning is Meaning.LIMIT:
            raise RateLimited(words, wait_of(said.answer))
        if isinstance(said.error, RateLimited) and not said.sent:
            raise said.error
        return self._looked_up(order, Lane.URGENT) or _nowhere(order)

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        """One request for all that rest; further ones only for those that have filled or ended."""
        client, ticker = self._clients.of(orders[0].account), orders[0].ticker
        if ticker not in client.ccxt.markets:
            return [_nowhere(order) for order in orders]
        rows = client.ask(lambda ccxt: ccxt.fetch_open_orders(ticker), rows=True)
        resting = {str(row["id"]): found(row) for row in rows}
        reports = []
        for order in orders:
            known = resting.get(order.exchange_order_id or "")
            if known is None:
                reports.append(self._looked_up(order, Lane.USUAL) or _nowhere(order))
            elif known.filled > order.filled:
                reports.append(self._report(client, order, known))
        return reports

    def surely_not_placed(self, order: Order, now: datetime) -> bool:
        """Its request has run out, the exchange has said often enough that it knows no such order, and no
        list has it."""
        lifetime = self.adapter.lifetime
        lifetime_ms = lifetime.window_ms + lifetime.good_ms + ENGINE_MS + MARGIN_MS
        if self.adapter.find is None:
            lifetime_ms += LISTS_LAG_MS
        if order.absences < ABSENCES_MIN or self._age_ms(order) < lifetime_ms:
            return False
        try:
            return self._listed(self._clients.of(order.account).at(Lane.URGENT), order) is None
        except GatewayError:
            return False

    def _creation(self, order: Order, client: Client) -> Callable[[Any], Any]:
        adapter, rules = self.adapter, order.market.rules()
        kind, price = OrderKind(order.kind), order.price
        params: Params = adapter.create(adapter.client_id(order.client_id))
        lifetime = adapter.lifetime
        if order.post_only:
            params["postOnly"] = True
        if kind is OrderKind.MARKET and order.side == Side.BUY and not adapter.market_buy_by_base:
            kind, price = OrderKind.IOC, self._through(client, order.ticker, rules)
        if kind is OrderKind.IOC:
            params["timeInForce"] = "IOC"
        if kind is OrderKind.MARKET:
            params |= adapter.market_params
        if kind is OrderKind.STOP:
            params |= _stop_params(adapter, order)
        word = "market" if kind is OrderKind.MARKET else "limit"
        amount = f"{order.amount.normalize():f}"
        at = None if price is None else f"{price.normalize():f}"

        def placed(ccxt: Any) -> Any:
            # Looked at when its client is free: other requests of the account may have held it up.
            age_ms = self._age_ms(order)
            if age_ms > lifetime.window_ms:
                raise Refused(f"it was held up for more than {lifetime.window_ms // 1000} s and not sent")
            timed = lifetime.params(_ago_ms(client, age_ms), lifetime.window_ms) if lifetime.params else {}
            return ccxt.create_order(order.ticker, word, order.side, amount, at, {**params, **timed})

        return placed

    def _through(self, client: Client, ticker: str, rules: Market) -> Decimal:
        """A limit a little over the ask, where an exchange takes no buys at market by amount."""
        told = client.ask(lambda ccxt: ccxt.fetch_ticker(ticker))
        return ceil_to(above_zero(told.get("ask"), "ask") * THROUGH, rules.tick)

    def _names(self, result: Any, order: Order) -> bool:
        """Only an answer with an id of its own and ours in it is one to this order."""
        if not isinstance(result, dict) or not result.get("id"):
            return False
        return result.get("clientOrderId") == self.adapter.client_id(order.client_id)

    def _found_after(self, client: Client, order: Order, said: Said, words: str) -> Report:
        """An answer that proves nothing: mostly the order is there, so it is asked for at once."""
        if client.meaning(said.answer)[0] is Meaning.LIMIT:
            raise RateLimited(words, wait_of(said.answer))
        known = self._find(client, order)
        if known is None:
            raise Unreachable(words or "the answer does not say whether the order was placed")
        return self._report(client, order, known)

    def _find(self, client: Client, order: Order) -> Found | None:
        own_id, params = "", {}
        if self.adapter.by_own_id and order.exchange_order_id:
            own_id = order.exchange_order_id
        elif self.adapter.find is not None:
            params = self.adapter.find(self.adapter.client_id(order.client_id))
        else:
            return self._listed(client, order)
        try:
            return found(client.ask(lambda ccxt: ccxt.fetch_order(own_id, order.ticker, params)))
        except Absent:
            return None

    def _listed(self, client: Client, order: Order) -> Found | None:
        """The order among those that the exchange lists. Where it does not know our filter it lists all."""
        wire = self.adapter.client_id(order.client_id)
        for method, since, span in self._lists(client, order):
            params = self.adapter.list_by(wire) | span
            rows = client.ask(methodcaller(method, order.ticker, since, None, params), rows=True)
            mine = next((row for row in rows if row.get("clientOrderId") == wire), None)
            if mine is not None:
                return found(mine)
        return None

    def _lists(self, client: Client, order: Order) -> Iterator[tuple[str, int | None, Params]]:
        """The methods to ask, from when on, and with which part of that time."""
        now = _ago_ms(client, 0)
        since, named = now - self._age_ms(order) - SKEW_MS, self.adapter.list_span
        spans: list[Params] = [{}]
        if named is not None:
            spans = [{named[0]: begin} for begin in windows(since, now, named[1])]
        for method in self.adapter.listed:
            if method == OPEN_ORDERS:
                yield method, None, {}  # it is listed however old it is
            else:
                yield from ((method, since, span) for span in spans)

    def _report(self, client: Client, order: Order, known: Found) -> Report:
        """What is known of the order. An end whose trades are not all listed yet is no end."""
        fills: tuple[FillReport, ...] = ()
        if known.filled or known.status is OrderStatus.FILLED:
            fills = self._fills(client, order, known.order_id)
        told = sum((fill.amount for fill in fills), Decimal(0))
        status, behind = known.status, told < known.filled
        if status is OrderStatus.FILLED:
            behind = behind or told < order.amount
        elif status in FINAL and behind:
            status = OrderStatus.OPEN
        at = known.at or moment_of(now_ms())
        return Report(order.client_id, status, at, known.order_id, fills, known.odd, behind=behind)

    def _fills(self, client: Client, order: Order, order_id: str) -> tuple[FillReport, ...]:
        now = _ago_ms(client, 0)
        placed = Placed(order.ticker, order_id, now - self._age_ms(order) - SKEW_MS, now)
        rows = self.adapter.trades(partial(client.ask, rows=True), placed)
        mine = [row for row in rows if str(row.get("order")) == order_id]
        return valued(fill_reports(mine), order.ticker, client)


def _stop_params(adapter: Adapter, order: Order) -> Params:
    if adapter.stop is None or order.trigger is None:
        raise Refused(f"no stop-limit orders are sent to {adapter.exchange}")
    return adapter.stop(f"{order.trigger.normalize():f}")


def _nowhere(order: Order) -> Report:
    """It rested and is listed nowhere any more: how it ended is not known, so it stays as it is."""
    return Report(order.client_id, OrderStatus.OPEN, moment_of(now_ms()), behind=True, missing=True)


def lane_of(order: Order) -> Lane:
    """An exit may use what entries must leave."""
    return Lane.URGENT if order.role == "exit" else Lane.USUAL


def _ago_ms(client: Client, age_ms: int) -> int:
    """So long ago in exchange time: three clocks are never compared, only their differences."""
    offset_ms: int = client.ccxt.offset_ms
    return now_ms() + offset_ms - age_ms


def age_by_database(order: Order) -> int:
    """How long ago it was claimed, in ms, by the clock that the claim was written with."""
    row = Order.objects.filter(pk=order.pk).annotate(told=Now()).only("claimed_at").get()
    if row.claimed_at is None:
        raise Refused("it was never claimed")
    aged: timedelta = row.told - row.claimed_at
    return aged // timedelta(milliseconds=1)


def _opened(order: Any) -> Any:
    """An acknowledgement may tell no status: then the order was taken, and the next look tells the rest."""
    return order if order.get("status") else {**order, "status": "open"}
