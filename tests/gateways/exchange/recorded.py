"""Answers of exchanges that are offered on paper alone, in the form their documents show, by path."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.core.cache import cache
from requests import PreparedRequest, Response

from orders.gateways.exchange.clients import ProcessClients
from tests.gateways.exchange.wire import Wire

MINUTE_MS = 60_000
FROM_MS = 1_767_225_600_000  # 2026-01-01 00:00 UTC


@dataclass(frozen=True, slots=True)
class Recording:
    """`bodies` by the path that is asked for; `ticker` is a market of it."""

    exchange: str
    ticker: str
    bodies: Mapping[str, Any]
    asked: list[str] = field(default_factory=list)


class Player(Wire):
    """Answers with what was recorded; whatever was not is not found."""

    def __init__(self, bodies: Mapping[str, Any]) -> None:
        super().__init__()
        self.bodies = dict(bodies)

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        body = self.bodies.get(str(urlsplit(request.url or "").path))
        self.answers = deque([(404, "not recorded") if body is None else (200, body)])
        return super().send(request)

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


def clients_of(exchange: str, player: Player) -> ProcessClients:
    cache.clear()
    options = {"enableRateLimit": False, "session": player.session()}
    return ProcessClients(overrides={exchange: options}, keys=())


def _rows(*columns: int) -> list[list[Any]]:
    """Two candles: their time, then open, high, low, close and volume, in this order of columns."""
    told = [
        [FROM_MS, 100.0, 102.0, 99.0, 101.0, 5.0],
        [FROM_MS + MINUTE_MS, 101.0, 103.0, 100.0, 102.0, 6.0],
    ]
    return [[row[column] for column in columns] for row in told]


_BITFINEX_PAIRS = [
    ["BTCUSD", [None, None, None, "0.00004", "2000.0", None, None, None, None, None, None, None]],
    ["DOGE:USD", [None, None, None, "22.0", "5000000.0", None, None, None, None, None, None, None]],
    ["GONE:USD", [None, None, None, "1.0", "5.0", None, None, None, None, None, None, None]],
]
# Prices of so many digits, so that a step depends on the price.
BITFINEX = Recording(
    "bitfinex",
    "BTC/USD",
    {
        "/v2/conf/pub:info:pair,pub:info:pair:futures,pub:list:pair:securities,pub:list:pair:margin": [
            _BITFINEX_PAIRS,
            [],
            [],
            ["BTCUSD"],
        ],
        "/v2/conf/pub:list:currency,pub:map:currency:sym,pub:map:currency:label,pub:map:currency:unit,"
        "pub:map:currency:undl,pub:map:currency:pool,pub:map:currency:explorer,pub:map:currency:tx:fee,"
        "pub:map:tx:method,pub:info:tx:status,pub:list:currency:margin": [
            ["BTC", "DOGE", "USD"],
            *([] for _ in range(10)),
        ],
        "/v2/tickers": [
            ["tBTCUSD", 67123, 1.5, 67124, 2.5, 100, 0.001, 67123, 900.5, 68000, 66000],
            ["tDOGE:USD", 0.12345, 100, 0.12346, 100, 0.001, 0.01, 0.12346, 100000, 0.13, 0.12],
        ],
        "/v2/candles/trade:1m:tBTCUSD/hist": _rows(0, 1, 4, 2, 3, 5),
    },
)
# Its tickers have no bid and no ask.
UPBIT = Recording(
    "upbit",
    "BTC/KRW",
    {
        "/v1/market/all": [{"market": "KRW-BTC", "korean_name": "비트코인", "english_name": "Bitcoin"}],
        "/v1/ticker": [{"market": "KRW-BTC", "trade_price": 5163000.0, "timestamp": FROM_MS}],
        "/v1/orderbook": [
            {
                "market": "KRW-BTC",
                "timestamp": FROM_MS,
                "orderbook_units": [
                    {"ask_price": 5164000, "bid_price": 5162000, "ask_size": 2.57606495, "bid_size": 0.214},
                    {"ask_price": 5176000, "bid_price": 5152000, "ask_size": 2.752, "bid_size": 0.4650305},
                ],
            }
        ],
        "/v1/candles/minutes/1": [
            {
                "market": "KRW-BTC",
                "candle_date_time_utc": f"2026-01-01T00:0{minute}:00",
                "opening_price": opened,
                "high_price": high,
                "low_price": low,
                "trade_price": close,
                "candle_acc_trade_volume": volume,
            }
            for minute, (opened, high, low, close, volume) in enumerate(_rows(1, 2, 3, 4, 5))
        ],
    },
)
# One market's price at a time.
BITBANK = Recording(
    "bitbank",
    "BTC/JPY",
    {
        "/spot/pairs": {
            "success": 1,
            "data": {
                "pairs": [
                    {
                        "name": "btc_jpy",
                        "base_asset": "btc",
                        "quote_asset": "jpy",
                        "maker_fee_rate_quote": "-0.0002",
                        "taker_fee_rate_quote": "0.0012",
                        "unit_amount": "0.0001",
                        "limit_max_amount": "1000",
                        "price_digits": 0,
                        "amount_digits": 4,
                        "is_enabled": True,
                    }
                ]
            },
        },
        "/btc_jpy/ticker": {
            "success": 1,
            "data": {"sell": "9500001", "buy": "9499999", "last": "9500000", "timestamp": FROM_MS},
        },
        "/btc_jpy/candlestick/1min/20260101": {
            "success": 1,
            "data": {"candlestick": [{"type": "1min", "ohlcv": _rows(1, 2, 3, 4, 5, 0)}]},
        },
    },
)
# Steps told as such, a fee in percent.
GATE = Recording(
    "gate",
    "BTC/USDT",
    {
        "/api/v4/spot/time": {"server_time": FROM_MS + 10 * MINUTE_MS},
        "/api/v4/spot/currencies": [],
        "/api/v4/margin/currency_pairs": [],
        "/api/v4/spot/currency_pairs": [
            {
                "id": "BTC_USDT",
                "base": "BTC",
                "quote": "USDT",
                "fee": "0.2",
                "min_quote_amount": "3",
                "amount_precision": 6,
                "precision": 1,
                "trade_status": "tradable",
            }
        ],
        "/api/v4/spot/tickers": [
            {
                "currency_pair": "BTC_USDT",
                "last": "67123.4",
                "lowest_ask": "67123.5",
                "highest_bid": "67123.3",
            }
        ],
        "/api/v4/spot/candlesticks": [
            [str(cell) for cell in [at // 1000, volume * close, close, high, low, opened, volume]]
            for at, opened, high, low, close, volume in _rows(0, 1, 2, 3, 4, 5)
        ],
    },
)
RECORDINGS = (BITFINEX, UPBIT, BITBANK, GATE)
