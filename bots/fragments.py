"""The live parts of the pages: each is one template with one root, shown in its page, answered at its
own address, and pushed when what it shows has changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.timezone import override

from accounts.models import User
from activity.models import Topic
from activity.queries import activity_of
from bots import results
from bots.analytics import Standing, bots_of_today, free_money, standings, summaries
from bots.engine.look import strategy_of
from bots.models import Backtest, Bot, BotStatus, Mode
from bots.queries import backtests_of, bots_of, decisions_of
from bots.strategies.registry import BOT_TYPES, load_memory
from orders.gateways.base import Exchanges
from orders.queries import resting_orders, trades_of
from orders.rules import Side
from tradingbot.db import MoneySum

LATEST = 10
RECORD_ROWS = 10
ORDERS_SHOWN_MAX = 250

CARD = "bots/_card_live.html"
HEAD = "bots/_head.html"
FIGURES = "bots/_figures.html"
RECORD = "bots/_record.html"
SUMMARY = "home/_summary.html"
ACTIVITY = "activity/_latest.html"
BACKTEST_CARD = "backtests/_card.html"
BACKTEST_HEAD = "backtests/_head.html"
BACKTEST_RESULT = "backtests/_result.html"
BACKTEST_PROGRESS = "backtests/_progress.html"

# Told by the bot's own row already.
TOLD_APART = frozenset({"average"})
PRICES = frozenset({"target", "stop", "next_safety", "first_average"})
AMOUNTS = frozenset({"dust"})
COUNTS = frozenset({"pairs", "shifts"})
GAINS = frozenset({"grid_profit"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a strategy's memory; `kind` says how it is written."""

    label: str
    value: Decimal
    kind: str


