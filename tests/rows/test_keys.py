"""A key that may withdraw all of a sudden (row 44)."""

from datetime import timedelta

import pytest

from accounts.models import AccountState, ExchangeAccount
from accounts.services import check_due_accounts
from activity.models import ActivityLog, Severity
from bots.models import Bot, BotStatus, Phase
from bots.services import ServiceRefused
from orders.states import OrderStatus
from tests.gateways.exchange.conftest import KEYS, Floor
from tests.rows.books import agree, come_to_rest, statuses

FILLED, OPEN = OrderStatus.FILLED, OrderStatus.OPEN


def a_day_passes(floor: Floor) -> ExchangeAccount:
    """The check that is due then."""
    ExchangeAccount.objects.update(check_due_at=floor.now - timedelta(seconds=1))
    check_due_accounts(exchanges=floor.exchanges, keys=KEYS, now=floor.now)
    return ExchangeAccount.objects.get(pk=floor.account.pk)


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
