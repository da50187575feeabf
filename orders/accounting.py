"""What fills do to a position: average cost, realised P&L, fees, and the ledger's transfers.

The one place that rounds money (to 18 places); a backtest and the database's rows both come
through here, so they agree to the last digit.
"""

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum

from orders.records import Frozen
from orders.rules import BUY, ONE, ZERO, Side

MONEY_STEP = Decimal("1e-18")
# Its own context: no thread's habits may cost a digit here.
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_multiply, _divide, _quantize = _EXACT.multiply, _EXACT.divide, _EXACT.quantize


def money(value: Decimal) -> Decimal:
    """`value` at the 18 places every stored amount has."""
    return _quantize(value, MONEY_STEP)


NO_MONEY = money(ZERO)


def product(value: Decimal, factor: Decimal, rate: Decimal | None = None) -> Decimal:
    """The product of all, exact until it is rounded once to 18 places."""
    whole = _multiply(value, factor)
    return _quantize(whole if rate is None else _multiply(whole, rate), MONEY_STEP)


def share(whole: Decimal, part: Decimal, total: Decimal) -> Decimal:
    """`whole · part / total`, rounded once to 18 places."""
    return money(_divide(_multiply(whole, part), total))


class Fill(Frozen):
    """One execution. `amount` and `fee_base` in base, `price` and `fee_quote` in quote.

    `fee_other` is a fee paid in a third currency, valued in quote at the fill: it counts in P&L
    and touches neither the base nor the quote held. `at` is market time in ms UTC. An `amount` of 0
    corrects the fee of an earlier fill of the slot; its fees are what that one lacked, or had too much.
    """

    slot: str
    side: Side
    amount: Decimal
    price: Decimal
    at: int
    fee_base: Decimal = ZERO
    fee_quote: Decimal = ZERO
    fee_other: Decimal = ZERO

    @property
    def value(self) -> Decimal:
        """Amount times price, in quote, before fees."""
        return _quantize(_multiply(self.amount, self.price), MONEY_STEP)

    @property
    def received(self) -> Decimal:
        """What a buy adds to the base held, net of a base fee."""
        return self.amount - self.fee_base


class Position(Frozen):
    """Base held, what it cost in quote (fees in quote included), and P&L realised so far.

    Average cost: a buy adds its cost, a sell takes the average's share and leaves the average as
    it was; the last of the base takes the last of the cost, so no rest stays behind.
    """

    amount: Decimal = ZERO
    cost: Decimal = ZERO
    realised: Decimal = ZERO

    @property
    def average(self) -> Decimal:
        return share(self.cost, ONE, self.amount) if self.amount else ZERO

    def unrealised(self, bid: Decimal) -> Decimal:
        """The position marked to the bid, less its cost, in quote."""
        return product(self.amount, bid) - self.cost

    def after(self, fill: Fill) -> "Position":
        value, fee = fill.value, _quantize(fill.fee_quote, MONEY_STEP)
        other = money(fill.fee_other) if fill.fee_other else NO_MONEY
        if fill.side is BUY:
            if not fill.amount:
                return self._with_fee(fill.fee_base, fee, other)
            return Position(self.amount + fill.received, self.cost + value + fee, self.realised - other)
        given = fill.amount + fill.fee_base
        cost = self.cost if given == self.amount else self._cost_of(given)
        gain = value - fee - other - cost
        return Position(self.amount - given, self.cost - cost, self.realised + gain)

    def _with_fee(self, base: Decimal, quote: Decimal, other: Decimal) -> "Position":
        """A buy's fee told late. It belongs to the cost of what is held, as if it had been told at once;
        when nothing is held any more, it is realised."""
        amount, cost = self.amount - base, self.cost + quote
        if amount > 0:
            return Position(amount, cost, self.realised - other)
        return Position(amount, NO_MONEY, self.realised - other - cost)

    def lacks(self, fill: Fill) -> Decimal:
        """The base that `fill` takes beyond what is held; 0 when all of it is there."""
        taken = -fill.received if fill.side is BUY else fill.amount + fill.fee_base
        return max(money(taken) - self.amount, ZERO)

    def after_all(self, fills: Iterable[Fill]) -> "Position":
        position = self
        for fill in fills:
            position = position.after(fill)
        return position

    def _cost_of(self, amount: Decimal) -> Decimal:
        if not self.amount:
            return ZERO
        return share(self.cost, amount, self.amount)

    def with_coins(self, amount: Decimal, price: Decimal) -> "Position":
        """Coins brought in from outside, valued in quote at `price`."""
        return Position(self.amount + amount, self.cost + product(amount, price), self.realised)


class Pocket(StrEnum):
    """Where money can be. `outside` is beyond the platform: deposits and withdrawals."""

    OUTSIDE = "outside"
    FREE = "free"
    BOT = "bot"
    MARKET = "market"
    FEES = "fees"


class Purpose(StrEnum):
    """`adopted`: a fill took more than the bot had, so the rest came from what its account holds besides."""

    DEPOSIT = "deposit"
    FUND = "fund"
    RELEASE = "release"
    TRADE = "trade"
    FEE = "fee"
    ADOPTED = "adopted"


class Transfer(Frozen):
    """`amount` (> 0) of `currency` moves from `credit` to `debit`: balanced by construction."""

    debit: Pocket
    credit: Pocket
    currency: str
    amount: Decimal
    purpose: Purpose


def quote_change(fill: Fill) -> Decimal:
    """What the fill adds to the bot's quote (negative for a buy)."""
    value, fee = fill.value, _quantize(fill.fee_quote, MONEY_STEP)
    return -(value + fee) if fill.side is BUY else value - fee


def transfers(
    fill: Fill, base: str, quote: str, other_fee: tuple[str, Decimal] | None = None
) -> list[Transfer]:
    """The ledger's rows for one fill: both legs of the trade, then its fees.

    `other_fee` is the (currency, amount) of a fee taken in a third currency: it is paid from outside,
    since neither the bot nor the account's books hold any of it. A negative fee is a rebate.
    """
    into, out_of = (Pocket.BOT, Pocket.MARKET) if fill.side is BUY else (Pocket.MARKET, Pocket.BOT)
    rows = [
        Transfer(into, out_of, base, money(fill.amount), Purpose.TRADE),
        Transfer(out_of, into, quote, fill.value, Purpose.TRADE),
        _fee(Pocket.BOT, base, money(fill.fee_base)),
        _fee(Pocket.BOT, quote, money(fill.fee_quote)),
    ]
    if other_fee:
        rows.append(_fee(Pocket.OUTSIDE, other_fee[0], money(other_fee[1])))
    return [row for row in rows if row.amount > 0]


def _fee(payer: Pocket, currency: str, amount: Decimal) -> Transfer:
    if amount < 0:
        return Transfer(payer, Pocket.FEES, currency, -amount, Purpose.FEE)
    return Transfer(Pocket.FEES, payer, currency, amount, Purpose.FEE)