@dataclass(frozen=True, slots=True)
class Place:
    """A page of a list, counted from 1, and its neighbours where there are any."""

    number: int
    last: int

    @property
    def newer(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def older(self) -> int | None:
        return self.number + 1 if self.number < self.last else None

    def of(self, rows: Any) -> list[Any]:
        return list(rows[(self.number - 1) * RECORD_ROWS : self.number * RECORD_ROWS])


def place(asked: str, count: int) -> Place:
    """The page asked for, or the nearest there is."""
    last = max(-(-count // RECORD_ROWS), 1)
    wanted = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
    return Place(min(max(wanted, 1), last), last)


def rendered(
    template: str, context: Mapping[str, Any], *, user: User, request: HttpRequest | None = None
) -> str:
    """A template with its moments in the user's time zone."""
    with override(ZoneInfo(user.timezone)):
        return render_to_string(template, dict(context), request)


def fragments_for(
    *, user: User, topics: Collection[tuple[str, UUID | None]], exchanges: Exchanges, now: datetime
) -> list[str]:
    """What the user's pages show of `topics`, rendered once each, ready to be pushed.

    Every fragment is one root with the attribute `data-seq="__SEQ__"`, whose number the sender knows.
    """
    kinds = {topic for topic, _ in topics}
    ids = list(dict.fromkeys(bot_id for topic, bot_id in topics if topic == Topic.BOT and bot_id))
    bots = list(bots_of(user).filter(pk__in=ids))
    shown = {one.bot.pk: one for one in standings(bots, user=user, exchanges=exchanges, now=now)}
    parts: list[str] = []
    for bot_id in ids:
        parts += _of_bot(shown[bot_id], user) if bot_id in shown else [_gone(bot_id)]
    parts += _of_backtests([id_ for topic, id_ in topics if topic == Topic.BACKTEST and id_], user)
    if Topic.SUMMARY in kinds:
        context = summary_context(user=user, exchanges=exchanges, now=now)
        parts.append(rendered(SUMMARY, context | {"pushed": True}, user=user))
    if Topic.ACTIVITY in kinds:
        parts.append(rendered(ACTIVITY, activity_context(user) | {"pushed": True}, user=user))
    return parts


def _of_bot(one: Standing, user: User) -> list[str]:
    """The bot's card, and the live parts of its own page."""
    plain = {"one": one, "bot": one.bot, "pushed": True}
    return [
        rendered(CARD, plain, user=user),
        rendered(HEAD, plain, user=user),
        rendered(FIGURES, figures_context(one, user) | {"pushed": True}, user=user),
        rendered(RECORD, record_context(one, user) | {"pushed": True}, user=user),
    ]


def _gone(bot_id: UUID) -> str:
    """Takes a deleted bot's card off the page."""
    return format_html('<article id="bot-{}" hx-swap-oob="delete" data-seq="__SEQ__"></article>', bot_id)


def _of_backtests(ids: Sequence[UUID], user: User) -> list[str]:
    """The card, and the live parts of its own page, of each; a deleted one's card leaves the page."""
    found = backtests_of(user).in_bulk(list(ids))
    parts: list[str] = []
    for backtest_id in dict.fromkeys(ids):
        backtest = found.get(backtest_id)
        if backtest is None:
            parts.append(_gone_backtest(backtest_id))
            continue
        context = backtest_context(backtest) | {"pushed": True}
        parts += [
            rendered(name, context, user=user) for name in (BACKTEST_CARD, BACKTEST_HEAD, BACKTEST_RESULT)
        ]
    return parts


def _gone_backtest(backtest_id: UUID) -> str:
    return format_html(
        '<article id="backtest-{}" hx-swap-oob="delete" data-seq="__SEQ__"></article>', backtest_id
    )


def progress_fragment(backtest: Backtest) -> str:
    """How far it is; lossy, so it carries no number."""
    return render_to_string(BACKTEST_PROGRESS, {"backtest": backtest, "lossy": True})


def backtest_context(backtest: Backtest, page: str = "") -> dict[str, Any]:
    """A backtest with its figures, and a page of its deals or trades."""
    plain = {"backtest": backtest, "kind": BOT_TYPES.get(backtest.bot_type), "newest": True}
    if backtest.result is None:
        return plain
    listed = results.listed_kind(backtest)
    at = place(page, int(backtest.rows_kept.get(listed, 0)))
    rows = results.rows_of(backtest, listed, (at.number - 1) * RECORD_ROWS, RECORD_ROWS)
    return plain | {
        "headline": results.headline(backtest),
        "figures": results.figures(backtest),
        "compared": results.compared(backtest),
        "cautions": results.cautions(backtest),
        "market": results.market_of(backtest),
        "line": results.equity_line(backtest),
        "listed": listed,
        "rows": [results.shown(row) for row in rows],
        "rows_at": at,
        "newest": at.number == 1,
    }


def summary_context(
    *, user: User, exchanges: Exchanges, now: datetime, found: Sequence[Standing] | None = None
) -> dict[str, Any]:
    """`found`: the standings of `bots_of_today`, when they are known already."""
    if found is None:
        found = standings(bots_of_today(user, now), user=user, exchanges=exchanges, now=now)
    bots = [one.bot for one in found if one.bot.hidden_at is None]
    active = [bot for bot in bots if bot.status == BotStatus.ACTIVE]
    live = sum(bot.mode == Mode.LIVE for bot in active)
    free = free_money(user)
    sums = summaries(found, user=user, free=free, now=now)
    quotes = {one.currency for one in sums if one.free is not None}
    coins = [(name, held) for name, held in sorted(free.items()) if held and name not in quotes]
    counts = {"count": len(bots), "active": len(active), "live": live}
    return {"summaries": sums, "coins": coins, **counts}


def activity_context(user: User) -> dict[str, Any]:
    return {"latest": list(activity_of(user).select_related("bot")[:LATEST])}


def figures_context(one: Standing, user: User) -> dict[str, Any]:
    fees = trades_of(user).filter(bot=one.bot).aggregate(sum=MoneySum("fee_value"))["sum"]
    return {"one": one, "bot": one.bot, "fees": fees or Decimal(0), "figures": strategy_figures(one)}


def strategy_figures(one: Standing) -> list[Figure]:
    """What the bot's strategy shows of its memory; nothing before its first decision."""
    bot = one.bot
    if bot.memory is None or one.market is None:
        return []
    strategy = strategy_of(bot.pk, bot.bot_type, bot.settings_in_use, one.market)
    shown: Mapping[str, Decimal] = getattr(strategy, "figures", lambda _: {})(
        load_memory(strategy, bot.memory)
    )
    unit_is_base = getattr(strategy.settings, "size_mode", "quote") == "base"
    figures = []
    for name, value in shown.items():
        if name not in TOLD_APART and (value or name in GAINS | COUNTS):
            kind = "amount" if name == "order_size" and unit_is_base else _kind(name)
            figures.append(Figure(name.replace("_", " ").capitalize(), value, kind))
    return figures


def _no_figures(_: Any) -> Mapping[str, Decimal]:
    """For a strategy that shows nothing of its memory."""
    return {}


def _kind(name: str) -> str:
    kinds = {"price": PRICES, "amount": AMOUNTS, "count": COUNTS, "gain": GAINS}
    return next((kind for kind, names in kinds.items() if name in names), "quote")


def record_context(one: Standing, user: User, trades: str = "", decisions: str = "") -> dict[str, Any]:
    """Resting orders, and a page each of trades and decisions; only the newest pages are live."""
    bot = one.bot
    trades_at = place(trades, bot.total_trades)
    decisions_at = place(decisions, bot.decisions_made)
    orders = list(resting_orders([bot.pk]).order_by("-price")[:ORDERS_SHOWN_MAX])
    return {
        "one": one,
        "bot": bot,
        "orders": orders,
        "buys": sum(order.side == Side.BUY for order in orders),
        "trades": trades_at.of(_trades(bot, user)),
        "trades_at": trades_at,
        "decisions": decisions_at.of(decisions_of(bot).defer("memory")),
        "decisions_at": decisions_at,
        "newest": trades_at.number == 1 and decisions_at.number == 1,
    }


def _trades(bot: Bot, user: User) -> Any:
    return trades_of(user).filter(bot=bot).order_by("-number")
