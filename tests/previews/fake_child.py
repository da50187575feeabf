"""A child for tests, with the standard library alone: what it says to a request is in the request.

The settings' `does` (or else the first word on its command line) names what it does; an ordinary
request gets the result of the last word, a file, or else a small one.
"""

import json
import os
import sys
import time
from typing import Any

RESULT: dict[str, Any] = {
    "start_equity": "1000",
    "end_equity": "1061.63",
    "equities": ["1010", "990.5"],
    "candles": {
        "timeframe": "5m",
        "since": "2025-01-05T00:00:00.000Z",
        "until": "2025-01-08T00:00:00.000Z",
        "missing": 0,
    },
    "remarks": [],
    "benchmark": [
        {"name": "Buy and hold", "profit": "50.94", "profit_pct": 5.094},
        {"name": "Even DCA", "profit": "-18.8", "profit_pct": -1.88},
    ],
    "statistics": {
        "by_deals": True,
        "too_few": True,
        "net_profit": "61.63",
        "net_profit_pct": 6.163,
        "sharpe": 1.72,
        "drawdown": {"pct": 1.059},
        "results": {"count": 7, "win_rate": 0.75, "win_rate_low": 0.41, "win_rate_high": 0.93},
        "trades": 21,
        "fees": "8.34",
    },
}


def say(**told: Any) -> None:
    print(json.dumps(told), flush=True)  # noqa: T201 - this is how a child speaks


def answer(number: int, does: str) -> None:
    if does == "hang":
        say(id=number, progress=0.43)
        time.sleep(60)
    elif does == "die":
        os._exit(1)
    elif does == "babble":
        print("no JSON at all", flush=True)  # noqa: T201
        time.sleep(60)
    elif does == "mistake":
        say(id=number + 1, result={})
        time.sleep(60)
    elif does == "refuse":
        say(id=number, refused=[{"code": "no", "field": "lines", "message": "Not with so many lines."}])
    elif does == "fail":
        say(id=number, failed="It could not be done.")
    else:
        say(id=number, result={**RESULT, "pid": os.getpid(), "environment": sorted(os.environ)})


if __name__ == "__main__":
    say(ready=True)
    for line in sys.stdin:
        asked = json.loads(line)
        answer(asked["id"], asked["request"]["values"].get("does") or "".join(sys.argv[1:2]))
