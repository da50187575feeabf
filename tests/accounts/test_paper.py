"""Paper accounts on real exchanges: no key, paper money, and the exchange's own markets."""

from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Environment, ExchangeAccount
from accounts.queries import accounts_of, paper_money_on
from accounts.services import (
    account_delete,
    account_rename,
    account_replace_key,
    account_test,
    markets_refresh,
    paper_account_add,
)
from accounts.services.asked import ACCOUNTS_PER_USER_MAX
from activity.models import ActivityLog
from bots.analytics import free_money
from bots.models import Bot
from bots.services import ServiceRefused, bot_create
from orders.gateways.base import Exchanges, RateLimited, Unreachable
from orders.gateways.offers import OFFERS
from orders.models import LedgerEntry, Market
from orders.queries import tickers_of
from tests import people
from tests.accounts import desk
from tests.accounts.desk import KEYS, NOW, credentials
from tests.venues import FakeMarkets, exchanges

pytestmark = pytest.mark.django_db


def added(
    exchange: str = "binance", label: str = "Real prices", reached: Exchanges | None = None
) -> ExchangeAccount:
    return paper_account_add(
        user=people.alice(), exchange=exchange, label=label, exchanges=reached or exchanges(), now=NOW
    )


@pytest.mark.parametrize(("exchange", "ticker"), [("binance", "BTC/USDT"), ("bithumb", "BTC/KRW")])
def test_it_begins_with_paper_money_of_the_exchanges_usual_quote(exchange: str, ticker: str) -> None:
    reached = Exchanges(markets={exchange: FakeMarkets(exchange, ("ETH/BTC", ticker, "LTC/BTC"))})
    account = ExchangeAccount.objects.get(pk=added(exchange, reached=reached).pk)
    assert (account.environment, account.sealed_key, account.label) == (Environment.PAPER, "", "Real prices")
    offer = OFFERS[exchange]
    assert paper_money_on(account) == {offer.quote: offer.paper_money}
    assert LedgerEntry.objects.get(account=account).purpose == "deposit"
    assert f"{offer.paper_money:,} {offer.quote}" in ActivityLog.objects.get(user=people.alice()).message
    assert Market.objects.filter(exchange=exchange).exists()


@pytest.mark.parametrize(
    ("quote", "money"), [("EUR", Decimal(10_000)), ("KRW", Decimal(15_000_000)), ("TRY", Decimal(400_000))]
)
def test_where_nothing_is_traded_for_that_it_has_what_most_markets_take(quote: str, money: Decimal) -> None:
    tickers = ("ETH/BTC", f"BTC/{quote}", f"ETH/{quote}")
    account = added("gate", reached=Exchanges(markets={"gate": FakeMarkets("gate", tickers)}))
    assert paper_money_on(account) == {quote: money}


@pytest.mark.django_db(transaction=True)
def test_the_markets_are_asked_for_outside_any_transaction() -> None:
    source = FakeMarkets("binance")
    added(reached=Exchanges(markets={"binance": source}))
    assert (source.loads, source.in_transaction) == (1, False)
    assert not connection.in_atomic_block


@pytest.mark.parametrize("trouble", [Unreachable("down"), RateLimited("slow down", wait_s=60)])
def test_an_exchange_that_cannot_be_reached_leaves_nothing(trouble: Unreachable) -> None:
    with pytest.raises(ServiceRefused, match="Binance could not be reached, so nothing was saved"):
        added(reached=Exchanges(markets={"binance": FakeMarkets("binance", trouble=trouble)}))
    assert not accounts_of(people.alice()).exists()
    assert not ActivityLog.objects.exists()


def test_an_exchange_that_is_not_reached_here_or_not_known_is_refused() -> None:
    with pytest.raises(ServiceRefused, match="does not reach Binance"):
        added(reached=Exchanges())
    with pytest.raises(ServiceRefused, match="there is no nowhere"):
        added("nowhere")


def test_its_label_is_its_own() -> None:
    people.paper_account(people.alice())
    added()
    for label in ("real prices", "paper", "", "x" * 65):
        with pytest.raises(ServiceRefused, match="Label"):
            added(label=label)


def test_a_person_has_so_many_accounts_at_most() -> None:
    for number in range(ACCOUNTS_PER_USER_MAX):
        added(label=f"Number {number}")
    with pytest.raises(ServiceRefused, match="delete one first"):
        added(label="One more")


def test_it_is_renamed_and_deleted_like_any_other() -> None:
    account = account_rename(account=added(), label="Other", now=NOW)
    assert account.label == "Other"
    account_delete(account=account, now=NOW)
    account_delete(account=account, now=NOW)
    assert not accounts_of(people.alice()).exists()
    messages = list(ActivityLog.objects.order_by("pk").values_list("message", flat=True))
    assert messages[-1] == "Other was deleted."
    assert free_money(people.alice()) == {}, "what a deleted account held is no money any more"


def test_with_a_bot_on_it_it_stays() -> None:
    account = added()
    people.bot(people.alice(), account=account, exchange="binance")
    with pytest.raises(ServiceRefused, match="is used by Demo grid"):
        account_delete(account=account, now=NOW)


def test_no_bot_is_made_on_a_deleted_account() -> None:
    account = added()
    account_delete(account=account, now=NOW)
    with pytest.raises(ServiceRefused, match="it was deleted") as refused:
        bot_create(
            user=people.alice(),
            account=account,
            name="Late",
            bot_type="grid",
            ticker="BTC/USDT",
            values=people.GRID,
            now=NOW,
        )
    assert refused.value.problems[0].field == "account"
    assert not Bot.objects.exists()


def test_it_has_no_key_to_test_or_replace() -> None:
    account = added()
    with pytest.raises(ServiceRefused, match="has no key"):
        account_test(account=account, exchanges=exchanges(), keys=KEYS, now=NOW)
    with pytest.raises(ServiceRefused, match="has no key"):
        account_replace_key(
            account=account,
            credentials=credentials(),
            consent=False,
            exchanges=exchanges(),
            keys=KEYS,
            now=NOW,
        )


def test_the_markets_of_exchanges_in_use_are_loaded_again() -> None:
    reached = exchanges()
    added("kraken", reached=reached)
    desk.account(people.alice(), label="With a key")
    gone = added("okx", label="Gone", reached=reached)
    account_delete(account=gone, now=NOW)
    fresh = {name: FakeMarkets(name) for name in OFFERS}
    fresh["binance"].trouble = Unreachable("down")
    assert markets_refresh(exchanges=Exchanges(markets=fresh), now=NOW) == 1
    assert {name: source.loads for name, source in fresh.items() if source.loads} == {
        "binance": 1,
        "kraken": 1,
    }


def test_markets_are_offered_by_currency_in_their_newest_version() -> None:
    added()
    assert tickers_of("binance", ["USDT"]) == ["BTC/USDT", "ETH/USDT"]
    assert tickers_of("binance", ["USD", "BTC"]) == ["BTC/USD", "ETH/BTC"]
    assert tickers_of("binance", []) == []
    old = Market.objects.get(exchange="binance", ticker="ETH/USDT")
    old.pk, old.version, old.active = None, 2, False
    old.save(force_insert=True)
    assert tickers_of("binance", ["USDT"]) == ["BTC/USDT"]
