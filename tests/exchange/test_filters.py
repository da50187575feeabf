"""What an order must be like: each filter refuses with its code and its text."""

from decimal import Decimal

import pytest

from tests.exchange.ledger import Ledger
from tests.exchange.orders import Wish
from tests.exchange.rejections import Rejection
from tests.exchange.symbols import SYMBOLS, Symbol

D = Decimal
KEY = "alice-key"


@pytest.fixture
def ledger() -> Ledger:
    """SOL at 100 USDT: tick 0.01, lot 0.001, at least 5 USDT."""
    ledger = Ledger(SYMBOLS, clock=lambda: 1)
    ledger.open_account(KEY, "secret", USDT=1_000, SOL=10)
    return ledger


def limit(quantity: str, price: str, *, side: str = "BUY", kind: str = "LIMIT", name: str = "one") -> Wish:
    return Wish("SOLUSDT", side, kind, name, D(quantity), D(price))


@pytest.mark.parametrize(
    ("wish", "code", "message"),
    [
        (limit("1", "90.005"), -1013, "Filter failure: PRICE_FILTER"),
        (limit("1", "1000001"), -1013, "Filter failure: PRICE_FILTER"),
        (limit("1", "0"), -1013, "Invalid price."),
        (limit("0", "90"), -1013, "Invalid quantity."),
        (limit("1.0005", "90"), -1013, "Filter failure: LOT_SIZE"),
        (limit("90001", "90"), -1013, "Filter failure: LOT_SIZE"),
        (limit("0.01", "90"), -1013, "Filter failure: NOTIONAL"),
        (Wish("SOLUSDT", "BUY", "MARKET", "one", D("0.049")), -1013, "Filter failure: NOTIONAL"),
        (limit("1", "19.99"), -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        (limit("1", "500.01", side="SELL"), -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        (limit("1", "100", kind="LIMIT_MAKER"), -2010, "Order would immediately match and take."),
        (
            limit("1", "99.99", side="SELL", kind="LIMIT_MAKER"),
            -2010,
            "Order would immediately match and take.",
        ),
        (limit("11.2", "90"), -2010, "Account has insufficient balance for requested action."),
        (limit("11", "110", side="SELL"), -2010, "Account has insufficient balance for requested action."),
        (Wish("DOGEUSDT", "BUY", "MARKET", "one", D(1)), -1121, "Invalid symbol."),
    ],
    ids=lambda value: str(value) if isinstance(value, int | str) else "",
)
def test_an_order_is_refused_by_the_first_rule_it_breaks(
    ledger: Ledger, wish: Wish, code: int, message: str
) -> None:
    with pytest.raises(Rejection) as refused:
        ledger.place(KEY, wish)
    assert (refused.value.code, refused.value.message) == (code, message)
    assert ledger.orders == []
    assert ledger.accounts[KEY].balances["USDT"].free == 1_000


def test_no_more_orders_rest_than_the_symbol_allows(ledger: Ledger) -> None:
    ledger.change_symbol("SOLUSDT", max_orders=1)
    ledger.place(KEY, limit("1", "90"))
    with pytest.raises(Rejection, match="MAX_NUM_ORDERS"):
        ledger.place(KEY, limit("1", "90", name="two"))


def test_rules_may_change_while_bots_run(ledger: Ledger) -> None:
    ledger.change_symbol("SOLUSDT", tick=D("0.1"))
    with pytest.raises(Rejection, match="PRICE_FILTER"):
        ledger.place(KEY, limit("1", "90.01"))
    ledger.change_symbol("SOLUSDT", status="BREAK")
    with pytest.raises(Rejection, match="Market is closed"):
        ledger.place(KEY, limit("1", "90"))


def test_a_symbol_whose_costs_could_not_be_told_exactly_is_refused() -> None:
    with pytest.raises(ValueError, match="digits"):
        Symbol("ETH", "BTC", tick=D("0.00001"), step=D("0.0001"))
