"""A bot's pocket and its orders in memory: what rests, what fills, and what that does to the position.

The same rules as the paper gateway and its rows: `orders.matching` fills, `orders.accounting` books,
`bots.strategies.difference` reserves.
"""

from bisect import insort
from decimal import Decimal
from itertools import pairwise

from bots.strategies.base import Closed, LiveOrder, OrderIntent
from orders.accounting import Fill, Position, money, product, quote_change
from orders.matching import NOT_COVERED, Quote, fill, placed, stop_price
from orders.records import Frozen
from orders.rules import BUY, STOP, ZERO, Market
from orders.states import OrderStatus

CANCELLED, FILLED, OPEN, REFUSED = (
    OrderStatus.CANCELLED,
    OrderStatus.FILLED,
    OrderStatus.OPEN,
    OrderStatus.REFUSED,
)

News = tuple[tuple[Fill, ...], tuple[Closed, ...]]
NOTHING_NEW: News = ((), ())


class Resting(Frozen):
    """A live order at its limit, with what it has reserved (quote, base) and when it was planned (ms)."""

    live: LiveOrder
    limit: Decimal
    reserved: tuple[Decimal, Decimal]
    planned_at: int


class Booked(Frozen):
    """A fill with what it left behind: the position, and `cash` in quote. `bid` stood then, `maker`: it
    had rested."""

    fill: Fill
    maker: bool
    position: Position
    cash: Decimal
    bid: Decimal


class Log:
    """What happened to the money, oldest first; what follows from it is worked out once, after the run.

    `cash` and `position` are what the pocket held before the first fill.
    """

    def __init__(self, cash: Decimal, position: Position) -> None:
        self._cash, self._position = cash, position
        self.rows: list[Booked] = []

    @property
    def fills(self) -> list[Fill]:
        return [row.fill for row in self.rows]

    @property
    def makers(self) -> list[bool]:
        return [row.maker for row in self.rows]

    @property
    def pnls(self) -> list[Decimal]:
        """What each fill realised, net, in quote."""
        realised = [self._position.realised, *(row.position.realised for row in self.rows)]
        return [after - before for before, after in pairwise(realised)]

    @property
    def equities(self) -> list[Decimal]:
        """The equity right after each fill, in quote."""
        return [row.cash + product(row.position.amount, row.bid) for row in self.rows]

    def holding(self, fills: int) -> tuple[Decimal, Decimal]:
        """Quote and base in the pocket after that many fills."""
        if not fills:
            return self._cash, self._position.amount
        row = self.rows[fills - 1]
        return row.cash, row.position.amount


