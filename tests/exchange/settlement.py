"""How money moves: what an order locks, what a fill takes and brings, and its commission.

Nothing else changes balances but deposits, so for each asset: deposits + bought − sold − paid and received in
the quote asset − commissions = free + locked.
"""

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from tests.exchange.accounts import Account
from tests.exchange.market import Market
from tests.exchange.orders import Order, Trade
from tests.exchange.symbols import ASSET_DIGITS, Symbol

D = Decimal
QUANTUM = D(1).scaleb(-ASSET_DIGITS)
FEE_ASSET_DISCOUNT = D("0.75")


def lock(order: Order, account: Account, symbol: Symbol, *, cost: Decimal) -> None:
    """Sets the order's money aside; raises Rejection -2010 when there is not enough."""
    order.locked = cost if order.wish.buys else order.quantity
    account.lock(symbol.quote if order.wish.buys else symbol.base, order.locked)


def release(order: Order, account: Account, symbol: Symbol) -> None:
    """Gives back what an ended order still held."""
    account.unlock(symbol.quote if order.wish.buys else symbol.base, order.locked)
    order.locked = D(0)


def settle(order: Order, account: Account, symbol: Symbol, *, price: Decimal, quantity: Decimal) -> None:
    """Exchanges quantity for price times quantity, out of what the order holds first."""
    cost = price * quantity
    if order.wish.buys:
        _take(order, account, symbol.quote, held=(order.wish.price or price) * quantity, given=cost)
        account.change(symbol.base, quantity)
    else:
        _take(order, account, symbol.base, held=quantity, given=quantity)
        account.change(symbol.quote, cost)
    order.filled += quantity
    order.cost += cost


def _take(order: Order, account: Account, asset: str, *, held: Decimal, given: Decimal) -> None:
    freed = min(held, order.locked)
    order.locked -= freed
    account.unlock(asset, freed)
    account.change(asset, -given)


def commission(
    account: Account,
    symbol: Symbol,
    trade: tuple[Decimal, Decimal],
    *,
    buys: bool,
    maker: bool,
    markets: Mapping[str, Market],
) -> tuple[Decimal, str]:
    """Charges the commission of a (price, quantity); returns its amount and asset."""
    price, quantity = trade
    rate = account.maker_rate if maker else account.taker_rate
    if account.fee_asset:
        worth = markets.get(account.fee_asset + symbol.quote)
        in_quote = price * quantity * rate * FEE_ASSET_DISCOUNT
        fee = (in_quote / (worth.price if worth else D(1))).quantize(QUANTUM, rounding=ROUND_DOWN)
        if account.balances[account.fee_asset].free >= fee:
            account.change(account.fee_asset, -fee)
            return fee, account.fee_asset
    asset = symbol.base if buys else symbol.quote
    received = quantity if buys else price * quantity
    fee = (received * rate).quantize(QUANTUM, rounding=ROUND_DOWN)
    account.change(asset, -fee)
    return fee, asset


def flows(symbol: Symbol, trade: Trade) -> list[tuple[str, Decimal]]:
    """What a trade did to each asset of its account, commission last."""
    sign = 1 if trade.buyer else -1
    return [
        (symbol.base, sign * trade.quantity),
        (symbol.quote, -sign * trade.cost),
        (trade.commission_asset, -trade.commission),
    ]
