"""The demo of a first start: a person with two running bots, and an operator.

Their passwords are random, and kept in a file only its owner may read, so that a later start can say
them again. Meant for an installation that listens on loopback only.
"""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import User
from bots.services import bot_create, bot_start, paper_account
from orders.gateways.base import Exchanges
from orders.gateways.installed import installed
from orders.gateways.listed import EXCHANGE
from orders.gateways.simulated import open_exchange
from orders.queries import latest_markets

DEMO_EMAIL = "demo@example.com"
OPERATOR_EMAIL = "operator@example.com"
PASSWORD_BYTES = 12
GRID_TICKER, DCA_TICKER = "BTC/USDT", "ETH/USDT"
# Lines 0.3 % apart: wide enough to earn more than both fees, close enough to fill within a minute.
GRID_REACH, GRID_LINES = Decimal("0.06"), 41
DCA_SETTINGS = {
    "investment": "2000",
    "base_order_volume": "50",
    "safety_order_volume": "50",
    "max_safety_orders": 15,
    "active_safety_orders": 3,
    "safety_order_step_pct": "0.3",
    "safety_order_step_scale": "1.2",
    "safety_order_volume_scale": "1.1",
    "take_profit_pct": "0.4",
    "cooldown_s": 0,
}


@dataclass(frozen=True, slots=True)
class Demo:
    """How to sign in to the demo, once as a person and once as the operator."""

    email: str
    password: str
    operator_email: str
    operator_password: str

    def __str__(self) -> str:
        return (
            f"Demo sign-in: {self.email} with password {self.password}\n"
            f"Operator:     {self.operator_email} with password {self.operator_password}"
        )


def ensure_demo(*, now: datetime, var_dir: Path) -> Demo | None:
    """The demo of this installation, made when nobody has an account yet; None where people
    have made their own."""
    path = var_dir / "demo.json"
    if User.objects.exists():
        kept = _read(path)
        return kept if kept and User.objects.filter(email=kept.email).exists() else None
    demo = Demo(
        email=DEMO_EMAIL,
        password=secrets.token_urlsafe(PASSWORD_BYTES),
        operator_email=OPERATOR_EMAIL,
        operator_password=secrets.token_urlsafe(PASSWORD_BYTES),
    )
    # Kept before it is true: if the start dies in between there is still nobody, and new ones are made.
    _keep(path, demo)
    with transaction.atomic():
        user = _person(demo.email, demo.password)
        _person(demo.operator_email, demo.operator_password, is_staff=True, is_superuser=True)
        _bots(user, exchanges=installed(), now=now)
    return demo


def _person(email: str, password: str, **rights: bool) -> User:
    user = User.objects.create_user(email, password, **rights)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _bots(user: User, *, exchanges: Exchanges, now: datetime) -> None:
    open_exchange(now=now)
    account = paper_account(user=user, now=now)
    wanted = [
        ("Demo grid", "grid", GRID_TICKER, _grid_settings(exchanges)),
        ("Demo DCA", "dca", DCA_TICKER, DCA_SETTINGS),
    ]
    for name, bot_type, ticker, values in wanted:
        bot = bot_create(
            user=user, account=account, name=name, bot_type=bot_type, ticker=ticker, values=values, now=now
        )
        bot_start(bot=bot, exchanges=exchanges, now=now)


def _grid_settings(exchanges: Exchanges) -> dict[str, Any]:
    """Lines around the price there is now."""
    rules = latest_markets({(EXCHANGE, GRID_TICKER)})[EXCHANGE, GRID_TICKER].rules()
    price = exchanges.prices[EXCHANGE].quotes([GRID_TICKER])[GRID_TICKER].last
    return {
        "investment": "4000",
        "lower_price": f"{rules.line(price * (1 - GRID_REACH)):f}",
        "upper_price": f"{rules.line(price * (1 + GRID_REACH)):f}",
        "lines": GRID_LINES,
    }


def _read(path: Path) -> Demo | None:
    try:
        return Demo(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _keep(path: Path, demo: Demo) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".demo-")  # mkstemp makes it 0600
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(demo), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    Path(draft).replace(path)
