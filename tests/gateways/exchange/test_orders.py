"""ccxt's orders and trades as reports: however they come, the same; and what cannot be is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.gateways.base import Unreachable
from orders.gateways.exchange.orders import fill_reports, found
from orders.states import OrderStatus
from tradingbot.clock import moment_of

D = Decimal
AT = 1_700_000_000_000
AMOUNTS = st.decimals("0.00000001", "1000000", places=8).map(str)


def trade(number: Any = "1", **changes: Any) -> dict[str, Any]:
    told = {
        "id": number,
        "timestamp": AT,
        "symbol": "BTC/USDT",
        "amount": "0.5",
        "price": "100",
        "takerOrMaker": "maker",
        "fees": [{"cost": "0.05", "currency": "USDT"}],
    }
    return told | changes


def trades(ids: list[int], amounts: list[str]) -> list[dict[str, Any]]:
    return [trade(str(number), timestamp=AT + number % 3, amount=amounts[0]) for number in ids]


@given(
    ids=st.lists(st.integers(1, 99), unique=True, min_size=1, max_size=12),
    amounts=st.lists(AMOUNTS, min_size=1, max_size=1),
    chance=st.randoms(),
)
def test_any_order_duplication_and_batching_gives_the_same_reports(
    ids: list[int], amounts: list[str], chance: Any
) -> None:
    once = trades(ids, amounts)
    reports = fill_reports(once)
    again = [*once, *chance.sample(once, chance.randint(0, len(once)))]
    chance.shuffle(again)
    assert fill_reports(again) == reports
    cut = chance.randint(0, len(again))
    batches = [*fill_reports(again[:cut]), *fill_reports(again[cut:])]
    assert {report.trade_id: report for report in batches} == {report.trade_id: report for report in reports}
    assert sum(report.amount for report in reports) == sum(D(told["amount"]) for told in once)
    assert [report.at for report in reports] == sorted(report.at for report in reports)


def test_a_report_says_exactly_what_was_told() -> None:
    (report,) = fill_reports([trade("7", amount="0.123456789012345678", price="0.00000001")])
    assert (report.trade_id, report.amount, report.price) == ("7", D("0.123456789012345678"), D("0.00000001"))
    assert (report.fee, report.fee_currency, report.maker) == (D("0.05"), "USDT", True)
    assert report.at == datetime.fromtimestamp(AT / 1000, UTC)
    assert not fill_reports([trade(takerOrMaker=None)])[0].maker


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": ""},
        {"timestamp": None},
        {"timestamp": "soon"},
        {"timestamp": float("nan")},
        {"timestamp": 10**30},
        {"amount": None},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "NaN"},
        {"amount": "Infinity"},
        {"amount": "much"},
        {"amount": "1e20"},
        {"price": None},
        {"price": "0"},
        {"price": "-1"},
        {"price": "NaN"},
        {"fees": [{"cost": "NaN", "currency": "USDT"}]},
        {"fees": [{"cost": "1", "currency": "USDT"}, {"cost": "1", "currency": "BNB"}]},
        {"fees": [], "fee": None, "symbol": None},
    ],
)
def test_a_fill_that_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreachable):
        fill_reports([trade("1"), trade("2", **wrong)])


@pytest.mark.parametrize(
    ("told", "currency", "fee"),
    [
        ({"fees": [{"cost": "0.1", "currency": "BNB"}]}, "BNB", "0.1"),
        ({"fees": [{"cost": "-0.1", "currency": "USDT"}]}, "USDT", "-0.1"),
        (
            {"fees": [{"cost": "0.1", "currency": "USDT"}, {"cost": "0.2", "currency": "USDT"}]},
            "USDT",
            "0.3",
        ),
        ({"fees": None, "fee": {"cost": "0.1", "currency": "BTC"}}, "BTC", "0.1"),
        ({"fees": [{"cost": "0", "currency": "BNB"}]}, "BNB", "0"),
        ({"fees": [{"cost": "0.00", "currency": None}]}, "USDT", "0"),
    ],
)
def test_the_fee_is_what_was_taken_in_its_own_currency(told: dict[str, Any], currency: str, fee: str) -> None:
    (report,) = fill_reports([trade(**told)])
    assert (report.fee_currency, report.fee, report.fee_pending) == (currency, D(fee), False)


@pytest.mark.parametrize(
    "told",
    [
        {"fees": [], "fee": {"cost": None, "currency": None}},
        {"fees": [], "fee": None},
        {"fees": None, "fee": None},
        {"fees": [{"cost": None, "currency": "BNB"}]},
        {"fees": [{"cost": "", "currency": "BNB"}]},
        {"fees": [{"cost": "1", "currency": None}]},
        {"fees": [{"cost": "1", "currency": ""}]},
    ],
)
def test_a_fee_without_amount_or_currency_is_not_told_yet(told: dict[str, Any]) -> None:
    (report,) = fill_reports([trade(**told)])
    assert report.fee_pending
    assert report.amount == D("0.5"), "its fill is told all the same"


ORDER: dict[str, Any] = {
    "id": 7,
    "clientOrderId": "ours",
    "status": "closed",
    "filled": "0.5",
    "timestamp": AT,
    "lastTradeTimestamp": AT + 5,
}


def test_an_order_is_told_with_its_last_change() -> None:
    known = found(ORDER)
    assert (known.order_id, known.client_id, known.status) == ("7", "ours", OrderStatus.FILLED)
    assert (known.filled, known.at) == (D("0.5"), moment_of(AT + 5))
    assert found({**ORDER, "filled": None, "clientOrderId": None}).filled == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": ""},
        {"filled": "NaN"},
        {"filled": "some"},
    ],
)
def test_an_order_told_wrong_stays_as_it_is(wrong: dict[str, Any]) -> None:
    with pytest.raises(Unreachable):
        found({**ORDER, **wrong})


@pytest.mark.parametrize("word", ["PENDING_NEW", "TRADE_PREVENTION"])
def test_a_status_nobody_knows_is_kept_in_the_exchanges_own_word(word: str) -> None:
    known = found({**ORDER, "status": word})
    assert (known.status, known.odd, known.filled) == (OrderStatus.UNKNOWN, word, D("0.5"))
    assert found({**ORDER, "status": None}).status is OrderStatus.UNKNOWN
    assert found(ORDER).odd == ""
