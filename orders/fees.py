"""Fees that an exchange tells late: expected at first, corrected once they are told, asked for meanwhile.

A fill is booked at once, with the fee that its market's rules let expect: coins that were probably taken must
not be put on sale. What is told later is booked as rows of no quantity, one for each currency in which the
books differ, so that the bot sees it as it sees any fill.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from activity import journal
from activity.models import Severity
from bots.models import Deal
from orders.accounting import money, product
from orders.gateways.base import FillReport
from orders.models import Order, Trade
from orders.models.order import FEE_LOOKS_MAX
from orders.models.trade import fees_awaited
from orders.rules import ZERO, FeeIn, Side

# An exchange that tells another fee each time is believed so often.
CORRECTIONS_MAX = 8
# One for each look there may be: together six hours.
WAITS_S = (5, 30, 120, 600, 1800, 3600, 7200, 7200)


def rows_due(order: Order, told: FillReport, known: Sequence[Trade]) -> Iterable[tuple[int, FillReport]]:
    """What of `told` is not booked yet, each with its number: 0 for the fill, n for the nth correction of its
    fee. `known` are the rows of this fill so far."""
    if not known:
        return [(0, _expected(order, told) if told.fee_pending else told)]
    if told.fee_pending or len(known) > CORRECTIONS_MAX:
        return []
    return enumerate(_corrections(told, known), start=len(known))


def _expected(order: Order, told: FillReport) -> FillReport:
    rules = order.market.rules()
    rate = rules.maker_fee if told.maker else rules.taker_fee
    if rules.fee_in is FeeIn.RECEIVED and order.side == Side.BUY:
        return replace(told, fee=product(told.amount, rate), fee_currency=rules.base)
    return replace(told, fee=product(told.amount, told.price, rate), fee_currency=rules.quote)


def _corrections(told: FillReport, known: Sequence[Trade]) -> Iterator[FillReport]:
    fees: dict[str, Decimal] = defaultdict(Decimal)
    values: dict[str, Decimal] = defaultdict(Decimal)
    fees[told.fee_currency], values[told.fee_currency] = money(told.fee), money(told.fee_value)
    for row in known:
        fees[row.fee_currency] -= row.fee
        values[row.fee_currency] -= row.fee_value
    lacking = sorted(currency for currency, fee in fees.items() if fee)
    if not lacking and fees_awaited(known):
        lacking = [told.fee_currency]  # told to be as expected: this row says so
    for currency in lacking:
        value = values[currency] if fees[currency] else ZERO
        yield replace(told, amount=ZERO, fee=fees[currency], fee_currency=currency, fee_value=value)


def charged_to_its_deal(order: Order, pnl: Decimal) -> None:
    """What a fee told late realised belongs to the deal of `order`, and to none that came after it."""
    deals = Deal.objects.filter(bot=order.bot_id).order_by("number")
    # A purchase planned by the very decision that closed a deal is the first of the next one.
    within = Q(closed_at__gt=order.planned_at)
    if order.side == Side.SELL:
        within |= Q(closed_at=order.planned_at)
    deal = deals.filter(within | Q(closed_at__isnull=True)).first()
    if deal is None or deal.closed_at is None:
        return  # One that is open is settled when it closes.
    for row in deals.filter(number__gt=deal.number):
        row.pnl_before += pnl
        row.save(update_fields=["pnl_before"])
    deal.pnl += pnl
    deal.save(update_fields=["pnl"])


def looks_due(order: Order, rows: Sequence[Trade], fresh: Sequence[Trade], now: datetime) -> dict[str, Any]:
    """The columns of `order` that say when to ask for its fees, with `fresh` rows beside those there were."""
    if any(row.fee_pending for row in fresh):
        return {"fee_look_at": now + timedelta(seconds=WAITS_S[0]), "fee_looks": 0}
    if order.fee_look_at is not None and not fees_awaited([*rows, *fresh]):
        return {"fee_look_at": None}
    return {}


def fees_asked(*, order: Order, now: datetime) -> None:
    """The exchange has been asked once more: ask later, or, after some hours, leave it and say so."""
    looks = order.fee_looks + 1
    again = now + timedelta(seconds=WAITS_S[looks]) if looks < FEE_LOOKS_MAX else None
    with transaction.atomic():
        waits = Order.objects.filter(pk=order.pk, fee_look_at__isnull=False, fee_looks=order.fee_looks)
        if waits.update(fee_look_at=again, fee_looks=looks) and again is None:
            _given_up(order, now)


def _given_up(order: Order, now: datetime) -> None:
    left = fees_awaited(Trade.objects.filter(order=order))
    fills = "1 fill" if len(left) == 1 else f"{len(left)} fills"
    journal.say(
        user_id=order.user_id,
        bot_id=order.bot_id,
        level=Severity.WARNING,
        message=f"{order.exchange} has not told the fee of {fills} of {order.slot}; it stays as expected.",
        now=now,
    )
