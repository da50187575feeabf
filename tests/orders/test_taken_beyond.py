"""A fill that takes more than the bot has is the truth: the rest came from what its account holds besides."""

from datetime import timedelta
from decimal import Decimal

import pytest

from activity.models import ActivityLog, Severity
from bots.models import Bot, BotStatus
from orders.invariants import breaches
from orders.models import LedgerEntry, Order
from orders.rules import Side
from orders.states import OrderStatus
from tests import people
from tests.orders.fills import fill, settled

pytestmark = pytest.mark.django_db

D = Decimal
FILLED = OrderStatus.FILLED


def running(funds: str = "1000") -> Bot:
    return people.bot(people.alice(), funds=D(funds), status=BotStatus.ACTIVE)


def holding(amount: str = "1") -> Bot:
    """A bot that has bought so much at 100."""
    bot = running()
    settled(people.open_order(bot, amount=D(amount)), fill(1, amount), status=FILLED)
    return Bot.objects.get(pk=bot.pk)


def adopted(bot: Bot) -> list[tuple[str, str, Decimal, str]]:
    rows = LedgerEntry.objects.filter(bot=bot, purpose="adopted").order_by("pk")
    return [(row.credit, row.debit, row.amount, row.currency) for row in rows]


def errors(bot: Bot) -> list[str]:
    rows = ActivityLog.objects.filter(bot=bot, level=Severity.ERROR).order_by("pk")
    return [row.message for row in rows]


def test_more_sold_than_the_bot_held_is_booked_without_a_gain_of_its_own() -> None:
    bot = holding()
    order = people.open_order(bot, Side.SELL, amount=D(1), price=D(110))
    order = settled(order, fill(2, "1.25", "110"), status=FILLED)
    bot.refresh_from_db()
    assert (order.filled, order.overfilled, order.status) == (D("1.25"), True, FILLED)
    assert adopted(bot) == [("outside", "bot", D("0.25"), "BTC")]
    assert (bot.position_amount, bot.position_cost, bot.pnl) == (0, 0, D(10))
    assert (bot.cash, bot.funded) == (D("1037.5"), D("1027.5")), "the coins brought their worth with them"
    assert bot.status == BotStatus.ERROR
    assert breaches() == []


def test_it_is_said_once_and_in_plain_words() -> None:
    bot = holding()
    order = people.open_order(bot, Side.SELL, amount=D(1), price=D(110), slot="line-9")
    order = settled(order, fill(2, "1.25", "110"), status=FILLED)
    settled(order, fill(2, "1.25", "110"), status=FILLED)
    assert errors(bot) == [
        "simulated filled more of line-9 than was ordered. It took 0.25 BTC more than the bot had for "
        "line-9: they came from what the account holds besides its bots."
    ]
    bot.refresh_from_db()
    assert bot.phase_why == errors(bot)[0]


def test_a_second_fill_beyond_is_said_for_itself() -> None:
    bot = holding()
    order = people.open_order(bot, Side.SELL, amount=D(1), price=D(110))
    order = settled(order, fill(2, "1.25", "110"), status=FILLED)
    settled(order, fill(2, "1.25", "110"), fill(3, "0.5", "112"), status=FILLED)
    bot.refresh_from_db()
    assert [row[2] for row in adopted(bot)] == [D("0.25"), D("0.5")]
    assert len(errors(bot)) == 2
    assert bot.pnl == D(10)
    assert breaches() == []


def test_more_sold_than_ordered_of_coins_the_bot_has_takes_none_from_elsewhere() -> None:
    bot = holding("2")
    order = people.open_order(bot, Side.SELL, amount=D(1), price=D(110))
    settled(order, fill(2, "1.25", "110"), status=FILLED)
    bot.refresh_from_db()
    assert (bot.position_amount, bot.status, adopted(bot)) == (D("0.75"), BotStatus.ERROR, [])
    assert breaches() == []


def test_other_sales_that_are_not_covered_any_more_are_ended() -> None:
    bot = holding("2")
    first = people.open_order(bot, Side.SELL, amount=D(1), price=D(110))
    second = people.open_order(bot, Side.SELL, amount=D("0.5"), price=D(120))
    third = people.open_order(bot, Side.SELL, amount=D("0.5"), price=D(130))
    Order.objects.filter(pk=third.pk).update(planned_at=people.NOW + timedelta(seconds=1))
    settled(first, fill(2, "1.25", "110"), status=FILLED)
    second.refresh_from_db()
    third.refresh_from_db()
    assert (second.cancel_requested_at, third.cancel_requested_at) == (None, people.NOW)
    assert breaches() == []


def test_one_that_fills_before_it_could_be_ended_takes_the_next_with_it() -> None:
    bot = holding("2")
    first, second, third = (
        people.open_order(bot, Side.SELL, amount=D(amount), price=D(price))
        for amount, price in (("1", 110), ("0.5", 120), ("0.5", 130))
    )
    Order.objects.filter(pk=third.pk).update(planned_at=people.NOW + timedelta(seconds=1))
    settled(first, fill(2, "1.25", "110"), status=FILLED)
    settled(third, fill(3, "0.5", "130"), status=FILLED)  # read before it was to be ended
    second.refresh_from_db()
    assert second.cancel_requested_at == people.NOW, "a quarter is left, a half would be sold"
    assert breaches() == []


def test_a_purchase_dearer_than_the_pocket_is_booked_and_named() -> None:
    bot = running("100.5")
    order = people.open_order(bot, amount=D(1), price=D(100))
    settled(order, fill(1, "1", "100.4", fee=D("0.2"), fee_currency="USDT"), status=FILLED)
    bot.refresh_from_db()
    assert adopted(bot) == [("outside", "bot", D("0.1"), "USDT")]
    assert (bot.cash, bot.position_cost, bot.pnl, bot.funded) == (0, D("100.6"), 0, D("100.6"))
    assert bot.status == BotStatus.ERROR
    assert "0.1 USDT more than the bot had" in bot.phase_why
    assert not Order.objects.get(pk=order.pk).overfilled
    assert breaches() == []


def test_purchases_that_are_not_covered_any_more_are_ended() -> None:
    bot = running("150")
    order = people.open_order(bot, amount=D(1), price=D(100))
    other = people.open_order(bot, amount=D("0.4"), price=D(100))
    settled(order, fill(1, "1", "120"), status=FILLED)
    other.refresh_from_db()
    assert other.cancel_requested_at == people.NOW, "30 are left, 40 would be needed"
    bot.refresh_from_db()
    assert adopted(bot) == []
    settled(order, fill(1, "1", "120", fee=D(1), fee_currency="USDT"))
    assert breaches() == []


def test_a_bot_that_had_stopped_stays_so() -> None:
    bot = holding()
    order = people.open_order(bot, Side.SELL, amount=D(1), price=D(110))
    Bot.objects.filter(pk=bot.pk).update(status=BotStatus.STOPPED)
    settled(order, fill(2, "1.25", "110"), status=FILLED)
    bot.refresh_from_db()
    assert bot.status == BotStatus.STOPPED
    assert len(errors(bot)) == 1
