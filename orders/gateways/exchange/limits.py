"""How many requests each exchange takes, by its own documentation: figures alone.

An exchange may count in windows that turn when ours do not, or let a bucket drain. Half of what it allows,
in any window of ours, is then never more than all of it in one of its own. Binance's minutes are those of its
clock, which ours follows: there nine tenths are used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
DAY_MS = 24 * 60 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in each window. `by_request`: every request counts 1, whatever its weight. `told` is the
    header in which the exchange tells its own count."""

    most: int
    window_ms: int
    by_request: bool = False
    told: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Counted by where requests come from, by account, and for new orders alone, by account.

    `weight_per_cost`: the exchange's own weight of what ccxt says costs 1. None: no weight is known, and a
    request weighs as many ms as ccxt would have the next one wait.
    """

    address: tuple[Limit, ...] = ()
    account: tuple[Limit, ...] = ()
    orders: tuple[Limit, ...] = ()
    weight_per_cost: float | None = None

    def weight(self, cost: float, pace_ms: float) -> int:
        """What a request counts, of which ccxt says that it costs `cost`, each of them `pace_ms` apart."""
        each = pace_ms if self.weight_per_cost is None else self.weight_per_cost
        return ceil(round(cost * each, 6))


LIMITS: Mapping[str, Limits] = {
    # REQUEST_WEIGHT 6000 a minute by address; ORDERS 100 in 10 s and 200 000 a day by account (exchangeInfo,
    # rateLimits). RAW_REQUESTS, 61 000 in 5 min, is never reached within that weight.
    "binance": Limits(
        address=(Limit(5_400, MINUTE_MS, told="X-MBX-USED-WEIGHT-1M"),),
        orders=(
            Limit(90, 10 * SECOND_MS, told="X-MBX-ORDER-COUNT-10S"),
            Limit(180_000, DAY_MS, told="X-MBX-ORDER-COUNT-1D"),
        ),
        weight_per_cost=5,
    ),
    # 600 requests in 5 s by address; 10 to 50 a second by account, as the endpoint (Rate Limit Rules).
    "bybit": Limits(
        address=(Limit(300, 5 * SECOND_MS, by_request=True),),
        account=(Limit(500, SECOND_MS),),
    ),
    # By account and endpoint, mostly 20 or 60 in 2 s; public ones by address (Rate Limits).
    "okx": Limits(account=(Limit(1_000, 2 * SECOND_MS),)),
    # A bucket of 15 that drains by one in 3 s, a call mostly 1, a list of trades 2; 60 orders in a market,
    # draining by one a second: both of the lowest verified tier (Spot Rate Limits).
    "kraken": Limits(
        account=(Limit(22_500, 22_500),),
        orders=(Limit(30, 30 * SECOND_MS),),
    ),
    # 30 a second by account, public ones 10 a second by address (Advanced Trade Rate Limits).
    "coinbase": Limits(account=(Limit(500, SECOND_MS),)),
}
# Where nothing is written down: ccxt's own pace, half of it, by address.
PACED = Limits(address=(Limit(5_000, 10 * SECOND_MS),))


def limits_of(exchange: str) -> Limits:
    return LIMITS.get(exchange, PACED)
