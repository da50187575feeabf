"""Look: build what each bot may see, from rows and the last price, for many bots at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, reduce
from operator import or_
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from bots.models import Bot, BotCommand, BotSettings, BotStatus, Shortage, StopRequest
from bots.strategies.base import (
    Closed,
    Command,
    CommandKind,
    LiveOrder,
    OrderIntent,
    Role,
    Seen,
    SignalRow,
    Strategy,
    Wake,
    marked,
)
from bots.strategies.registry import BOT_TYPES, read_settings
from bots.strategies.wakes import reached
from orders.accounting import Position
from orders.gateways.base import Exchanges, GatewayError, Prices
from orders.gateways.candle_file import exact
from orders.matching import Quote
from orders.models import Market, Order, Trade
from orders.queries import latest_markets
from orders.rules import ZERO, OrderKind, Side
from orders.rules import Market as MarketOf
from orders.states import LIVE, OrderStatus
from orders.switches import levels_over, shortages_over
from tradingbot.clock import moment_of, ms_of

STRATEGIES_KEPT_MAX = 4096
R = TypeVar("R", Order, Trade, BotCommand)


@dataclass(frozen=True, slots=True)
class Look:
    """One bot as it was looked at: its row, what it sees, and the rows that were shown to it.

    `unasked`: a candle closed, it does not have the mark the bot waits for, and nothing else happened.
    `in_doubt`: of some order of this account in this market nobody knows yet whether it was placed.
    `switched`: the levels of the kill switches over the bot. `shortage`: what its account lacks, if anything
    that it trades. `awaits_candle`: one has closed that its
    exchange does not list yet.
    """

    bot: Bot
    strategy: Strategy[Any]
    market: Market
    settings_version: int
    quote: Quote
    seen: Seen
    live: list[Order]
    closed: list[Order]
    commands: list[BotCommand]
    unasked: bool = False
    in_doubt: bool = False
    switched: Sequence[str] = ()
    awaits_candle: bool = False
    shortage: Shortage | None = None

    @property
    def may_buy(self) -> bool:
        """Neither an order's fate nor the account's money is in doubt."""
        return not self.in_doubt and self.shortage is None

    @property
    def now(self) -> datetime:
        """Market time of the look."""
        return moment_of(self.seen.now)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Everything read for one chunk of bots, by bot."""

    orders: dict[UUID, list[Order]]
    trades: dict[UUID, list[Trade]]
    commands: dict[UUID, list[BotCommand]]
    doubts: set[tuple[UUID, str]]
    switched: dict[UUID, list[str]]
    shortages: dict[UUID, Shortage]


def look(token: UUID, ids: Collection[UUID], *, exchanges: Exchanges) -> list[Look]:
    """What each active bot of `ids` sees; a bot whose market has no price, or no candles, now is left out.

    The order of the reads matters: the count of events first, then orders, then position and
    trades. So whatever an order's end brought is among the trades, and whatever comes later is
    still news.
    """
    mine = Bot.objects.filter(pk__in=ids, lease_token=token, status=BotStatus.ACTIVE)
    events = dict(mine.values_list("pk", "events"))
    orders = _by_bot(Order.objects.filter(bot__in=events, settled=False).order_by("planned_at", "slot"))
    bots = list(mine.select_related("user", "account").filter(pk__in=events).order_by("id"))
    waiting = BotCommand.objects.filter(bot__in=events, decision_number__isnull=True).order_by("id")
    trades, commands = _by_bot(_new_trades(bots)), _by_bot(waiting)
    rows = _Rows(orders, trades, commands, _doubts(bots), levels_over(bots), shortages_over(bots))
    markets = latest_markets({(bot.exchange, bot.ticker) for bot in bots})
    quotes = _quotes(bots, exchanges)
    looks = []
    for bot in bots:
        bot.events = events[bot.pk]
        quote = quotes.get((bot.exchange, bot.ticker))
        if quote:
            market = markets[bot.exchange, bot.ticker]
            # An exchange that does not answer is no failure of the bot's: it stays due.
            with suppress(GatewayError):
                looks.append(_look(bot, market, quote, rows, exchanges))
    return looks


def _look(bot: Bot, market: Market, quote: Quote, rows: _Rows, exchanges: Exchanges) -> Look:
    prices = exchanges.prices[bot.exchange]
    version = bot.settings_version if bot.deal_number is None else bot.settings_in_use
    strategy = strategy_of(bot.pk, bot.bot_type, version, market.rules())
    orders, commands = rows.orders[bot.pk], rows.commands[bot.pk]
    live = [order for order in orders if order.status in LIVE]
    closed = [order for order in orders if order.status not in LIVE]
    candle, awaits = _candle_or_wait(bot, strategy, quote, prices)
    seen = Seen(
        now=quote.at,
        market=strategy.market,
        bid=quote.bid,
        ask=quote.ask,
        last=quote.last,
        position=Position(bot.position_amount, bot.position_cost, bot.pnl),
        cash=bot.cash,
        fills=tuple(trade.as_fill() for trade in rows.trades[bot.pk]),
        closed=tuple(
            Closed(order.slot, intent_of(order), OrderStatus(order.status), order.filled) for order in closed
        ),
        live={order.slot: LiveOrder(intent_of(order), order.filled) for order in live},
        candle=candle,
        commands=tuple(Command(CommandKind(row.kind), row.quote) for row in commands),
        closing=bot.stop_request == StopRequest.CANCEL_AND_SELL,
        stale=_stale(strategy, quote, prices),
        depth=_depth(bot, strategy, exchanges),
        day_start=_midnight(bot, quote.at),
    )
    unasked = seen.candle is None and _only_a_candle(bot, seen)
    in_doubt = (bot.account_id, bot.ticker) in rows.doubts
    rest = (unasked, in_doubt, rows.switched[bot.pk], awaits, rows.shortages.get(bot.pk))
    return Look(bot, strategy, market, version, quote, seen, live, closed, commands, *rest)


