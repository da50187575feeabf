"""A child answers one request a line, and says so when it cannot."""

import io
import json
from pathlib import Path
from typing import Any

from bots.backtest.child import serve
from bots.backtest.request import FileSource, Request, Rules, StoreSource, read_request, tell_request
from tests.backtest.walks import BUSY, walk
from tests.faults.tapes import written


def answers(*asked: dict[str, Any]) -> list[dict[str, Any]]:
    out = io.StringIO()
    serve(io.StringIO("".join(json.dumps(one) + "\n" for one in asked)), out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def request(file: Path, **changes: Any) -> Request:
    given: dict[str, Any] = {"bot_type": "grid", "values": BUSY["grid"], "source": FileSource(file)}
    return Request(**{**given, "rules": Rules("BTC/USDT"), **changes})


def test_a_request_survives_its_journey() -> None:
    asked = Request("dca", {"investment": "5"}, StoreSource(Path("x"), "binance", "BTC/USDT", "1m"), since=5)
    assert read_request(json.loads(json.dumps(tell_request(asked)))) == asked


def test_each_line_is_answered_in_turn(tmp_path: Path) -> None:
    told = tell_request(request(written(tmp_path / "walk.csv", walk(1, 200))))
    ready, first, second = answers({"id": 1, "request": told}, {"id": 2, "request": told, "rows": False})
    assert ready == {"ready": True}
    assert first["id"] == 1
    assert first["result"]["ok"] is True
    assert len(first["result"]["trades"]) == first["result"]["statistics"]["trades"] > 0
    assert second["id"] == 2
    assert "trades" not in second["result"]
    assert second["result"]["end_equity"] == first["result"]["end_equity"]


def test_what_cannot_be_run_is_refused_by_field(tmp_path: Path) -> None:
    file = written(tmp_path / "walk.csv", walk(1, 50))
    _, told = answers({"id": 7, "request": tell_request(request(file, values={"lines": 1}))})
    assert told["id"] == 7
    assert {problem["field"] for problem in told["refused"]} >= {"investment", "lines"}


def test_rubbish_is_answered_and_the_next_line_still_heard(tmp_path: Path) -> None:
    file = written(tmp_path / "walk.csv", walk(1, 50))
    _, bad, good = answers(
        {"id": 1, "request": {"bot_type": 5}}, {"id": 2, "request": tell_request(request(file))}
    )
    assert bad["id"] == 1
    assert "ValidationError" in bad["failed"]
    assert good["result"]["ok"] is True
