"""A person with a paper account on the simulated exchange."""

import pytest

from accounts.models import ExchangeAccount, User
from bots.services import (
    paper_account,
)
from orders.gateways.simulated import open_exchange
from tests.services.desk import NOW


@pytest.fixture
def account() -> ExchangeAccount:
    open_exchange(now=NOW)
    return paper_account(user=User.objects.create_user("alice@example.com"), now=NOW)
