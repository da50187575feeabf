"""Fees that come late, not at all, or differently: the books are right at every moment."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bots.models import Bot, Deal
from orders.fees import CORRECTIONS_MAX, WAITS_S
from orders.gateways.base import FillReport, Report
from orders.invariants import breaches
from orders.models import LedgerEntry, Order, Trade
from orders.rules import FeeIn, Side
from orders.services import order_settle
from orders.states import OrderStatus
from tests import people
from tests.orders.fills import (
    IN_A_THIRD,
    IN_COINS,
    IN_QUOTE,
    bot_of,
    buying,
    fees_of,
    fill,
    settled,
    untold,
    worth,
)

pytestmark = pytest.mark.django_db

D = Decimal
OTHERS: list[dict[str, Any]] = [
    IN_QUOTE,
    IN_COINS,
    IN_A_THIRD,
    {"fee": D("0.0017"), "fee_currency": "BTC"},
    {"fee": D("0.3"), "fee_currency": "USDT"},
    {"fee": D(0), "fee_currency": "USDT"},
    {"fee": D("-0.01"), "fee_currency": "USDT"},
]
FEES_IN = [FeeIn.QUOTE, FeeIn.RECEIVED]


@pytest.mark.parametrize("fee_in", FEES_IN)
def test_a_fill_whose_fee_is_not_told_is_booked_with_what_is_to_be_expected(fee_in: FeeIn) -> None:
    people.market(fee_in=fee_in)
    order = settled(buying(), untold(1, "2"))
    (trade,) = Trade.objects.filter(order=order)
    assert trade.fee_pending
    assert fees_of(bot_of(order)) == ({"BTC": D("0.002")} if fee_in is FeeIn.RECEIVED else {"USDT": D("0.2")})
    assert order.fee_look_at == people.NOW + timedelta(seconds=WAITS_S[0])
    assert breaches() == []


@pytest.mark.parametrize("told", OTHERS)
@pytest.mark.parametrize("fee_in", FEES_IN)
def test_a_fee_told_late_leaves_the_bot_as_one_told_at_once(fee_in: FeeIn, told: dict[str, Any]) -> None:
    people.market(fee_in=fee_in)
    first, second = buying(), buying()
    at_once = bot_of(settled(first, fill(1, "2", **told)))
    late = settled(second, untold(1, "2"))
    events = bot_of(late).events
    late = settled(late, fill(1, "2", **told))
    assert worth(bot_of(late)) == worth(at_once)
    assert fees_of(bot_of(late)) == fees_of(at_once)
    assert (late.filled, late.fee_look_at) == (D(2), None)
    assert bot_of(late).events > events, "the bot looks at what it has now"
    assert breaches() == []


def test_a_fee_told_as_expected_is_known_from_then_on() -> None:
    order = settled(settled(buying(), untold(1, "2")), fill(1, "2", **IN_QUOTE))
    fill_row, correction = Trade.objects.filter(order=order).order_by("number")
    assert (correction.correction, correction.quantity, correction.fee) == (1, 0, 0)
    assert (fill_row.exchange_trade_id, fill_row.number + 1) == (
        correction.exchange_trade_id,
        correction.number,
    )
    assert order.fee_look_at is None
    settled(order, fill(1, "2", **IN_QUOTE))
    assert Trade.objects.filter(order=order).count() == 2


def test_a_fee_of_zero_is_told() -> None:
    order = settled(buying(), fill(1, "2"))
    assert not Trade.objects.get(order=order).fee_pending
    assert order.fee_look_at is None


def test_a_fee_that_is_not_told_any_more_stays_as_it_was_told() -> None:
    order = settled(buying(), fill(1, "2", **IN_QUOTE))
    before = worth(bot_of(order))
    order = settled(order, untold(1, "2"))
    assert worth(bot_of(order)) == before
    assert order.fee_look_at is None


def test_a_fee_told_otherwise_later_is_corrected_by_the_difference() -> None:
    order = settled(buying(), fill(1, "2", **IN_QUOTE))
    order = settled(order, fill(1, "2", fee=D("0.25"), fee_currency="USDT"))
    order = settled(order, fill(1, "2", **IN_A_THIRD))
    assert fees_of(bot_of(order)) == {"BNB": D("0.0004")}
    assert bot_of(order).pnl == D("-0.24")
    assert sum(trade.fee_value for trade in Trade.objects.filter(order=order)) == D("0.24")
    assert breaches() == []


def test_an_exchange_that_changes_its_mind_for_ever_is_not_followed_for_ever() -> None:
    order = buying()
    for number in range(2 * CORRECTIONS_MAX):
        order = settled(order, fill(1, "2", fee=D(number) / 100, fee_currency="USDT"))
    assert Trade.objects.filter(order=order).count() == CORRECTIONS_MAX + 1
    assert breaches() == []


def test_a_sales_fee_told_late_is_taken_from_its_gain() -> None:
    bought = settled(buying(), fill(1, "2"))
    sold = people.open_order(bot_of(bought), Side.SELL, amount=D(2), price=D(110))
    sold = settled(sold, untold(2, "2", "110"), status=OrderStatus.FILLED)
    assert bot_of(sold).pnl == D("19.78")
    sold = settled(sold, fill(2, "2", "110", fee=D("0.5"), fee_currency="USDT"))
    bot = bot_of(sold)
    assert (bot.pnl, bot.position_amount, bot.position_cost) == (D("19.5"), 0, 0)
    assert not sold.late, "no fill came late"
    assert breaches() == []


def test_a_fee_of_what_is_sold_already_is_realised() -> None:
    bought = settled(buying(), untold(1, "2"))
    sold = people.open_order(bot_of(bought), Side.SELL, amount=D(2), price=D(110))
    settled(sold, fill(2, "2", "110"), status=OrderStatus.FILLED)
    assert bot_of(bought).pnl == D("19.8")
    settled(bought, fill(1, "2", fee=D("0.5"), fee_currency="USDT"))
    bot = bot_of(bought)
    assert (bot.pnl, bot.position_cost) == (D("19.5"), 0)
    assert breaches() == []


def test_sales_that_the_coins_taken_do_not_cover_are_ended_the_newest_first() -> None:
    people.market(fee_in=FeeIn.RECEIVED)
    bought = settled(buying(), untold(1, "2"))
    first = people.open_order(bot_of(bought), Side.SELL, amount=D("0.999"), price=D(110))
    second = people.open_order(bot_of(bought), Side.SELL, amount=D("0.999"), price=D(120))
    Order.objects.filter(pk=second.pk).update(planned_at=people.NOW + timedelta(seconds=1))
    settled(bought, fill(1, "2", fee=D("0.01"), fee_currency="BTC"))
    first.refresh_from_db()
    second.refresh_from_db()
    assert bot_of(bought).position_amount == D("1.99")
    assert (first.cancel_requested_at, second.cancel_requested_at) == (None, people.NOW)
    assert breaches() == []


def test_coins_that_were_sold_before_their_fee_was_told_came_from_beside_the_bots() -> None:
    people.market(fee_in=FeeIn.RECEIVED)
    bought = settled(buying(), untold(1, "2"))
    sold = people.open_order(bot_of(bought), Side.SELL, amount=D("1.998"), price=D(110))
    settled(sold, fill(2, "1.998", "110"), status=OrderStatus.FILLED)
    settled(bought, fill(1, "2", fee=D("0.005"), fee_currency="BTC"))
    bot = bot_of(bought)
    adopted = LedgerEntry.objects.get(bot=bot, purpose="adopted")
    assert (adopted.credit, adopted.amount, adopted.currency) == ("outside", D("0.003"), "BTC")
    assert (bot.position_amount, bot.position_cost, bot.status) == (0, 0, "error")
    assert "0.003 BTC more than the bot had" in bot.phase_why
    assert breaches() == []


def deal(bot: Bot, number: int, pnl_before: str, closed_after_s: int | None, pnl: str = "0") -> None:
    closed_at = None if closed_after_s is None else people.NOW + timedelta(seconds=closed_after_s)
    Deal.objects.create(
        user_id=bot.user_id,
        bot=bot,
        number=number,
        settings_version=1,
        opened_at=people.NOW - timedelta(hours=1),
        closed_at=closed_at,
        pnl_before=D(pnl_before),
        pnl=D(pnl),
    )


def deals_of(bot: Bot) -> list[tuple[Decimal, Decimal]]:
    return list(Deal.objects.filter(bot=bot).order_by("number").values_list("pnl_before", "pnl"))


@pytest.mark.parametrize(("closed_after_s", "mine"), [(60, 1), (0, 1), (-60, 2)])
def test_a_fee_is_charged_to_the_deal_it_belongs_to(closed_after_s: int, mine: int) -> None:
    """The sale was planned at the end of the first deal, at its very last look, or after it."""
    bought = settled(buying(), fill(1, "2"))
    sold = people.open_order(bot_of(bought), Side.SELL, amount=D(2), price=D(110))
    sold = settled(sold, untold(2, "2", "110"), status=OrderStatus.FILLED)
    bot = bot_of(sold)
    deal(bot, 1, "0", closed_after_s, "19.78")
    deal(bot, 2, "19.78", 120, "0")
    deal(bot, 3, "19.78", None)
    Bot.objects.filter(pk=bot.pk).update(deal_number=3)
    settled(sold, fill(2, "2", "110", fee=D("0.5"), fee_currency="USDT"))
    if mine == 1:
        assert deals_of(bot) == [(D(0), D("19.5")), (D("19.5"), D(0)), (D("19.5"), D(0))]
    else:
        assert deals_of(bot) == [(D(0), D("19.78")), (D("19.78"), D("-0.28")), (D("19.5"), D(0))]
    assert breaches() == []


def test_a_fee_of_a_purchase_planned_as_the_last_deal_ended_is_the_next_ones() -> None:
    bought = settled(buying(), untold(1, "2"))
    sold = people.open_order(bot_of(bought), Side.SELL, amount=D(2), price=D(110))
    settled(sold, fill(2, "2", "110"), status=OrderStatus.FILLED)
    bot = bot_of(bought)
    deal(bot, 1, "0", 0, "3")
    deal(bot, 2, "3", 60, "16.8")
    settled(bought, fill(1, "2", fee=D("0.5"), fee_currency="USDT"))
    assert deals_of(bot) == [(D(0), D(3)), (D(3), D("16.5"))]


def test_a_fee_of_the_open_deal_is_settled_when_it_closes() -> None:
    bought = settled(buying(), untold(1, "2"))
    deal(bot_of(bought), 1, "0", None)
    settled(bought, fill(1, "2", **IN_A_THIRD))
    assert deals_of(bot_of(bought)) == [(D(0), D(0))]


def test_a_row_of_no_quantity_is_a_correction_and_nothing_else() -> None:
    order = settled(buying(), fill(1, **IN_QUOTE))
    (trade,) = Trade.objects.filter(order=order)
    for wrong in (
        {"quantity": D(0), "correction": 0},
        {"quantity": D(1), "correction": 1},
        {"quantity": D(0), "correction": 1, "fee_pending": True},
    ):
        trade.pk, trade.number = None, 2
        with pytest.raises(IntegrityError), transaction.atomic():
            Trade.objects.bulk_create([copied(trade, **wrong)])


def test_a_correction_is_booked_once() -> None:
    order = settled(settled(buying(), untold(1)), fill(1, fee=D("0.1")))
    correction = Trade.objects.get(order=order, correction=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Trade.objects.bulk_create([copied(correction, number=9)])


def copied(trade: Trade, **fields: Any) -> Trade:
    """Another row like this one."""
    names = [field.attname for field in Trade._meta.concrete_fields if field.attname != "id"]
    return Trade(**{name: getattr(trade, name) for name in names} | fields)


def test_a_fill_told_in_two_ways_within_one_report_counts_once() -> None:
    order = settled(buying(), untold(1, "2"), fill(1, "2", **IN_QUOTE))
    assert [trade.fee_pending for trade in Trade.objects.filter(order=order)] == [False]


class ToldTwice(tuple[FillReport, ...]):
    """Fills of which somebody else books the same just when they are looked at."""

    def __new__(cls, order: Order, *fills: FillReport) -> "ToldTwice":
        made = super().__new__(cls, fills)
        made.order, made.times = order, 1
        return made

    order: Order
    times: int

    def __iter__(self) -> Iterator[FillReport]:
        if self.times:
            self.times = 0
            settled(Order.objects.get(pk=self.order.pk), *tuple(self))
        return super().__iter__()


def test_who_loses_the_race_for_a_correction_looks_again() -> None:
    """Told to be as expected it moves no money: the bot's count of trades alone tells who was faster."""
    order = settled(buying(), untold(1, "2"))
    fills = ToldTwice(order, fill(1, "2", **IN_QUOTE))
    report = Report(order.client_id, OrderStatus.OPEN, people.NOW, fills=fills)
    order_settle(order=order, report=report, now=people.NOW)
    assert fills.times == 0, "somebody else was faster"
    assert [trade.correction for trade in Trade.objects.filter(order=order).order_by("number")] == [0, 1]
    assert breaches() == []


def test_what_is_told_of_a_fee_never_changes_the_fill() -> None:
    order = settled(buying(), untold(1, "2"))
    settled(order, fill(1, "3", "1", **IN_COINS))
    assert bot_of(order).position_amount == D("1.998")
    assert Order.objects.get(pk=order.pk).filled == D(2)
