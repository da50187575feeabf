"""Fees that the exchange tells late or not at all, through the wire and back to its own books."""

from datetime import timedelta
from decimal import Decimal

from activity.models import ActivityLog, Severity
from bots.models import Bot, BotStatus
from orders.fees import WAITS_S
from orders.invariants import breaches
from orders.models import Order
from orders.rules import Side
from orders.states import OrderStatus
from tests.exchange.faults import TRADES
from tests.gateways.exchange.books import agree
from tests.gateways.exchange.conftest import Floor

D = Decimal
FEE = ["commission", "commissionAsset"]
FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN


def untold(floor: Floor, times: int | None) -> None:
    floor.exchange.faults.add("rewrite", **TRADES, times=times, remove=FEE)


def later(floor: Floor, seconds: float) -> None:
    """So much time passes for what waits for its fees, too."""
    for order in Order.objects.all():
        if order.fee_look_at is not None:
            aged = order.fee_look_at - timedelta(seconds=seconds)
            Order.objects.filter(pk=order.pk).update(fee_look_at=aged)
    floor.later(seconds)


def warnings(bot: Bot) -> list[str]:
    rows = ActivityLog.objects.filter(bot=bot, level=Severity.WARNING).order_by("pk")
    return [row.message for row in rows]


def test_49_a_missing_fee_is_expected_at_first_and_corrected_when_it_is_told(floor: Floor) -> None:
    untold(floor, 1)
    bot = floor.bot()
    floor.turn(bot)
    (trade,) = floor.trades(bot)
    assert (trade.fee_pending, trade.fee_currency) == (True, "BTC")
    entry, target = floor.orders(bot)
    assert (entry.status, target.status) == (FILLED, OPEN), "it goes on at once"
    assert target.amount <= trade.quantity - trade.fee, "no coin is on sale that was probably taken"
    later(floor, 6)
    fill, told = floor.trades(bot)
    assert (told.correction, told.quantity, told.fee_pending) == (1, 0, False)
    assert fill.fee + told.fee == floor.exchange.ledger.trades[0].commission
    assert Order.objects.get(pk=entry.pk).fee_look_at is None
    agree(floor)


def test_49_a_higher_fee_than_expected_takes_coins_off_the_sale(floor: Floor) -> None:
    """The target is ended, and placed anew for what there is."""
    untold(floor, 1)
    floor.exchange.faults.add("rewrite", **TRADES, after=1, times=None, fields={"commission": "0.0001"})
    bot = floor.bot()
    floor.turn(bot)
    before = floor.orders(bot)[1]
    later(floor, 6)
    later(floor, 6)
    resting = [order for order in floor.orders(bot) if order.side == Side.SELL and order.status == OPEN]
    held = Bot.objects.get(pk=bot.pk).position_amount
    assert Order.objects.get(pk=before.pk).status == OrderStatus.CANCELLED
    assert [order.amount for order in resting] == [held - held % D("0.00001")]
    assert breaches() == []


def test_49_a_fee_told_late_in_a_third_currency_gives_the_coins_back(floor: Floor) -> None:
    floor.exchange.ledger.deposit(floor.exchange.alice.key, "BNB", D(10))
    floor.exchange.alice.fee_asset = "BNB"
    untold(floor, 1)
    bot = floor.bot()
    floor.turn(bot)
    later(floor, 6)
    fill, *told = floor.trades(bot)
    assert {row.fee_currency for row in told} == {"BNB", "BTC"}
    row = Bot.objects.get(pk=bot.pk)
    assert row.position_amount == fill.quantity
    assert row.pnl == -sum(one.fee_value for one in told if one.fee_currency == "BNB")
    agree(floor)


def test_49_a_fee_that_is_never_told_is_given_up_after_some_hours(floor: Floor) -> None:
    untold(floor, None)
    bot = floor.bot()
    floor.turn(bot)
    for wait_s in WAITS_S:
        later(floor, wait_s + 1)
    asked = len(floor.exchange.oracle.requests)
    for _ in range(3):
        later(floor, 4)
    assert len([text for text in warnings(bot) if "has not told the fee of 1 fill" in text]) == 1
    looks = [one.path for one in floor.exchange.oracle.requests[asked:]]
    assert TRADES["path"] not in looks
    assert Bot.objects.get(pk=bot.pk).status == BotStatus.ACTIVE
    agree(floor)


def test_49_no_answer_about_a_fee_is_asked_again_later(floor: Floor) -> None:
    untold(floor, 1)
    bot = floor.bot()
    floor.turn(bot)
    floor.exchange.faults.add("drop_request", method="GET", path="/api/v3/order", times=1)
    later(floor, 6)
    assert len(floor.trades(bot)) == 1
    later(floor, 31)
    assert len(floor.trades(bot)) == 2
    agree(floor)


def test_51_more_sold_than_the_bot_had_comes_from_the_accounts_other_coins(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    resting = next(order for order in floor.exchange.ledger.orders if order.open)
    floor.exchange.ledger.fill(resting, resting.quantity + D("0.01"), over=True)
    floor.later(6)
    row = Bot.objects.get(pk=bot.pk)
    dust = floor.trades(bot)[0].quantity - floor.trades(bot)[0].fee - resting.quantity
    assert (row.status, row.position_amount) == (BotStatus.ERROR, 0)
    assert f"{(D('0.01') - dust).normalize():f} BTC more than the bot had" in row.phase_why
    assert breaches() == []


def test_52_a_status_nobody_knows_leaves_the_order_as_it_is_and_is_said_once(floor: Floor) -> None:
    floor.exchange.faults.add("rewrite", path="/api/v3/order", times=5, fields={"status": "TRADE_PREVENTION"})
    bot = floor.bot()
    floor.turn(bot)
    entry = floor.orders(bot)[0]
    assert entry.status == FILLED, "its fills tell enough"
    assert floor.orders(bot)[1].status == OrderStatus.UNKNOWN
    floor.later(3)
    floor.later(3)
    said = [text.partition(" of ")[2] for text in warnings(bot) if "means nothing to us" in text]
    assert [text.partition(",")[0] for text in said] == ["deal-1/base", "deal-1/target"]
    for _ in range(3):
        floor.later(31)
    assert [order.status for order in floor.orders(bot)] == [FILLED, OPEN]
    agree(floor)
