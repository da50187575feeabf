"""While money is missing on an account nothing more is bought with it, whatever state a worker is in."""

from datetime import datetime
from typing import Any

import pytest

from bots.models import Shortage
from orders.models import Order
from orders.services import order_claim
from orders.states import OrderStatus
from orders.switches import SwitchedOff
from tests.engine.conftest import NOW, World
from tests.engine.switches import planned

MISSING: dict[str, Any] = {"currency": "USDT", "ours": 2, "found": 1, "seen_at": NOW}


def missing(order: Order, sure_at: datetime | None, **fields: Any) -> None:
    owner = {"user_id": order.user_id, "account_id": order.account_id}
    Shortage.objects.create(**owner, **MISSING | {"sure_at": sure_at} | fields)


@pytest.mark.parametrize("currency", ["USDT", "BTC"])
def test_a_claim_under_a_sure_shortage_gets_nothing_and_says_why(world: World, currency: str) -> None:
    order, token = planned(world, world.bot())
    missing(order, NOW, currency=currency)
    with pytest.raises(SwitchedOff, match=f"should hold 2 {currency}"):
        order_claim(order=order, token=token)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.PLANNED


@pytest.mark.parametrize(
    "harmless", [{"sure_at": None}, {"sure_at": NOW, "ended_at": NOW}, {"sure_at": NOW, "currency": "ETH"}]
)
def test_one_that_is_not_sure_or_over_or_elsewhere_stops_nothing(
    world: World, harmless: dict[str, Any]
) -> None:
    order, token = planned(world, world.bot())
    missing(order, **harmless)
    order_claim(order=order, token=token)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.SENDING
