"""What an exchange tells of an order and its fills, as a test hands it in."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from bots.models import Bot, BotStatus
from orders.gateways.base import FillReport, Report
from orders.models import Order, Trade
from orders.services import order_settle
from orders.states import OrderStatus
from tests import people

D = Decimal
# A fee of 0.1 % was to be expected: of what is received, 0.002 BTC, or in quote 0.2 USDT.
IN_COINS: dict[str, Any] = {"fee": D("0.002"), "fee_currency": "BTC"}
IN_QUOTE: dict[str, Any] = {"fee": D("0.2"), "fee_currency": "USDT"}
IN_A_THIRD: dict[str, Any] = {"fee": D("0.0004"), "fee_currency": "BNB", "fee_value": D("0.24")}


def buying() -> Order:
    return people.open_order(people.bot(people.alice(), status=BotStatus.ACTIVE), amount=D(2))


def bot_of(order: Order) -> Bot:
    return Bot.objects.get(pk=order.bot_id)


def worth(bot: Bot) -> tuple[Decimal, ...]:
    return bot.position_amount, bot.position_cost, bot.pnl, bot.cash, bot.funded


def fees_of(bot: Bot) -> dict[str, Decimal]:
    """What the bot's trades sum up to, by currency; nothing for what came to nothing."""
    sums: dict[str, Decimal] = {}
    for trade in Trade.objects.filter(bot=bot):
        sums[trade.fee_currency] = sums.get(trade.fee_currency, D(0)) + trade.fee
    return {currency: fee for currency, fee in sums.items() if fee}


def fill(number: int | str, amount: str = "1", price: str = "100", **fields: Any) -> FillReport:
    """A fill without a fee, unless `fields` say more."""
    plain: dict[str, Any] = {"fee": D(0), "fee_currency": "USDT", "maker": True, "at": people.NOW}
    return FillReport(str(number), D(amount), D(price), **plain | fields)


def untold(number: int | str, amount: str = "1", price: str = "100") -> FillReport:
    """A fill whose fee is not told yet."""
    return fill(number, amount, price, fee_pending=True)


def settled(order: Order, *fills: FillReport, status: OrderStatus = OrderStatus.OPEN, **told: Any) -> Order:
    """The order once the exchange has told this of it."""
    exchange_id = f"exchange-{order.client_id}"
    report = Report(order.client_id, status, people.NOW, exchange_id, tuple(fills), **told)
    order_settle(order=order, report=report, now=people.NOW)
    return Order.objects.get(pk=order.pk)


def batches(order: Order, several: Iterable[Iterable[FillReport]]) -> None:
    """The same order told of again and again, each time with some of its fills."""
    for fills in several:
        order = settled(order, *fills)
