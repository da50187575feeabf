"""What the database alone keeps of the kill switches: one in force for a target, and targets that fit."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import ExchangeAccount
from bots.models import KillSwitch, Level, Scope
from tests.services.desk import NOW, a_bot

pytestmark = pytest.mark.django_db


def test_the_database_keeps_one_switch_in_force_for_each_target(account: ExchangeAccount) -> None:
    alice, bot = account.user, a_bot(account)
    market = {"scope": Scope.MARKET, "exchange": "simulated", "ticker": "BTC/USDT"}
    targets: list[dict[str, Any]] = [
        {"scope": Scope.BOT, "user": alice, "bot": bot},
        market | {"user": alice},
        market,
        {"scope": Scope.USER, "user": alice},
        {"scope": Scope.SYSTEM},
    ]
    plain = {"level": Level.BLOCK, "pressed_at": NOW}
    for target in targets:
        first = KillSwitch.objects.create(**plain, **target)
        assert is_refused(partial(KillSwitch.objects.create, **plain, **target)), target
        KillSwitch.objects.filter(pk=first.pk).update(released_at=NOW)
        KillSwitch.objects.create(**plain, **target)


def test_the_database_refuses_a_target_that_does_not_fit_its_scope(account: ExchangeAccount) -> None:
    alice, bot = account.user, a_bot(account)
    market = {"exchange": "simulated", "ticker": "BTC/USDT"}
    wrong: list[dict[str, Any]] = [
        {"scope": Scope.BOT, "user": alice},
        {"scope": Scope.BOT, "bot": bot},
        {"scope": Scope.MARKET, "user": alice},
        {"scope": Scope.MARKET, "user": alice, "bot": bot, **market},
        {"scope": Scope.USER},
        {"scope": Scope.USER, "user": alice, **market},
        {"scope": Scope.SYSTEM, "user": alice},
        {"scope": "galaxy"},
        {"scope": Scope.SYSTEM, "level": "soft"},
    ]
    for target in wrong:
        assert is_refused(partial(_made, target)), target


def _made(target: dict[str, Any]) -> None:
    KillSwitch.objects.create(**{"level": Level.BLOCK, "pressed_at": NOW} | target)


def is_refused(act: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            act()
    except IntegrityError:
        return True
    return False
