"""A tiny exchange in memory on which a strategy can be driven by a list of prices.

It keeps the plan's orders by slot, fills them by the rule of `orders.matching`, tracks position
and cash, and asks the strategy again whenever its wake, a fill or a closed order says so.
"""

from decimal import Decimal
from typing import Any

from bots.strategies.base import Closed, Command, LiveOrder, OrderIntent, Plan, Seen, SignalRow, marked
from bots.strategies.difference import check
from bots.strategies.registry import dump_memory, load_memory
from bots.strategies.wakes import reached
from orders.accounting import Fill, Position, money, quote_change
from orders.matching import Quote, fill, passing_price, quote_around, stop_price, taker_price
from orders.rules import ZERO, Market, OrderKind, Side
from orders.states import OrderStatus

LOOKS_MAX = 50
MINUTE_MS = 60_000


def number(value: Decimal | int | str) -> Decimal:
    return Decimal(str(value))


class Playground:
    """`coins` are brought in from outside, valued at the first price. Amounts in base and quote.

    A `memory` given is what it knows already. Not `asked`, the strategy has yet to make its first decision.
    `keep_memory_as_json` sends the memory through its stored form before every decision.
    """

    def __init__(
        self,
        strategy: Any,
        *,
        price: Decimal | int | str,
        cash: Decimal | int | str,
        coins: Decimal | int | str = 0,
        spread_bps: Decimal = ZERO,
        slippage_pct: Decimal = ZERO,
        keep_memory_as_json: bool = False,
        asked: bool = True,
        memory: Any = None,
    ) -> None:
        self.strategy = strategy
        self.market: Market = strategy.market
        self.spread_bps, self.slippage_pct = spread_bps, slippage_pct
        self.keep_memory_as_json = keep_memory_as_json
        self.now = 1_700_000_000_000
        self.quote = quote_around(number(price), self.market, spread_bps, self.now)
        self.cash = number(cash)
        self.position = Position().with_coins(number(coins), number(price)) if number(coins) else Position()
        self.memory = strategy.first_memory()
        self.plan: Plan[Any] = Plan(self.memory)
        self.live: dict[str, LiveOrder] = {}
        self.fills: list[Fill] = []
        self.all_fills: list[Fill] = []
        self.closed: list[Closed] = []
        self.reasons: list[str] = []
        self.looks = 0
        self.closing = self.stale = False
        self.triggered: set[str] = set()
        self.refuses_stops = False
        if asked:
            self.look()

    def move(self, *prices: Decimal | int | str) -> None:
        """Let the price go to each of `prices` in a minute, asking the strategy when it is due. A way ends
        where it turns: a rise over a peak, or a fall under a trough, is over there."""
        for price in prices:
            self.now += MINUTE_MS
            self.quote = quote_around(number(price), self.market, self.spread_bps, self.now)
            self._fill_passed()
            if self._due():
                self.look()

    def look(self, *commands: Command, candle: SignalRow | None = None) -> None:
        """Decide, and do as the plan says, until nothing changes any more. A candle that the strategy has
        not asked for passes unseen, and is no reason to ask."""
        if candle is not None and not self.asks_for(candle):
            if not (commands or self._due()):
                return
            candle = None
        for _ in range(LOOKS_MAX):
            seen = self.seen(*commands, candle=candle)
            self.fills, self.closed = [], []
            if self.keep_memory_as_json:
                self.memory = load_memory(self.strategy, dump_memory(self.memory))
            self.plan = self.strategy.decide(self.memory, seen)
            self.memory, self.looks = self.plan.memory, self.looks + 1
            self.reasons.extend(self.plan.reasons)
            self._obey()
            commands, candle = (), None
            if not self._due():
                return
        raise AssertionError(f"no rest after {LOOKS_MAX} looks: {self.plan}")

    def seen(self, *commands: Command, candle: SignalRow | None = None) -> Seen:
        quote = self.quote
        return Seen(
            now=self.now,
            market=self.market,
            bid=quote.bid,
            ask=quote.ask,
            last=quote.last,
            position=self.position,
            cash=self.cash,
            fills=tuple(self.fills),
            closed=tuple(self.closed),
            live=dict(self.live),
            candle=candle,
            commands=commands,
            closing=self.closing,
            stale=self.stale,
        )

    def fill_part(self, slot: str, amount: Decimal | int | str) -> None:
        """Part of a resting order fills at its own price; the strategy is not asked yet."""
        order = self.live[slot].intent
        assert order.price is not None
        self.take(slot, number(amount), order.price, maker=True)

    def end(self, slot: str, status: OrderStatus = OrderStatus.CANCELLED) -> None:
        """A live order ends, whatever the strategy wants; it is not asked yet."""
        order = self.live.pop(slot)
        self.closed.append(Closed(slot, order.intent, status, order.filled))

    def prices(self, side: Side) -> list[Decimal]:
        """Prices of the resting limit orders on a side, rising."""
        orders = (order.intent for order in self.live.values())
        return sorted(order.price for order in orders if order.side is side and order.price is not None)

    def resting(self, side: Side) -> Decimal:
        """Quote that the resting limit orders on a side are worth at their prices, before fees."""
        orders = (order for order in self.live.values() if order.intent.side is side)
        return sum(
            ((order.intent.amount - order.filled) * (order.intent.price or ZERO) for order in orders), ZERO
        )

    def asks_for(self, candle: SignalRow) -> bool:
        """Whether the last plan's wake has this candle shown: any, or one with its mark."""
        wake = self.plan.wake
        return wake.candle is not None and (not wake.mark or marked(candle.values[wake.mark]))

    @property
    def equity(self) -> Decimal:
        return self.seen().equity

    def _due(self) -> bool:
        wake, last = self.plan.wake, self.quote.last
        return not self.plan.finished and bool(
            self.fills or self.closed or reached(wake, last) or (wake.at is not None and self.now >= wake.at)
        )

    def _obey(self) -> None:
        for slot in [slot for slot, order in self.live.items() if self.plan.orders.get(slot) != order.intent]:
            self.end(slot)
        ended = {order.slot for order in self.closed}
        for slot, intent in self.plan.orders.items():
            # A changed wish is placed only after a decision has seen the old order end.
            if slot not in self.live and slot not in ended:
                self._place(slot, intent)

    def _place(self, slot: str, intent: OrderIntent) -> None:
        check(slot, intent, self.market)
        self.live[slot] = LiveOrder(intent)
        self.triggered.discard(slot)
        if intent.trigger is not None:
            self._place_stop(slot, intent.trigger)
            return
        price = taker_price(
            side=intent.side,
            kind=intent.kind,
            limit=intent.price,
            quote=self.quote,
            slippage_pct=self.slippage_pct,
            tick=self.market.tick,
        )
        if price is not None and intent.post_only:
            self.end(slot, OrderStatus.REFUSED)
        elif price is not None:
            self.take(slot, intent.amount, price, maker=False)
        elif intent.kind is OrderKind.IOC:
            self.end(slot)

    def _place_stop(self, slot: str, trigger: Decimal) -> None:
        """The exchange refuses what it would trigger at once, and what a test has it refuse."""
        if self.refuses_stops or self.quote.last <= trigger:
            self.end(slot, OrderStatus.REFUSED)

    def _trigger(self, slot: str, limit: Decimal) -> None:
        self.triggered.add(slot)
        price = stop_price(limit, self.quote, self.slippage_pct, self.market.tick)
        if price is not None:
            order = self.live[slot]
            self.take(slot, order.intent.amount - order.filled, price)

    def _fill_passed(self) -> None:
        stops = [
            (slot, order.intent.price)
            for slot, order in self.live.items()
            if order.intent.trigger is not None
            and slot not in self.triggered
            and self.quote.last <= order.intent.trigger
        ]
        passed = [
            (order.intent.price, slot)
            for slot, order in self.live.items()
            if order.intent.price is not None
            and (order.intent.trigger is None or slot in self.triggered)
            and self._passes(order.intent, self.quote)
        ]
        for slot, limit in stops:
            assert limit is not None
            self._trigger(slot, limit)
        falling = bool(passed) and self.live[passed[0][1]].intent.side is Side.BUY
        for price, slot in sorted(passed, reverse=falling):
            order = self.live[slot]
            self.take(slot, order.intent.amount - order.filled, price, maker=True)

    def _passes(self, intent: OrderIntent, quote: Quote) -> bool:
        assert intent.price is not None
        passing = passing_price(intent.side, intent.price, self.market.tick)
        return quote.last <= passing if intent.side is Side.BUY else quote.last >= passing

    def take(self, slot: str, amount: Decimal, price: Decimal, *, maker: bool = False) -> None:
        """A live order fills for `amount` base at `price`."""
        order = self.live[slot]
        made = fill(
            slot=slot,
            side=order.intent.side,
            amount=amount,
            price=price,
            maker=maker,
            market=self.market,
            at=self.now,
        )
        self.position = self.position.after(made)
        self.cash = money(self.cash + quote_change(made))
        assert self.position.amount >= 0, f"{slot} sold what was not held"
        assert self.cash >= 0, f"{slot} spent what was not there"
        self.fills.append(made)
        self.all_fills.append(made)
        self.live[slot] = LiveOrder(order.intent, order.filled + amount)
        if order.filled + amount >= order.intent.amount:
            self.end(slot, OrderStatus.FILLED)
