"""The strategy port: what a strategy may look at, and what it may say.

A strategy is pure. It sees a `Seen`, and answers with a `Plan`: its new memory, the orders that
should rest now by slot, and when it wants to be asked again. Who fills the orders (a backtest,
paper, an exchange) is not its business. Times are market time in ms UTC.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bots.strategies.settings import Problem, Settings
from orders.accounting import Fill, Position
from orders.records import Frozen, field
from orders.rules import ZERO, Market, OrderKind, Side
from orders.states import OrderStatus

ORDERS_PER_PLAN_MAX = 250


class Role(StrEnum):
    """Why an order rests. An entry opens a deal; only entries are held back by guards.

    `add` is a buy inside an open deal (safety order, grid buy), `exit` sells.
    """

    ENTRY = "entry"
    ADD = "add"
    EXIT = "exit"


ENTRY, ADD, EXIT = Role


class OrderIntent(Frozen):
    """One order that should rest: `amount` in base, `price` in quote (None at market).

    The wish stays the same while the order fills: `amount` is what the order was placed with.
    Another price, amount, side, kind or trigger is another wish: the old order is cancelled first.
    A stop is a sale, for `price` at the least, that begins when last ≤ `trigger`, in quote.
    """

    side: Side
    kind: OrderKind
    amount: Decimal
    price: Decimal | None
    role: Role
    post_only: bool = False
    trigger: Decimal | None = None


class LiveOrder(Frozen):
    """An order of ours that may still fill, with what has filled so far (in base)."""

    intent: OrderIntent
    filled: Decimal = ZERO


class Closed(Frozen):
    """An order that ended since the last decision; `filled` in base, over its whole life."""

    slot: str
    intent: OrderIntent
    status: OrderStatus
    filled: Decimal


class CommandKind(StrEnum):
    CLOSE_NOW = "close_now"
    ADD_FUNDS = "add_funds"
    START_DEAL = "start_deal"
    RESTART = "restart"


class Command(Frozen):
    """What the user asked; `quote` is the amount to add for ADD_FUNDS.

    RESTART comes with the first look after a stop: limits are measured anew, an open deal goes on.
    """

    kind: CommandKind
    quote: Decimal = ZERO


class SignalRow(Frozen):
    """The last closed candle: open time, closing price, and the strategy's own columns."""

    at: int
    close: Decimal
    values: Mapping[str, float]


class Candles(Frozen):
    """Closed candles, oldest first; `at` are open times in ms UTC, the rest float64 of one length."""

    at: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.at)


class Signals(Frozen):
    """One column an indicator, one row a candle; NaN while an indicator is warming up."""

    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def row(self, index: int) -> dict[str, float]:
        return {name: column.item(index) for name, column in self.columns.items()}


class Seen(Frozen):
    """All a strategy may look at.

    `cash` is the quote in the bot's pocket, whether or not live orders reserve it; `fills` and
    `closed` are those since the last decision; `stale` says the quote is too old to enter on;
    `closing` that the user wants the bot flat; `candle` is there when one closed since the last look.
    `day_start` is the user's midnight in ms UTC; `depth` the quote within 10 bps of the touch on the
    thinner side (None when not known).
    """

    now: int
    market: Market
    bid: Decimal
    ask: Decimal
    last: Decimal
    position: Position
    cash: Decimal
    fills: tuple[Fill, ...] = ()
    closed: tuple[Closed, ...] = ()
    live: Mapping[str, LiveOrder] = field(default_factory=dict)
    candle: SignalRow | None = None
    commands: tuple[Command, ...] = ()
    closing: bool = False
    stale: bool = False
    day_start: int = 0
    depth: Decimal | None = None

    @property
    def equity(self) -> Decimal:
        """Quote in the pocket and the position marked to the bid."""
        return self.cash + self.position.cost + self.position.unrealised(self.bid)


class Wake(Frozen):
    """Ask me again when last ≤ `below`, or last ≥ `above`, or at time `at`, or when a candle of
    timeframe `candle` closes. A fill, a closed order and a command always wake.

    `peak` asks for the look at which a rise over it ends, `trough` at which a fall under it does: who
    follows a price needs its turning points, not each tick between them.

    `mark` names a column of the strategy's signals: then only a candle whose value there is neither 0
    nor NaN is shown, and the others pass unseen. Without it every closed candle is shown.
    """

    below: Decimal | None = None
    above: Decimal | None = None
    at: int | None = None
    candle: str | None = None
    mark: str = ""
    peak: Decimal | None = None
    trough: Decimal | None = None


def marked(value: float) -> bool:
    """Whether a signal's value is a mark: neither 0 nor NaN, which stands for "warming up"."""
    return value == value and value != 0


# A strategy's memory: a record of fields that JSON can carry.
M = TypeVar("M")


class Plan(Frozen, Generic[M]):
    """What a strategy wants now.

    `orders` is everything that should rest, by slot. `deal` is the number of the open deal (None
    when flat): it decides whose settings are in force. `phase` and `reasons` are for people: one
    short sentence each. `finished` stops the bot: it wants nothing any more.
    """

    memory: M
    orders: Mapping[str, OrderIntent] = field(default_factory=dict)
    wake: Wake = Wake()
    reasons: tuple[str, ...] = ()
    deal: int | None = None
    paused_until: int | None = None
    paused_why: str = ""
    finished: bool = False


class PreflightOrder(Frozen):
    """An order the bot would place; `cost` in quote after rounding, before fees. A stop has a `trigger`."""

    slot: str
    side: Side
    kind: OrderKind
    price: Decimal
    amount: Decimal
    cost: Decimal
    trigger: Decimal | None = None


class Level(Frozen):
    """How a bot stands once an order has filled: average, break-even and target in quote, and the
    move in percent from the order's price up to the target. `profit` is a grid pair's, in quote."""

    slot: str
    price: Decimal
    average: Decimal | None = None
    break_even: Decimal | None = None
    target: Decimal | None = None
    bounce_pct: Decimal | None = None
    profit: Decimal | None = None


class Preflight(Frozen):
    """Everything known before a start. Amounts in base and quote; `worst_case_loss` in quote ≥ 0."""

    orders: tuple[PreflightOrder, ...] = ()
    required_quote: Decimal = ZERO
    required_base: Decimal = ZERO
    break_even_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    worst_case_loss: Decimal | None = None
    wins_needed_pct: Decimal | None = None
    levels: tuple[Level, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        return not any(not problem.warning for problem in self.problems)


class Strategy(Protocol[M]):
    """One bot type with its settings chosen. `version` rises when a decision could differ."""

    @property
    def version(self) -> int: ...

    @property
    def memory_type(self) -> type: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def market(self) -> Market: ...

    @property
    def timeframe(self) -> str | None:
        """The candles its signals come from, or None when it uses none."""

    @property
    def candles_needed(self) -> int:
        """How many closed candles its signals need: warm-up and window, 0 without signals."""

    def first_memory(self) -> M:
        """What it knows before its first decision."""

    def prepare(self, candles: Candles) -> Signals: ...

    def decide(self, memory: M, seen: Seen) -> Plan[M]: ...

    def preflight(self, price: Decimal) -> Preflight: ...
