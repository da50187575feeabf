"""What goes wrong between us and the exchange, and what the exchange's other people do."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any

from tests.exchange import Exchange
from tests.exchange.faults import CANCEL, CREATE, LOOKUP, TRADES, Fault
from tests.exchange.orders import Order, Wish

TIMES_MAX = 3
OPEN = {"method": "GET", "path": "/api/v3/openOrders"}
TIME = {"method": "GET", "path": "/api/v3/time"}
ANY = {"path": "/api/v3/*"}
HTML = "<html>try later</html>"
DUPLICATE = "Duplicate order sent."
FOREIGN = "by-hand"

FAULTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    # the order is placed, and its answer goes astray
    "create: answer lost": ("drop_answer", CREATE, {}),
    "create: answer cut": ("drop_answer", CREATE, {"ending": "cut"}),
    "create: answer broken": ("drop_answer", CREATE, {"ending": "broken"}),
    "create: reset": ("drop_answer", CREATE, {"ending": "reset"}),
    "create: html under 200": ("body", CREATE, {"text": HTML}),
    "create: empty": ("body", CREATE, {"text": ""}),
    "create: {}": ("body", CREATE, {"text": "{}"}),
    "create: null": ("body", CREATE, {"text": "null"}),
    "create: half a JSON": ("body", CREATE, {"text": '{"symbol": "BTC'}),
    "create: 502, done": ("status", CREATE, {"status": 502}),
    "create: 524, done": ("status", CREATE, {"status": 524}),
    "create: -1007, done": ("code", CREATE, {"code": -1007, "done": True}),
    "create: duplicate, done": ("code", CREATE, {"code": -2010, "message": DUPLICATE, "done": True}),
    # it is not placed, whatever is said
    "create: request lost": ("drop_request", CREATE, {}),
    "create: 504, not done": ("status", CREATE, {"status": 504, "done": False}),
    "create: html, not done": ("body", CREATE, {"text": HTML, "done": False}),
    "create: -1007, not done": ("code", CREATE, {"code": -1007}),
    "create: -1000, not done": ("code", CREATE, {"code": -1000}),
    "create: -1021": ("code", CREATE, {"code": -1021}),
    "create: -1015": ("code", CREATE, {"code": -1015}),
    "create: -1013": ("code", CREATE, {"code": -1013}),
    "create: -2010": ("code", CREATE, {"code": -2010}),
    "create: 429": ("limited", CREATE, {"status": 429}),
    "create: 418": ("limited", CREATE, {"status": 418}),
    # it is placed long after
    "create: late": ("late", CREATE, {}),
    "create: late, -1007": ("late", CREATE, {"code": -1007}),
    "create: late, fenced": ("late", CREATE, {"fenced": True}),
    "lookup: request lost": ("drop_request", LOOKUP, {}),
    "lookup: html": ("body", LOOKUP, {"text": HTML}),
    "lookup: -2013, untrue": ("code", LOOKUP, {"code": -2013}),
    "lookup: 502": ("status", LOOKUP, {"status": 502}),
    "lookup: 429": ("limited", LOOKUP, {"status": 429}),
    "lookup: lags": ("lag", LOOKUP, {"seconds": 15}),
    "lookup: strange status": ("rewrite", LOOKUP, {"fields": {"status": "PENDING_NEW"}}),
    "cancel: answer lost": ("drop_answer", CANCEL, {}),
    "cancel: request lost": ("drop_request", CANCEL, {}),
    "cancel: html": ("body", CANCEL, {"text": HTML}),
    "cancel: -2011, untrue": ("code", CANCEL, {"code": -2011}),
    "cancel: 429": ("limited", CANCEL, {"status": 429}),
    "cancel: fills first": ("fill_first", CANCEL, {}),
    "trades: none yet": ("body", TRADES, {"text": "[]"}),
    "trades: last missing": ("rows", TRADES, {"drop": [-1]}),
    "trades: repeated": ("rows", TRADES, {"repeat": [0, -1]}),
    "trades: backwards": ("rows", TRADES, {"backwards": True}),
    "trades: html": ("body", TRADES, {"text": HTML}),
    "trades: lag": ("lag", TRADES, {"seconds": 15}),
    "open: none told": ("body", OPEN, {"text": "[]"}),
    "open: one missing": ("rows", OPEN, {"drop": [0]}),
    "open: html": ("body", OPEN, {"text": HTML}),
    "open: request lost": ("drop_request", OPEN, {}),
    "time: request lost": ("drop_request", TIME, {}),
    "any: 502, done": ("status", ANY, {"status": 502}),
    "any: 429": ("limited", ANY, {"status": 429}),
    "any: answer lost": ("drop_answer", ANY, {}),
}


@dataclass
class Mischief:
    """Adds faults to the exchange's plan, and moves its markets; `added` remembers what struck."""

    exchange: Exchange
    chance: Random
    added: list[tuple[str, Fault]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)

    def fault(self) -> str:
        name = self.chance.choice(list(FAULTS))
        effect, where, options = FAULTS[name]
        times, after = self.chance.randint(1, TIMES_MAX), self.chance.choice((0, 0, 1))
        fault = self.exchange.faults.add(effect, **where, times=times, after=after, **options)
        self.added.append((name, fault))
        return f"{name} ×{times} after {after}"

    def struck(self) -> Counter[str]:
        counted = Counter(self.done)
        for name, fault in self.added:
            counted[name] += fault.struck
        return +counted

    def move(self) -> str:
        """The price of one market goes up or down, mostly a little."""
        name = self.chance.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT"))
        market = self.exchange.ledger.markets[name]
        most = self.chance.choice((Decimal("0.002"), Decimal("0.005"), Decimal("0.02")))
        part = most * self.chance.randint(-100, 100) / 100
        # Towards where it began, so that the grids stay in their range.
        part -= (market.price / market.opening - 1) / 10
        ticks = (market.price * (1 + part) / market.tick_size).to_integral_value()
        self.exchange.ledger.move(name, ticks * market.tick_size)
        return f"{name} at {market.price}"

    def meddle(self) -> str:
        """Something happens to a resting order of ours that nobody of us asked for."""
        ledger = self.exchange.ledger
        resting = [order for order in ledger.orders if order.open and not is_foreign(order)]
        if not resting:
            return "nothing rests"
        order = self.chance.choice(resting)
        what = self.chance.choices(list(MEDDLING), list(MEDDLING.values()))[0]
        if what == "filled in part":
            step = ledger.symbols[order.symbol].step
            share = Decimal(self.chance.randint(1, 9)) / 10
            part = (order.remaining * share / step).to_integral_value() * step
            if not 0 < part <= order.remaining:
                return "too small to part"
            ledger.fill(order, part)
        elif what == "filled":
            ledger.fill(order)
        elif what == "cancelled by hand":
            ledger.cancel(order)
        elif what == "expired":
            ledger.expire(order)
        else:
            ledger.fill(order, order.remaining + ledger.symbols[order.symbol].step, over=True)
        self.done[f"order {what}"] += 1
        return f"{order.wish.side} {order.client_id[:6]} {what}"


MEDDLING = {
    "filled in part": 8,
    "filled": 4,
    "cancelled by hand": 2,
    "expired": 1,
    "overfilled": 0,
}


def foreign_orders(exchange: Exchange) -> None:
    """A person of each account has an order of their own resting, which is nobody's to touch."""
    for key in exchange.ledger.accounts:
        wish = Wish("BTCUSDT", "BUY", "LIMIT", FOREIGN, Decimal("0.01"), Decimal(20_000))
        exchange.ledger.place(key, wish)


def is_foreign(order: Order) -> bool:
    return order.client_id == FOREIGN
