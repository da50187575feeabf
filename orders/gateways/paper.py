"""Orders without money: a market's own prices, our rows as its order book.

The rows are all that a paper exchange knows, so nothing can get lost on the way to it: an order that
was claimed and has no report was not placed.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from bots.models import Bot
from orders import matching
from orders.accounting import quote_change
from orders.gateways.base import FillReport, Prices, Refused, Report, Unreachable, fill_of
from orders.matching import Quote
from orders.models import Order
from orders.rules import Market, OrderKind, Side
from orders.states import LIVE, OrderStatus
from tradingbot.clock import moment_of
from tradingbot.db import MoneySum

# Of an installation's paper exchanges: what is not known is not made up.
SLIPPAGE_PCT = Decimal(0)


class PaperGateway:
    """Fills what is marketable at once, lets the rest rest; `slippage_pct` worsens orders at market."""

    may_be_late = False

    def __init__(self, prices: Prices, slippage_pct: Decimal = SLIPPAGE_PCT) -> None:
        self._prices, self._slippage_pct = prices, slippage_pct

    def wait_s(self, order: Order) -> float:
        return 0.0

    def create(self, order: Order) -> Report:
        quote = self._quote(order)
        rules = order.market.rules()
        placement = matching.placed(
            side=Side(order.side),
            kind=OrderKind(order.kind),
            amount=order.amount,
            limit=order.price,
            post_only=order.post_only,
            quote=quote,
            slippage_pct=self._slippage_pct,
            market=rules,
            trigger=order.trigger,
        )
        if placement.status is OrderStatus.REFUSED:
            raise Refused(placement.why)
        at = moment_of(quote.at)
        if placement.price is None:
            return Report(order.client_id, placement.status, at, order.client_id, provisional=True)
        fill = paper_fill(order, rules, placement.price, quote, maker=False)
        self._check_funds(order, fill)
        return Report(order.client_id, OrderStatus.FILLED, at, order.client_id, (fill,), provisional=True)

    def lookup(self, order: Order) -> Report | None:
        return None

    def news(self, orders: Sequence[Order]) -> Sequence[Report]:
        """None: whoever moves the price fills what it passes."""
        return ()

    def cancel(self, order: Order) -> Report:
        quote = self._quote(order)
        return Report(order.client_id, OrderStatus.CANCELLED, moment_of(quote.at), provisional=True)

    def surely_not_placed(self, order: Order, now: datetime) -> bool:
        return True

    def _quote(self, order: Order) -> Quote:
        quote = self._prices.quotes([order.ticker]).get(order.ticker)
        if quote is None:
            raise Unreachable(f"{order.ticker} has no price on {order.exchange} right now")
        return quote

    def _check_funds(self, order: Order, told: FillReport) -> None:
        """What other live orders of the bot have reserved is not there to be spent."""
        bot = Bot.objects.only("cash", "position_amount").get(pk=order.bot_id)
        others = Order.objects.filter(bot=order.bot_id, status__in=sorted(LIVE)).exclude(pk=order.pk)
        reserved = others.aggregate(quote=MoneySum("reserved_quote"), base=MoneySum("reserved_base"))
        fill = fill_of(order, told)
        quote_left = bot.cash - (reserved["quote"] or 0) + quote_change(fill)
        base_left = bot.position_amount - (reserved["base"] or 0)
        if quote_left < 0 or (fill.side is Side.SELL and base_left < fill.amount):
            raise Refused(matching.NOT_COVERED)


def reached_fill(order: Order, quote: Quote) -> FillReport | None:
    """What a resting order fills at when the price has reached it: its own price as a maker, a stop at market
    as a taker. None: the price has gone through the stop's limit already, where it rests from now on."""
    rules, limit = order.market.rules(), order.price
    if limit is None:
        raise ValueError(f"a resting order without a price: {order.client_id}")
    if order.trigger is None or order.triggered_at is not None:
        return paper_fill(order, rules, limit, quote, maker=True)
    price = matching.stop_price(limit, quote, SLIPPAGE_PCT, rules.tick)
    return None if price is None else paper_fill(order, rules, price, quote, maker=False)


def paper_fill(order: Order, rules: Market, price: Decimal, quote: Quote, *, maker: bool) -> FillReport:
    """The whole order at one price; its trade id is the order's own, so it can be booked only once."""
    fill = matching.fill(
        slot=order.slot,
        side=Side(order.side),
        amount=order.amount - order.filled,
        price=price,
        maker=maker,
        market=rules,
        at=quote.at,
    )
    return FillReport(
        trade_id=order.client_id,
        amount=fill.amount,
        price=price,
        fee=fill.fee_base or fill.fee_quote,
        fee_currency=rules.base if fill.fee_base else rules.quote,
        maker=maker,
        at=moment_of(quote.at),
    )
