"""After a start each account says how it was found, once, in its log and on its page."""

from datetime import timedelta

from django.test import Client
from django.utils import timezone

from activity.models import ActivityLog
from bots.engine import claims
from bots.engine.turn import run_turn
from orders.models import Order, Recovery, Trade
from orders.recovery import recoveries_finish, recovery_begin
from orders.states import OrderStatus
from tests.gateways.exchange.conftest import Floor


def told(floor: Floor) -> list[str]:
    said = ActivityLog.objects.filter(user=floor.user, message__contains="After the start")
    return list(said.values_list("message", flat=True))


def looked(floor: Floor) -> None:
    claims.release_all_leases()
    run_turn(claims.due_ids(), exchanges=floor.exchanges, now=timezone.now())


def test_a_start_looks_at_every_order_and_tells(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    floor.exchange.ledger.move("BTCUSDT", floor.orders(bot)[1].price + 1)
    assert recovery_begin(now=timezone.now()) == 1
    recoveries_finish(now=timezone.now())
    assert told(floor) == [], "the order has not been looked at yet"
    looked(floor)
    recoveries_finish(now=timezone.now())
    recoveries_finish(now=timezone.now())
    assert told(floor) == ["Binance: After the start 1 order was recovered, with 1 fill; none is unknown."]


def test_what_is_traded_after_the_start_was_not_recovered(floor: Floor) -> None:
    bot = floor.bot()
    floor.turn(bot)
    recovery_begin(now=timezone.now())
    floor.bot("After the start")
    looked(floor)
    recoveries_finish(now=timezone.now())
    assert Trade.objects.exclude(bot=bot).exists()
    assert told(floor) == ["Binance: After the start 1 order was recovered, with 0 fills; none is unknown."]


def test_what_stays_unknown_is_told_after_a_minute(floor: Floor) -> None:
    floor.exchange.faults.add("drop_answer", method="POST", path="/api/v3/order")
    floor.exchange.faults.add("drop_request", method="GET", path="/api/v3/order", times=None)
    bot = floor.bot()
    floor.turn(bot)
    assert [order.status for order in floor.orders(bot)] == [OrderStatus.UNKNOWN]
    recovery_begin(now=timezone.now())
    recoveries_finish(now=timezone.now())
    assert told(floor) == []
    Recovery.objects.update(began_at=timezone.now() - timedelta(seconds=61))
    Order.objects.update(claimed_at=timezone.now() - timedelta(seconds=70))
    recoveries_finish(now=timezone.now())
    assert told(floor) == ["Binance: After the start 1 order was recovered, with 0 fills; 1 still unknown."]


def test_an_account_with_nothing_under_way_says_nothing(floor: Floor) -> None:
    assert recovery_begin(now=timezone.now()) == 0
    assert not Recovery.objects.exists()


def test_a_start_amid_a_recovery_begins_it_anew(floor: Floor) -> None:
    floor.turn(floor.bot())
    recovery_begin(now=timezone.now() - timedelta(seconds=30))
    later = timezone.now()
    recovery_begin(now=later)
    assert [row.began_at for row in Recovery.objects.all()] == [later]


def test_the_account_page_shows_it(floor: Floor, client: Client) -> None:
    floor.turn(floor.bot())
    recovery_begin(now=timezone.now())
    looked(floor)
    recoveries_finish(now=timezone.now())
    assert not Order.objects.filter(status=OrderStatus.UNKNOWN).exists()
    client.force_login(floor.user)
    assert "1 order was recovered" in client.get(f"/exchanges/{floor.account.pk}/").content.decode()
