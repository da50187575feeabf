"""Asking for a backtest in a browser, watching it, reading its result, and what a stranger gets."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from activity.models import Topic
from bots.fragments import fragments_for, progress_fragment
from bots.jobs.claims import claim
from bots.jobs.run import Runner
from bots.models import Backtest
from bots.services import backtest_cancel, backtest_delete
from bots.services.backtests import SeriesName, candle_root
from bots.states import BacktestStatus
from bots.strategies.registry import BOT_TYPES
from orders.gateways.installed import installed
from tests import people
from tests.jobs import children
from tests.people import NOW
from tests.web.conftest import Person
from tests.web.test_bots_fragments import root_id

QUERIES_MAX = 12
SERIES = "simulated BTC/USDT 1h"


@pytest.fixture
def store(tmp_path: Path, settings: LazySettings) -> Path:
    settings.VAR_DIR = tmp_path
    root = candle_root(tmp_path)
    people.candles(root)
    people.candles(root, SeriesName("binance", "ETH/USDT", "4h"), count=400)
    return root


def run(program: Any) -> None:
    Runner(program, Path("candles"), 1, timezone.now).run_next()


def typed(client: Client, address: str, **changes: str) -> dict[str, str]:
    """What the form offers, as a browser would send it back."""
    form = client.get(address).context["form"]
    offered = {field.name: field.value() for field in form}
    kept = {name: str(value) for name, value in offered.items() if value not in (None, False)}
    return kept | changes


def asked(person: Person, **changes: str) -> Backtest:
    address = reverse("backtests:new", args=["grid"])
    answer = person.client.post(address, typed(person.client, address, **changes))
    assert answer.status_code == 302, answer.context["form"].errors
    return Backtest.objects.get(user=person.user)


def test_a_backtest_is_asked_for_run_and_read(alice: Person, store: Path, tmp_path: Path) -> None:
    backtest = asked(alice, name="First try", since="2025-12-20T00:00", fee_pct="0.2")
    assert backtest.terms["fee_pct"] == "0.2"
    address = reverse("backtests:page", args=[backtest.pk])
    assert "It waits for its turn" in alice.client.get(address).content.decode()
    run(children.finishes(tmp_path))
    page = alice.client.get(address).content.decode()
    for shown in ("+12.50", "Buy and hold", "−10.00", "Deals", "equity-line", "Only 2 results"):
        assert shown in page, shown
    assert "style=" not in page
    assert "First try" in alice.client.get(reverse("backtests:list")).content.decode()


@pytest.mark.parametrize("bot_type", sorted(BOT_TYPES))
def test_what_the_form_offers_can_be_run(alice: Person, store: Path, bot_type: str) -> None:
    address = reverse("backtests:new", args=[bot_type])
    answer = alice.client.post(address, typed(alice.client, address))
    assert answer.status_code == 302, answer.context["form"].errors


def test_a_worker_is_rung_once_it_is_committed(
    alice: Person, store: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as rung:
        asked(alice)
    assert len(rung) == 1


def test_a_bots_own_settings_are_offered_and_the_bot_is_remembered(alice: Person, store: Path) -> None:
    bot = alice.bot("Night grid", lines=7)
    address = reverse("backtests:of_bot", args=[bot.pk])
    assert address in alice.client.get(reverse("bots:page", args=[bot.pk])).content.decode()
    offered = typed(alice.client, address)
    assert (offered["name"], offered["lines"], offered["series"]) == ("Night grid", "7", SERIES)
    assert alice.client.post(address, offered).status_code == 302
    assert Backtest.objects.get().bot == bot


def test_an_earlier_one_is_offered_again_as_it_was_asked(alice: Person, store: Path) -> None:
    before = asked(alice, series=SERIES, since="2025-12-20T06:30", slippage_pct="0.5", pessimistic="on")
    offered = typed(alice.client, reverse("backtests:again", args=[before.pk]))
    assert (offered["since"], offered["slippage_pct"]) == ("2025-12-20T06:30", "0.5")
    assert (offered["pessimistic"], offered["series"]) == ("True", SERIES)
    assert alice.client.post(reverse("backtests:again", args=[before.pk]), offered).status_code == 302
    first, second = Backtest.objects.order_by("created_at")
    for name in ("values", "terms", "since", "until", "ticker", "timeframe"):
        assert getattr(first, name) == getattr(second, name), name


def test_other_candles_bring_other_suggestions_and_keep_the_name(alice: Person, store: Path) -> None:
    address = reverse("backtests:suggest", args=["grid"])
    form = {"name": "Mine", "series": "binance ETH/USDT 4h", "since": "2025-12-31T00:00"}
    shown = alice.client.post(address, form).context["form"]
    assert (shown["name"].value(), shown["series"].value()) == ("Mine", "binance ETH/USDT 4h")
    assert shown["since"].value() == "2025-12-31T00:00"
    assert shown["upper_price"].value()


@pytest.mark.parametrize(
    ("field", "given", "told"),
    [
        ("name", "", "Name is required."),
        ("name", "a\0b", "can be printed"),
        ("series", "", "choose a series"),
        ("series", "binance ../.. 1h", "not in the store"),
        ("since", "yesterday", "Since must be a date or a time"),
        ("since", "0001-01-01T00:00+14:00", "Since must be a date or a time"),
        ("since", "1960-01-01", "must be after 1970"),
        ("since", "2031-01-01", "after the last candle"),
        ("until", "2001-01-01", "before the first candle"),
        ("fee_pct", "1e3", "Fee must be a plain number"),
        ("fee_pct", "11", "Fee must be from 0 to 10."),
        ("spread_bps", "-1", "Spread must be from 0"),
        ("investment", "much", "Investment must be a plain number"),
        ("upper_price", "1", "must be above the lower price"),
    ],
)
def test_bad_input_gets_one_sentence_at_its_field_and_nothing_is_lost(
    alice: Person, store: Path, field: str, given: str, told: str
) -> None:
    address = reverse("backtests:new", args=["grid"])
    sent = typed(alice.client, address) | {"name": "Kept", "spread_bps": "1.5", field: given}
    answer = alice.client.post(address, sent)
    form = answer.context["form"]
    assert answer.status_code == 200
    assert len(form.errors[field]) == 1
    assert told in form.errors[field][0]
    for name in set(sent) - {field}:
        assert str(form[name].value()) == sent[name], name
    assert not Backtest.objects.exists()


def test_without_candles_the_form_says_how_to_get_some(
    alice: Person, tmp_path: Path, settings: LazySettings
) -> None:
    settings.VAR_DIR = tmp_path
    page = alice.client.get(reverse("backtests:new", args=["dca"]))
    assert "import_candles" in page.content.decode()
    assert alice.client.post(reverse("backtests:new", args=["dca"]), {}).status_code == 200


def test_a_broken_store_is_told_on_the_page(alice: Person, store: Path) -> None:
    next(store.rglob("*.npy")).write_bytes(b"cut off")
    page = alice.client.get(reverse("backtests:new", args=["grid"])).content.decode()
    assert "import it again" in page


def test_cancelling_and_deleting(alice: Person) -> None:
    backtest = people.backtest(alice.user)
    for name in ("cancel", "delete"):
        address = reverse(f"backtests:{name}", args=[backtest.pk])
        assert alice.client.get(address).status_code == 405
    refused = alice.client.post(reverse("backtests:delete", args=[backtest.pk]), follow=True)
    assert "cancel it first" in refused.content.decode()
    told = alice.client.post(reverse("backtests:cancel", args=[backtest.pk]), follow=True)
    assert "was told to end" in told.content.decode()
    assert Backtest.objects.get().status == BacktestStatus.CANCELLED
    gone = alice.client.post(reverse("backtests:delete", args=[backtest.pk]), follow=True)
    assert "was deleted" in gone.content.decode()
    assert not Backtest.objects.exists()


def test_a_refused_one_shows_each_problem(alice: Person, tmp_path: Path) -> None:
    backtest = people.backtest(alice.user)
    run(children.refuses(tmp_path))
    page = alice.client.get(reverse("backtests:page", args=[backtest.pk])).content.decode()
    assert "Give more candles." in page
    assert reverse("backtests:again", args=[backtest.pk]) in page


def test_deals_are_shown_page_by_page_with_few_queries(
    alice: Person, tmp_path: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    backtest = people.backtest(alice.user)
    deals = [
        {"number": 1000 + number, "opened_at": "2026-01-01T00:00:00.000Z", "closed_at": None, "pnl": "1"}
        for number in range(25)
    ]
    run(children.finishes(tmp_path, deals=deals))
    address = reverse("backtests:page", args=[backtest.pk])
    with django_assert_max_num_queries(QUERIES_MAX):
        last = alice.client.get(address, {"page": "3"}).content.decode()
    assert "1024" in last
    assert "1000" not in last.split('id="rows"')[1]
    for rubbish in ("0", "-1", "x", "9" * 50, "99"):
        assert alice.client.get(address, {"page": rubbish}).status_code == 200


def test_the_result_is_there_as_json_with_all_its_rows(alice: Person, tmp_path: Path) -> None:
    backtest = people.backtest(alice.user)
    address = reverse("backtests:result", args=[backtest.pk])
    waiting = json.loads(alice.client.get(address).content)
    assert (waiting["status"], waiting["result"], waiting["deals"]) == ("queued", None, [])
    deals = [{"number": number} for number in range(1100)]
    run(children.finishes(tmp_path, deals=deals))
    answer = alice.client.get(address)
    told = json.loads(answer.content)
    assert answer["Content-Type"] == "application/json"
    assert told["deals"] == deals
    assert told["equity"] == children.result()["equity"]
    assert told["result"]["benchmark"][0]["name"] == "Buy and hold"


def test_a_result_of_another_version_is_shown_as_far_as_it_goes(alice: Person, tmp_path: Path) -> None:
    backtest = people.backtest(alice.user)
    odd = {"net_profit": "much", "results": [1], "drawdown": None, "by_deals": False}
    run(children.finishes(tmp_path, statistics=odd, benchmark=["x"], market=7, start_equity=None))
    assert alice.client.get(reverse("backtests:page", args=[backtest.pk])).status_code == 200


def test_a_strangers_backtests_do_not_exist(alice: Person, bob: Person) -> None:
    backtest = people.backtest(alice.user)
    names = ("page", "again", "result", "cancel", "delete")
    for address in [reverse(f"backtests:{name}", args=[backtest.pk]) for name in names]:
        assert {bob.client.get(address).status_code, bob.client.post(address).status_code} <= {404, 405}
    assert "Old summer" not in bob.client.get(reverse("backtests:list")).content.decode()
    assert bob.client.get(reverse("backtests:of_bot", args=[alice.bot().pk])).status_code == 404
    assert Backtest.objects.get().status == BacktestStatus.QUEUED


def pushed(person: Person, backtest: Backtest) -> list[str]:
    topics = [(Topic.BACKTEST, backtest.pk)]
    return fragments_for(user=person.user, topics=topics, exchanges=installed(), now=NOW)


def test_its_live_parts_are_pushed_with_a_place_for_their_number(
    alice: Person, bob: Person, tmp_path: Path
) -> None:
    backtest = people.backtest(alice.user)
    parts = [f"backtest-{backtest.pk}", f"backtest-head-{backtest.pk}", f"backtest-result-{backtest.pk}"]
    assert [root_id(one) for one in pushed(alice, backtest)] == parts
    run(children.finishes(tmp_path))
    fragments = pushed(alice, backtest)
    assert [root_id(one) for one in fragments] == parts
    assert not any("<form" in one or "csrf" in one for one in fragments)
    assert not any("Old summer" in one for one in pushed(bob, backtest))
    for name in ("card", "head", "result"):
        answer = alice.client.get(reverse("backtests:part", args=[backtest.pk, name]))
        assert answer["X-Live-Seq"].isdigit()
    assert alice.client.get(reverse("backtests:part", args=[backtest.pk, "soul"])).status_code == 404


def test_a_deleted_ones_card_leaves_the_page(alice: Person) -> None:
    backtest = people.backtest(alice.user)
    backtest_cancel(backtest=backtest, now=NOW)
    backtest_delete(backtest=backtest, now=NOW)
    (fragment,) = pushed(alice, backtest)
    assert 'hx-swap-oob="delete"' in fragment


def test_progress_carries_no_number_and_has_its_place_on_the_page(alice: Person) -> None:
    backtest = people.backtest(alice.user)
    claim(at_once=1, now=NOW)
    Backtest.objects.update(progress=427)
    running = Backtest.objects.get()
    fragment = progress_fragment(running)
    assert f'id="backtest-progress-{backtest.pk}"' in fragment
    assert 'hx-swap-oob="true"' in fragment
    assert "data-seq" not in fragment
    for address in (reverse("backtests:page", args=[backtest.pk]), reverse("backtests:list")):
        page = alice.client.get(address).content.decode()
        assert f'id="backtest-progress-{backtest.pk}"' in page
        assert 'value="427"' in page


def test_a_name_cannot_carry_markup_into_a_page(alice: Person, tmp_path: Path) -> None:
    backtest = people.backtest(alice.user, name="<img src=x onerror=alert(1)>")
    Runner(children.program(tmp_path, "say(id=1, failed='<img>')"), tmp_path, 1, timezone.now).run_next()
    everything = "".join(pushed(alice, backtest))
    for name in ("page", "result"):
        everything += alice.client.get(reverse(f"backtests:{name}", args=[backtest.pk])).content.decode()
    assert "<img" not in everything.replace('"<img', "")  # JSON is shown by no browser as a page
