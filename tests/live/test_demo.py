"""The demo is made once, for an installation without people, and can sign in and trade."""

import stat
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import authenticate

from accounts.models import User
from bots.demo import ensure_demo
from bots.equity import equity_due
from bots.models import Bot, BotStatus, EquityPoint
from orders.gateways.installed import installed
from tests import people
from tests.people import NOW

pytestmark = pytest.mark.django_db


def test_a_first_start_makes_people_who_can_sign_in_and_bots_that_run(tmp_path: Path) -> None:
    demo = ensure_demo(now=NOW, var_dir=tmp_path)
    assert demo is not None
    person = authenticate(email=demo.email, password=demo.password)
    operator = authenticate(email=demo.operator_email, password=demo.operator_password)
    assert isinstance(person, User)
    assert isinstance(operator, User)
    assert (person.is_staff, operator.is_staff, operator.is_superuser) == (False, True, True)
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == 2
    bots = Bot.objects.filter(user=person, status=BotStatus.ACTIVE)
    assert sorted(bots.values_list("bot_type", "ticker")) == [("dca", "ETH/USDT"), ("grid", "BTC/USDT")]
    kept = tmp_path / "demo.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert demo.password in str(demo)


def test_a_second_start_says_the_same_and_makes_nothing(tmp_path: Path) -> None:
    first = ensure_demo(now=NOW, var_dir=tmp_path)
    assert ensure_demo(now=NOW, var_dir=tmp_path) == first
    assert (User.objects.count(), Bot.objects.count()) == (2, 2)


def test_an_installation_with_people_of_its_own_gets_no_demo(tmp_path: Path) -> None:
    people.alice()
    assert ensure_demo(now=NOW, var_dir=tmp_path) is None
    assert User.objects.count() == 1


def test_a_start_that_died_before_the_demo_was_made_makes_it_anew(tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"email": "half')
    demo = ensure_demo(now=NOW, var_dir=tmp_path)
    assert demo is not None
    assert authenticate(email=demo.email, password=demo.password)


def test_equity_is_noted_once_an_hour_for_bots_that_hold_something(tmp_path: Path) -> None:
    ensure_demo(now=NOW, var_dir=tmp_path)
    EquityPoint.objects.all().delete()
    people.bot(people.alice(), name="empty", funds=Bot.objects.all()[0].cash)
    Bot.objects.filter(name="empty").update(cash=0)
    assert equity_due(exchanges=installed(), now=NOW) == 2
    assert equity_due(exchanges=installed(), now=NOW.replace(minute=59)) == 0
    assert equity_due(exchanges=installed(), now=NOW.replace(hour=NOW.hour + 1)) == 2
    assert EquityPoint.objects.filter(bot__name="Demo grid").count() == 2