class Desk:
    """`cash` in quote; `coins` were brought along and are valued at the first bid."""

    def __init__(self, market: Market, *, cash: Decimal, position: Position, slippage_pct: Decimal) -> None:
        self.market = market
        self.slippage_pct = slippage_pct
        self.cash, self.position = cash, position
        self.live: dict[str, LiveOrder] = {}
        self.reserved_quote = self.reserved_base = ZERO
        self.fills: list[Fill] = []
        self.closed: list[Closed] = []
        self.refusals, self.why_refused = 0, ""
        self.log = Log(cash, position)
        self._resting: dict[str, Resting] = {}
        self._ended_at: dict[str, int] = {}
        # Nearest to the market last and first: the highest bid ends `_bids`, the lowest offer begins `_asks`.
        # A stop lies among the bids, a tick over its trigger: all of these are met on the way down.
        self._bids: list[tuple[Decimal, str]] = []
        self._asks: list[tuple[Decimal, str]] = []

    @property
    def buy_trigger(self) -> Decimal | None:
        """The highest price at which a resting buy fills, or a stop is triggered."""
        return self._bids[-1][0] - self.market.tick if self._bids else None

    @property
    def sell_trigger(self) -> Decimal | None:
        return self._asks[0][0] + self.market.tick if self._asks else None

    def take_news(self) -> News:
        """Fills and ends of orders since the last time, as a look sees them; now they are seen."""
        if not (self.fills or self.closed):
            return NOTHING_NEW
        fills, closed = tuple(self.fills), tuple(self.closed)
        if len(closed) > 1:
            closed = tuple(sorted(closed, key=lambda order: (self._ended_at[order.slot], order.slot)))
        self.fills.clear()
        self.closed.clear()
        self._ended_at.clear()
        return fills, closed

    def reserve(self, reserved: tuple[Decimal, Decimal]) -> None:
        """Keep quote and base for an order that is planned, or that rests."""
        self.reserved_quote += reserved[0]
        self.reserved_base += reserved[1]

    def release(self, reserved: tuple[Decimal, Decimal]) -> None:
        self.reserved_quote -= reserved[0]
        self.reserved_base -= reserved[1]

    def place(self, slot: str, intent: OrderIntent, reserved: tuple[Decimal, Decimal], quote: Quote) -> None:
        """Send and settle one order: it rests, with `reserved` kept for it, fills at once, ends, or is
        refused. What other orders have reserved is not its to spend."""
        placement = placed(
            side=intent.side,
            kind=intent.kind,
            amount=intent.amount,
            limit=intent.price,
            post_only=intent.post_only,
            quote=quote,
            slippage_pct=self.slippage_pct,
            market=self.market,
            trigger=intent.trigger,
        )
        price, status = placement.price, placement.status
        if price is not None:
            made = self._fill(slot, intent, price, quote.at, maker=False)
            change = quote_change(made)
            if self._covers(made, change):
                self._book(made, change, quote.bid, maker=False)
                self._end(slot, intent, FILLED, intent.amount, quote.at)
            else:
                self.refuse(slot, intent, NOT_COVERED, quote.at)
        elif status is OPEN:
            self._rest(slot, intent, reserved, quote.at)
        elif status is REFUSED:
            self.refuse(slot, intent, placement.why, quote.at)
        else:
            self._end(slot, intent, status, ZERO, quote.at)

    def refuse(self, slot: str, intent: OrderIntent, why: str, at: int) -> None:
        self.refusals += 1
        self.why_refused = why
        self.closed.append(Closed(slot, intent, REFUSED, ZERO))
        self._ended_at[slot] = at

    def cancel(self, slot: str) -> None:
        resting = self._take(slot)
        self._end(slot, resting.live.intent, CANCELLED, ZERO, resting.planned_at)

    def pass_through(self, low: Decimal, high: Decimal, quote: Quote) -> None:
        """Fill what the price has passed on its way between `low` and `high`, nearest first, and let it
        trigger stops."""
        tick = self.market.tick
        passed = []
        while self._bids and self._bids[-1][0] >= low + tick:
            passed.append(self._bids.pop())
        if len(passed) > 1:
            passed.sort(key=lambda bid: (-bid[0], bid[1]))
        while self._asks and self._asks[0][0] <= high - tick:
            passed.append(self._asks.pop(0))
        for price, slot in passed:
            resting = self._resting[slot]
            intent, limit, maker = resting.live.intent, resting.limit, True
            if price > limit and intent.kind is STOP:  # else it was triggered before, and rests at its limit
                at_market = stop_price(limit, quote, self.slippage_pct, tick)
                if at_market is None:
                    insort(self._asks, (limit, slot))
                    continue
                price, maker = at_market, False
            self._forget(slot)
            made = self._fill(slot, intent, price, quote.at, maker=maker)
            self._book(made, quote_change(made), quote.bid, maker=maker)
            self._end(slot, intent, FILLED, intent.amount, resting.planned_at)

    def equity(self, bid: Decimal) -> Decimal:
        return self.cash + product(self.position.amount, bid)

    def _fill(self, slot: str, intent: OrderIntent, price: Decimal, at: int, *, maker: bool) -> Fill:
        return fill(
            slot=slot,
            side=intent.side,
            amount=intent.amount,
            price=price,
            maker=maker,
            market=self.market,
            at=at,
        )

    def _covers(self, made: Fill, change: Decimal) -> bool:
        """What other orders have reserved is not there to be spent; `change` is the fill's, in quote."""
        if self.cash - self.reserved_quote + change < 0:
            return False
        return made.side is BUY or self.position.amount - self.reserved_base >= made.amount

    def _book(self, made: Fill, change: Decimal, bid: Decimal, *, maker: bool) -> None:
        self.position = after = self.position.after(made)
        self.cash += change
        self.fills.append(made)
        self.log.rows.append(Booked(made, maker, after, self.cash, bid))

    def _end(
        self, slot: str, intent: OrderIntent, status: OrderStatus, filled: Decimal, planned_at: int
    ) -> None:
        self.closed.append(Closed(slot, intent, status, filled))
        self._ended_at[slot] = planned_at
        self.refusals = 0

    def _rest(self, slot: str, intent: OrderIntent, reserved: tuple[Decimal, Decimal], at: int) -> None:
        if intent.price is None:
            raise ValueError(f"{slot}: an order at market never rests")
        live = LiveOrder(intent)
        self.live[slot] = live
        self._resting[slot] = Resting(live, intent.price, reserved, at)
        self.reserve(reserved)
        if intent.trigger is not None:
            insort(self._bids, (intent.trigger + self.market.tick, slot))
        else:
            insort(self._bids if intent.side is BUY else self._asks, (intent.price, slot))

    def _take(self, slot: str) -> Resting:
        """The order leaves the book unfilled."""
        resting = self._forget(slot)
        intent, place = resting.live.intent, (resting.limit, slot)
        side = self._bids if intent.side is BUY else self._asks
        if intent.trigger is not None and place not in side:  # not triggered yet
            side, place = self._bids, (intent.trigger + self.market.tick, slot)
        side.remove(place)
        return resting

    def _forget(self, slot: str) -> Resting:
        resting = self._resting.pop(slot)
        del self.live[slot]
        self.release(resting.reserved)
        return resting


def pocket(*, investment: Decimal, coins: Decimal, bid: Decimal) -> tuple[Decimal, Position]:
    """The quote and the coins a bot starts with: coins brought along count in the investment."""
    position = Position().with_coins(coins, bid) if coins else Position()
    return money(max(investment - position.cost, ZERO)), position
