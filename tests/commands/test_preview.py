"""`manage.py preview` needs no database, and says everything in numbers that keep their digits."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

KEYS = {
    "ok", "orders", "required_quote", "required_base", "break_even_price", "take_profit_price",
    "worst_case_loss", "wins_needed_pct", "levels", "problems",
}  # fmt: skip
LEVEL_KEYS = {"slot", "price", "average", "break_even", "target", "bounce_pct", "profit"}
PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")
# What starts at a price of 100, and what a market of this kind refuses.
SETTINGS = {
    "grid": ["--set=lower_price=90", "--set=upper_price=110", "--set=lines=5"],
    "dca": ["--set=stop_loss_pct=40"],
    "momentum": ["--set=take_profit_pct=4", "--set=stop=percent"],
    "dip": [],
    "scalper": [],
}
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


def test_the_stop_of_a_momentum_bot_is_shown_where_one_rests() -> None:
    words = ("--set=investment=500", "--set=stop=percent", "--set=take_profit_pct=4")
    _, told = preview("momentum", *words, "--ticker=BTC/USDT", "--price=60000")
    stop = told["orders"][-1]
    assert (stop["slot"], stop["type"], stop["trigger"]) == ("deal-1/stop", "stop", "57000")
    assert [order["slot"] for order in told["orders"]] == ["deal-1/entry", "deal-1/stop"]
    out = StringIO()
    call_command("preview", "momentum", *words, "--ticker=BTC/USDT", "--price=60000", stdout=out)
    assert re.search(r"deal-1/stop +sell +stop-limit +55860 \(trigger 57000\)", out.getvalue())
    _, told = preview("momentum", *words, "--ticker=AWK/USDT", "--price=12")
    assert [order["slot"] for order in told["orders"]] == ["deal-1/entry", "deal-1/target"]


def strings_of(told: Any) -> Iterator[str]:
    """Every number of the answer, as it stands there."""
    names = ("price", "amount", "cost", *LEVEL_KEYS - {"slot"})
    for row in (*told["orders"], *told["levels"]):
        yield from (row[name] for name in names if row.get(name) is not None)
    sums = KEYS - {"ok", "orders", "levels", "problems"}
    yield from (told[name] for name in sums if told[name] is not None)


@pytest.mark.parametrize("bot_type", sorted(SETTINGS))
def test_the_answer_has_exactly_these_keys_and_numbers_as_plain_strings(bot_type: str) -> None:
    words = ("--set=investment=500", *SETTINGS[bot_type], "--price=100", *CUSTOM)
    status, told = preview(bot_type, *words)
    assert (status, told["ok"], set(told)) == (0, True, KEYS)
    assert {key for order in told["orders"] for key in order} == {
        "slot", "side", "type", "price", "amount", "cost",
    }  # fmt: skip
    assert {order["side"] for order in told["orders"]} == {"buy", "sell"}
    assert {order["type"] for order in told["orders"]} <= {"limit", "market"}
    assert {key for level in told["levels"] for key in level} == LEVEL_KEYS
    numbers = list(strings_of(told))
    assert len(numbers) > 10
    assert all(isinstance(one, str) and PLAIN_NUMBER.fullmatch(one) for one in numbers)
    assert told["worst_case_loss"] is not None
    assert told["break_even_price"] is not None
    assert (told["wins_needed_pct"] is not None) is (bot_type == "scalper")


@pytest.mark.parametrize("bot_type", sorted(SETTINGS))
@pytest.mark.parametrize("value", ["5", "-1", "much"])
def test_a_refusal_has_the_same_keys_and_each_problem_its_own(bot_type: str, value: str) -> None:
    """Too small an investment for any market's minimum, one that cannot be, and one that is no number."""
    status, told = preview(bot_type, *SETTINGS[bot_type], f"--set=investment={value}", "--price=60000")
    assert (status > 0, told["ok"], set(told)) == (True, False, KEYS)
    assert told["problems"]
    for problem in told["problems"]:
        assert set(problem) == {"code", "field", "message", "fix", "warning"}
        assert all(isinstance(problem[key], str) for key in ("code", "field", "message", "fix"))
        assert problem["message"].endswith(".")
    assert "investment" in {problem["field"] for problem in told["problems"]}


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
