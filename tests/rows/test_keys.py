"""A key that is refused, or may withdraw, all of a sudden (rows 43, 44)."""

from datetime import timedelta

import pytest

from accounts.models import AccountState, ExchangeAccount
from accounts.services import account_test, check_due_accounts
from activity.models import ActivityLog, Severity
from bots.models import Bot, BotStatus, Phase
from bots.services import ServiceRefused
from orders.states import OrderStatus
from tests.exchange.oracle import Seen
from tests.gateways.exchange.books import agree, come_to_rest, statuses
from tests.gateways.exchange.conftest import KEYS, Floor

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN
# What no key is needed for is answered all the while.
SIGNED = ("order", "openOrders", "allOrders", "myTrades", "account")


def a_day_passes(floor: Floor) -> ExchangeAccount:
    """The check that is due then."""
    ExchangeAccount.objects.update(check_due_at=floor.now - timedelta(seconds=1))
    check_due_accounts(exchanges=floor.exchanges, keys=KEYS, now=floor.now)
    return ExchangeAccount.objects.get(pk=floor.account.pk)


def signed(floor: Floor) -> list[Seen]:
    return [seen for seen in floor.exchange.oracle.requests if seen.key]


@pytest.mark.row(43)
@pytest.mark.parametrize("code", [None, -2014, -2015])
def test_a_key_that_is_refused_stops_the_account_and_is_not_tried_again_and_again(
    floor: Floor, code: int | None
) -> None:
    bot, other = floor.bot(), floor.bot("Another")
    floor.turn(bot)
    floor.exchange.alice.revoked = code is None
    for name in SIGNED if code else ():
        floor.exchange.faults.add("code", path=f"/api/v3/{name}", code=code, times=None)
    floor.later(6)
    floor.account.refresh_from_db()
    assert (floor.account.state, "key" in floor.account.state_reason) == (AccountState.BROKEN, True)
    told = ActivityLog.objects.filter(bot=None, message__contains=floor.account.state_reason)
    assert [row.level for row in told] == [Severity.ERROR]
    with pytest.raises(ServiceRefused, match="so its bots cannot start"):
        floor.bot("Too late")
    asked = len(signed(floor))
    for _ in range(3):
        floor.ring(bot, other)
        floor.turn(bot, other)
    assert len(signed(floor)) == asked
    held = Bot.objects.filter(pk__in=[bot.pk, other.pk])
    assert {(row.status, row.phase) for row in held} == {(BotStatus.ACTIVE, Phase.SUSPENDED)}
    floor.exchange.alice.revoked = False
    floor.exchange.faults.clear()
    working = account_test(account=floor.account, exchanges=floor.exchanges, keys=KEYS, now=floor.now)
    assert working.state == AccountState.WORKING
    come_to_rest(floor)
    assert [statuses(floor, one) for one in (bot, other)] == [[FILLED, OPEN]] * 2
    agree(floor)


@pytest.mark.row(44)
@pytest.mark.parametrize("right", ["enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"])
def test_a_key_that_may_move_money_away_trades_no_more_until_it_may_not(floor: Floor, right: str) -> None:
    bot = floor.bot()
    floor.turn(bot)
    assert a_day_passes(floor).state == AccountState.WORKING
    other = floor.bot("Another")
    floor.exchange.alice.rights[right] = True
    account = a_day_passes(floor)
    assert account.state == AccountState.SUSPENDED
    assert ActivityLog.objects.filter(user=floor.user, level=Severity.ERROR, bot=None).exists()
    sent = len(floor.exchange.oracle.creates)
    for _ in range(3):
        floor.turn(other)
    assert len(floor.exchange.oracle.creates) == sent
    assert statuses(floor, other) == []
    held = Bot.objects.get(pk=other.pk)
    assert (held.status, held.phase) == (BotStatus.ACTIVE, Phase.SUSPENDED)
    floor.account.refresh_from_db()
    with pytest.raises(ServiceRefused, match="its bots cannot start"):
        floor.bot("Too late")
    assert statuses(floor, bot) == [FILLED, OPEN], "what protects it rests as it was"
    floor.exchange.alice.rights[right] = False
    assert a_day_passes(floor).state == AccountState.WORKING
    floor.account.refresh_from_db()
    for one in (other, floor.bot("After")):
        floor.turn(one)
        assert statuses(floor, one) == [FILLED, OPEN]
    come_to_rest(floor)
    agree(floor)