@lru_cache(maxsize=STRATEGIES_KEPT_MAX)
def strategy_of(bot_id: UUID, bot_type: str, version: int, market: MarketOf) -> Strategy[Any]:
    """The bot's strategy under one version of its settings; versions never change, so it is kept."""
    values = BotSettings.objects.values_list("values", flat=True).get(bot_id=bot_id, version=version)
    return BOT_TYPES[bot_type].build(read_settings(bot_type, values), market)


def intent_of(order: Order) -> OrderIntent:
    """The wish an order was placed for."""
    return OrderIntent(
        Side(order.side),
        OrderKind(order.kind),
        order.amount,
        order.price,
        Role(order.role),
        order.post_only,
        order.trigger,
    )


def _new_trades(bots: Iterable[Bot]) -> Iterable[Trade]:
    """Trades no decision has seen, up to the count that the bot's row was read with."""
    spans = [
        Q(bot=bot, number__gt=bot.trades_seen, number__lte=bot.total_trades)
        for bot in bots
        if bot.total_trades > bot.trades_seen
    ]
    return Trade.objects.filter(reduce(or_, spans)).order_by("number") if spans else ()


def _doubts(bots: Iterable[Bot]) -> set[tuple[UUID, str]]:
    """The accounts' markets in which an order's fate is not known."""
    accounts = {bot.account_id for bot in bots}
    unknown = Order.objects.filter(status=OrderStatus.UNKNOWN, account__in=accounts)
    return set(unknown.values_list("account_id", "ticker"))


def _stale(strategy: Strategy[Any], quote: Quote, prices: Prices) -> bool:
    """Whether the price is too old to enter on; exits are made on any."""
    limit_s = strategy.settings.stale_after_s
    return bool(limit_s) and prices.age_s(quote) > limit_s


def _depth(bot: Bot, strategy: Strategy[Any], exchanges: Exchanges) -> Decimal | None:
    """What stands near the touch; asked only for who may enter on it. None where there are no books."""
    depths = exchanges.depths.get(bot.exchange)
    if depths is None or bot.position_amount or not getattr(strategy.settings, "least_depth", ZERO):
        return None
    return depths.depth(bot.ticker)


def _quotes(bots: Iterable[Bot], exchanges: Exchanges) -> dict[tuple[str, str], Quote]:
    tickers: dict[str, set[str]] = defaultdict(set)
    for bot in bots:
        tickers[bot.exchange].add(bot.ticker)
    return {
        (exchange, ticker): quote
        for exchange, wanted in tickers.items()
        for ticker, quote in exchanges.prices[exchange].quotes(wanted).items()
    }


def _candle_or_wait(
    bot: Bot, strategy: Strategy[Any], quote: Quote, prices: Prices
) -> tuple[SignalRow | None, bool]:
    """The candle to be shown, and whether it cannot be had yet: then the bot stays due for it, and a stop
    does not wait for it."""
    try:
        return _closed_candle(bot, strategy, quote, prices), False
    except GatewayError:
        return None, True


def _closed_candle(bot: Bot, strategy: Strategy[Any], quote: Quote, prices: Prices) -> SignalRow | None:
    """The signals of the candle that closed since the last look, if one did and the bot waits for it.

    With fewer candles than the warm-up asks for there are no signals yet.
    """
    timeframe = strategy.timeframe
    if timeframe is None or bot.candle_due_at is None or ms_of(bot.candle_due_at) > quote.at:
        return None
    needed = strategy.candles_needed
    candles = prices.candles(ticker=bot.ticker, timeframe=timeframe, until=quote.at, count=needed)
    if not len(candles) or len(candles) < needed:
        return None
    values = strategy.prepare(candles).row(-1)
    if bot.wake_mark and not marked(values[bot.wake_mark]):
        return None
    return SignalRow(int(candles.at[-1]), exact(candles.close[-1]), values)


def _only_a_candle(bot: Bot, seen: Seen) -> bool:
    """Whether nothing but the close of a candle brought this look about: its step rang once."""
    if not bot.wake_mark or bot.candle_due_at is None or ms_of(bot.candle_due_at) > seen.now:
        return False
    if bot.events != bot.events_seen + 1 or seen.fills or seen.closed or seen.commands:
        return False
    timed = bot.wake_at is not None and ms_of(bot.wake_at) <= seen.now
    return not (timed or reached(_prices_awaited(bot), seen.last))


def _prices_awaited(bot: Bot) -> Wake:
    return Wake(bot.wake_below, bot.wake_above, peak=bot.wake_peak, trough=bot.wake_trough)


def _midnight(bot: Bot, at: int) -> int:
    local = moment_of(at).astimezone(ZoneInfo(bot.user.timezone))
    return ms_of(local.replace(hour=0, minute=0, second=0, microsecond=0))


def _by_bot(rows: Iterable[R]) -> dict[UUID, list[R]]:
    grouped: dict[UUID, list[R]] = defaultdict(list)
    for row in rows:
        grouped[row.bot_id].append(row)
    return grouped
