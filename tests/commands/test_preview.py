"""`manage.py preview` needs no database, and says everything in numbers that keep their digits."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

CUSTOM = ("--ticker=X/USDT", "--tick=0.01", "--lot=0.0001", "--min-cost=5", "--fee-pct=0")


def preview(*words: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    status = 0
    try:
        call_command("preview", *words, "--json", stdout=out)
    except SystemExit as ended:
        status = int(str(ended.code))
    return status, json.loads(out.getvalue())


def test_a_dca_is_shown_order_by_order() -> None:
    """V-DCA-10's ladder: 1.5, 3.3, 5.46, 8.052 and 11.1624 % under 100."""
    values = {
        "investment": "300",
        "base_order_volume": "10",
        "safety_order_volume": "20",
        "max_slippage_pct": "0",
    }
    words = [f"--set={name}={value}" for name, value in values.items()]
    status, told = preview("dca", *words, "--price=100", *CUSTOM)
    assert (status, told["ok"]) == (0, True)
    prices = [order["price"] for order in told["orders"] if "safety" in order["slot"]]
    assert prices == ["98.5", "96.7", "94.54", "91.94", "88.83"]
    assert set(told["orders"][0]) == {"slot", "side", "type", "price", "amount", "cost"}
    assert told["orders"][0]["type"] == "market"


def test_a_preflight_that_refuses_ends_with_1_and_names_field_and_fix() -> None:
    small = ("--set=investment=250", "--set=safety_order_volume=3")
    status, told = preview("dca", *small, "--price=60000")
    assert (status, told["ok"]) == (1, False)
    problem = told["problems"][0]
    assert problem["field"] == "safety_order_volume"
    assert float(problem["fix"]) > 5


def test_settings_that_can_not_be_end_with_2_and_the_nearest_name() -> None:
    status, told = preview("grid", "--set=investment=100", "--set=lover_price=5", "--price=100")
    assert (status, told["ok"], told["orders"]) == (2, False, [])
    assert "lower_price" in {problem["fix"] for problem in told["problems"]}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--price=0"], "--price must be above 0"),
        (["--price=1", "--ticker=NOPE"], "BASE/QUOTE"),
        (["--price=1", "--ticker=NO/PE"], "is not listed; give its rules"),
        (["--price=1", "--ticker=NO/PE", "--tick=0", "--lot=1"], "--tick must be above 0"),
    ],
)
def test_words_that_make_no_market_are_one_sentence_and_end_with_2(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as refusal:
        call_command("preview", "dca", "--set=investment=250", *words)
    assert refusal.value.returncode == 2
