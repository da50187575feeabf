"""What the price chart draws: candles, the bot's fills among them, and its resting orders."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from bots.models import Bot
from bots.strategies.base import Candles
from bots.views.people import UserRequest, own_bot
from orders.gateways.base import GatewayError
from orders.gateways.candle_file import exact
from orders.gateways.installed import installed
from orders.matching import Quote
from orders.queries import latest_markets, resting_orders, trades_of
from tradingbot.clock import TIMEFRAMES_S, moment_of

TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h")
CANDLES = 300
FILLS_MAX = 500
ORDERS_MAX = 250


def timeframe_of(request: HttpRequest) -> str:
    asked = request.GET.get("timeframe", "")
    return asked if asked in TIMEFRAMES else TIMEFRAMES[0]


@require_safe
def chart(request: UserRequest, bot_id: UUID) -> HttpResponse:
    """Money as text, times in seconds of market time."""
    bot, timeframe = own_bot(request, bot_id), timeframe_of(request)
    rows = _candles(bot, timeframe)
    market = latest_markets({(bot.exchange, bot.ticker)})[bot.exchange, bot.ticker]
    return JsonResponse(
        {
            "ticker": bot.ticker,
            "tick": f"{market.tick.normalize():f}",
            "candles": rows,
            "fills": _fills(request, bot, rows),
            "orders": [
                {
                    "slot": order.slot,
                    "side": order.side,
                    "price": f"{(order.trigger or order.price).normalize():f}",
                    "amount": f"{order.amount.normalize():f}",
                }
                for order in resting_orders([bot.pk]).order_by("price")[:ORDERS_MAX]
                if order.price is not None
            ],
        }
    )


def _candles(bot: Bot, timeframe: str) -> list[dict[str, Any]]:
    """None where the exchange does not answer; orders are drawn all the same."""
    prices = installed().prices.get(bot.exchange)
    quote = prices.quotes([bot.ticker]).get(bot.ticker) if prices else None
    if prices is None or quote is None:
        return []
    try:
        found = prices.candles(ticker=bot.ticker, timeframe=timeframe, until=quote.at, count=CANDLES)
    except GatewayError:
        return []
    return _with_open_candle(_rows(found), quote, TIMEFRAMES_S[timeframe])


def _rows(candles: Candles) -> list[dict[str, Any]]:
    columns = {"open": candles.open, "high": candles.high, "low": candles.low, "close": candles.close}
    return [
        {
            "time": int(candles.at[row]) // 1000,
            **{name: f"{exact(column[row]):f}" for name, column in columns.items()},
        }
        for row in range(len(candles))
    ]


def _with_open_candle(rows: list[dict[str, Any]], quote: Quote, length_s: int) -> list[dict[str, Any]]:
    """The candle that is still open, as far as it is known: the last price."""
    second = quote.at // 1000
    opened = second - second % length_s
    if rows and rows[-1]["time"] >= opened:
        return rows
    last = f"{quote.last.normalize():f}"
    begun = rows[-1]["close"] if rows and rows[-1]["time"] + length_s == opened else last
    high, low = max(begun, last, key=float), min(begun, last, key=float)
    return [*rows, {"time": opened, "open": begun, "high": high, "low": low, "close": last}]


def _fills(request: UserRequest, bot: Bot, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not rows:
        return []
    since = moment_of(rows[0]["time"] * 1000)
    found = trades_of(request.user).filter(bot=bot, correction=0, executed_at__gte=since)
    return [
        {
            "time": int(trade.executed_at.timestamp()),
            "side": trade.side,
            "price": f"{trade.price.normalize():f}",
            "amount": f"{trade.quantity.normalize():f}",
        }
        for trade in reversed(found.order_by("-number")[:FILLS_MAX])
    ]
