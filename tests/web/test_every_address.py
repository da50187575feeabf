"""Every address of the site, read from its URLconf: who gets in, and what a stranger finds.

An address that is new is asked like the others. One with a part that is not in `VALUES` fails here
until it is told what to put there.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.conf import settings
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ExchangeAccount
from activity.models import ActivityLog
from bots.models import Backtest, Bot, BotCommand, BotSettings, KillSwitch, Level, Scope, Shortage
from bots.services import Target, switch_press
from bots.strategies.registry import BOT_TYPES
from bots.views import backtests
from bots.views.actions import COMMANDS_TOLD
from orders.gateways.offers import OFFERS
from tests import people
from tests.accounts import desk
from tests.web.conftest import Person

LOGIN = "/accounts/login/"
PARTS = ("card", "head", "figures", "record")
# Where a visitor may go. What follows a mail or a sign-up has no account to ask for yet.
OPEN = frozenset(
    {
        "",
        "healthz",
        "favicon.ico",
        "accounts/login/",
        "accounts/signup/",
        "accounts/logout/",
        "accounts/inactive/",
        "accounts/confirm-email/",
        "accounts/^confirm-email/(?P<key>[-:\\w]+)/$",
        "accounts/login/code/confirm/",
        "accounts/password/reset/",
        "accounts/password/reset/done/",
        "accounts/password/reset/key/done/",
        "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
    }
)
VALUES: dict[str, tuple[str, ...]] = {
    "bot_type": tuple(BOT_TYPES),
    # One that is offered on paper alone stands for all of them.
    "exchange": (*(name for name, offer in OFFERS.items() if not offer.paper_only), "gate"),
    "kind": tuple(COMMANDS_TOLD),
    "name": PARTS,
    "part_name": tuple(backtests.PARTS),
    "key": ("aaa-bbb",),
    "uidb36": ("a1",),
    "object_id": ("1",),
    "content_type_id": ("1",),
    "app_label": ("bots",),
    "url": ("anything",),
}
# An address with one of these is of somebody's own.
OWNED = ("account_id", "backtest_id", "bot_id", "order_id", "shortage_id", "switch_id")
NAMED_PART = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>[^)]*\)")


def routes() -> list[str]:
    return sorted(_below(get_resolver()))


def _below(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        route = f"{prefix}{one.pattern}"
        if isinstance(one, URLPattern):
            yield route
        else:
            yield from _below(one, route)


def addresses(route: str, **values: str) -> list[str]:
    known = VALUES | {name: (value,) for name, value in values.items()}
    names = ["".join(found) for found in NAMED_PART.findall(route)]
    plain = NAMED_PART.sub("{}", route).replace("^", "").replace("$", "").replace("(?P", "(")
    if plain.startswith(f"{settings.ADMIN_PATH}(") or ".*" in plain:
        return [f"/{settings.ADMIN_PATH}anything"]
    return [f"/{plain.format(*chosen)}" for chosen in product(*(known[name] for name in names))]


def answers(client: Client, address: str) -> list[Any]:
    return [client.get(address), client.post(address)]


def is_of_operators(route: str) -> bool:
    return route.startswith(settings.ADMIN_PATH)


def everything() -> dict[type[Model], list[Any]]:
    kinds = (Bot, BotSettings, BotCommand, Backtest, ExchangeAccount, KillSwitch)
    return {kind: list(kind._default_manager.values()) for kind in kinds}


def ids_of(person: Person, **fields: Any) -> dict[str, str]:
    """A running bot with an order, a backtest, an account at an exchange, a shortage on it and a kill switch
    of theirs, as addresses name them."""
    bot, backtest = person.running(**fields), people.backtest(person.user, name="Moonraker")
    account = desk.account(person.user, label="Moonraker")
    aside = Target(Scope.MARKET, person.user, exchange="simulated", ticker="SOL/USDT")
    switch = switch_press(target=aside, level=Level.BLOCK, by=person.user, now=people.NOW)
    gone: dict[str, Any] = {"currency": "DOGE", "ours": 2, "found": 1, "sure_at": people.NOW}
    shortage = Shortage.objects.create(user=person.user, account=account, seen_at=people.NOW, **gone)
    order = people.cancelled(people.open_order(bot, slot="apart"))
    ids = {"bot_id": bot, "backtest_id": backtest, "account_id": account, "switch_id": switch}
    return {name: str(row.pk) for name, row in {**ids, "shortage_id": shortage, "order_id": order}.items()}


def is_owned(route: str) -> bool:
    return any(name in route for name in OWNED)


def test_the_walk_finds_the_pages_there_are() -> None:
    assert set(routes()) > OPEN
    assert {"bots/<uuid:bot_id>/", "orders/", "activity/rows", f"{settings.ADMIN_PATH}bots/bot/"} < set(
        routes()
    )


def test_a_visitor_is_sent_to_the_login_from_all_but_the_open_pages(alice: Person) -> None:
    ids = ids_of(alice)
    for route in routes():
        if route in OPEN:
            continue
        for address in addresses(route, **ids):
            for answer in answers(Client(), address):
                assert answer.status_code == 302, (route, answer.status_code)
                assert answer["Location"].startswith((LOGIN, f"/{settings.ADMIN_PATH}login/")), route


def test_a_visitor_reads_the_open_pages(db: None) -> None:
    for route in sorted(OPEN):
        for address in addresses(route):
            assert Client().get(address).status_code in {200, 302, 404}, address


def test_nothing_that_is_anothers_exists_for_a_stranger(alice: Person, bob: Person) -> None:
    ids = ids_of(alice, bot_type="dca")
    before = everything()
    owned = [route for route in routes() if is_owned(route)]
    assert all(any(name in route for route in owned) for name in OWNED)
    # A shortage ends when one looks again, and a bot when it is deleted.
    for route in sorted(owned, key=lambda route: (route.endswith(("compare", "delete")), route)):
        for address in addresses(route, **ids):
            found = {answer.status_code for answer in answers(bob.client, address)}
            assert 404 in found, (address, found)
            assert found <= {404, 405}, (address, found)
            own = {answer.status_code for answer in answers(alice.client, address)}
            assert 404 not in own, (address, own)
            assert own <= {200, 302, 405}, (address, own)
        if route.endswith(("delete", "stop", "start")):
            Bot.objects.filter(pk=ids["bot_id"]).update(**before[Bot][0])
    assert before[BotSettings] == everything()[BotSettings]


def test_a_strangers_pages_never_show_anothers_rows(alice: Person, bob: Person) -> None:
    bot = alice.running("Moonraker")
    people.backtest(alice.user, name="Moonraker")
    desk.account(alice.user, label="Moonraker")
    said = ActivityLog.objects.filter(bot=bot).latest("pk")
    queries = ("", f"?bot={bot.pk}", f"?behind={said.pk}", f"?bot={bot.pk}&page=1&level=INFO")
    for route in routes():
        if is_owned(route) or route == "accounts/logout/":
            continue
        for address, query in product(addresses(route), queries):
            answer = bob.client.get(address + query)
            assert answer.status_code in {200, 302, 403, 404, 405}, (address + query, answer.status_code)
            assert b"Moonraker" not in answer.content, address + query


@pytest.mark.parametrize("name", ["orders/", "orders/trades/", "activity/", "activity/rows"])
def test_a_filter_by_anothers_bot_is_not_found(alice: Person, bob: Person, name: str) -> None:
    bot = alice.running()
    assert alice.client.get(f"/{name}", {"bot": str(bot.pk)}).status_code == 200
    assert bob.client.get(f"/{name}", {"bot": str(bot.pk)}).status_code == 404


def test_operators_pages_are_closed_to_everybody_else(bob: Person) -> None:
    login = f"/{settings.ADMIN_PATH}login/"
    assert bob.client.get(login).status_code == 403
    for route in filter(is_of_operators, routes()):
        for address in addresses(route):
            for answer in answers(bob.client, address):
                sent_away = answer.status_code == 302 and answer["Location"].startswith(
                    (login, f"/{settings.ADMIN_PATH}")
                )
                assert sent_away or answer.status_code in {403, 405}, (address, answer.status_code)


def test_reading_changes_nothing(alice: Person) -> None:
    ids = ids_of(alice, bot_type="dca")
    alice.client.get("/")
    before = everything()
    for route in routes():
        for address in addresses(route, **ids):
            alice.client.get(address)
            alice.client.head(address)
    assert before == everything()
    assert alice.client.get("/").wsgi_request.user == alice.user


def test_no_form_is_taken_from_another_site(alice: Person) -> None:
    ids = ids_of(alice, bot_type="dca")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice.user)
    before = everything()
    for route in routes():
        for address in addresses(route, **ids):
            answer = strict.post(address, {"how": "keep_orders"}, headers={"Origin": "https://evil.example"})
            assert answer.status_code in {403, 405}, (address, answer.status_code)
    assert before == everything()


def test_every_answer_says_how_it_may_be_shown(alice: Person) -> None:
    ids = ids_of(alice)
    for route in [*routes(), "no/such/page", "bots/not-an-id/"]:
        for address in addresses(route, **ids):
            for answer in (alice.client.get(address), Client().get(address)):
                policy = answer.get("Content-Security-Policy", "")
                assert "default-src 'none'" in policy, address
                assert "frame-ancestors 'none'" in policy, address
                assert "unsafe" not in policy, address
                assert answer.get("X-Frame-Options") == "DENY", address
                assert answer.get("X-Content-Type-Options") == "nosniff", address
                assert answer.get("Referrer-Policy") == "same-origin", address
