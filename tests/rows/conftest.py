"""The floor of the exchange's tests, whose engine can also ask for the markets' rules anew."""

from dataclasses import fields, replace

import pytest

from accounts.models import Environment
from orders.gateways.base import Exchanges
from orders.gateways.exchange.installed import ExchangeMarkets
from tests.gateways.exchange.conftest import NAME, Floor, served
from tests.gateways.exchange.conftest import floor as bare_floor

__all__ = ["bare_floor", "floor", "served"]


class WholeFloor(Floor):
    """As an installation has it."""

    @property
    def exchanges(self) -> Exchanges:
        markets = ExchangeMarkets(NAME, Environment.LIVE, self.clients)
        return replace(super().exchanges, markets={NAME: markets})


@pytest.fixture
def floor(bare_floor: Floor) -> Floor:
    return WholeFloor(*(getattr(bare_floor, field.name) for field in fields(bare_floor)))
