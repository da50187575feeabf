"""One brain, two bodies: a backtest and the paper engine decide, order, fill and book the very same."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from tests.backtest.twins import in_memory, with_rows
from tests.faults.tapes import walked

pytestmark = pytest.mark.django_db(transaction=True)

MINUTES = 240
BOTS: dict[str, dict[str, Any]] = {
    "grid": {"investment": "2000", "lower_price": "57000", "upper_price": "63000", "lines": 25},
    "dca": {
        "investment": "250",
        "safety_order_step_pct": "0.3",
        "take_profit_pct": "0.4",
        "cooldown_s": 0,
    },
}


@pytest.mark.parametrize("bot_type", BOTS)
def test_a_backtest_and_the_paper_engine_agree_on_everything(bot_type: str, tmp_path: Path) -> None:
    path = walked(tmp_path / "walk.csv", MINUTES)
    values = BOTS[bot_type]
    told = in_memory(bot_type, values, path)
    rows = with_rows(bot_type, values, path, User.objects.create_user("alice@example.com"))
    assert len(told.fills) > 4
    assert told.fills == rows.fills
    assert told.orders == rows.orders
    for mine, theirs in zip(told.decisions, rows.decisions, strict=False):
        assert mine == theirs
    assert len(told.decisions) == len(rows.decisions)
    assert told.ledger == rows.ledger
    assert told.money == rows.money
