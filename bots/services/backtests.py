"""Asking for backtests, calling them off and removing them; a worker runs what is asked.

Every move of a status goes through `backtest_move`, which follows the table in `bots.states` and
loses to whoever was faster.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from activity import journal
from bots.models import Backtest, Bot
from bots.services.asked import ServiceRefused, refused, settings_from
from bots.services.making import checked_name
from bots.states import FINISHED, UNFINISHED, BacktestStatus, may_move
from bots.strategies.settings import Problem
from orders.gateways.candle_store import BrokenMonth, CandleStore, Series
from orders.money import LostRace
from tradingbot.clock import EPOCH, TIMEFRAMES_S, moment_of

UNFINISHED_PER_USER_MAX = 10
BACKTESTS_PER_USER_MAX = 200
# What a pipe takes in without somebody reading it is twice that.
VALUES_BYTES_MAX = 32_000
FEE_PCT_MAX = Decimal(10)
SLIPPAGE_PCT_MAX = Decimal(10)
SPREAD_BPS_MAX = Decimal(1000)


@dataclass(frozen=True, slots=True)
class SeriesName:
    """What a series of the candle store is called."""

    exchange: str
    ticker: str
    timeframe: str

    def __str__(self) -> str:
        return f"{self.ticker} {self.timeframe} on {self.exchange}"


@dataclass(frozen=True, slots=True)
class Period:
    """Where it starts and ends; the series' own bounds where None. Aware, UTC."""

    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class MarketTerms:
    """How the market treats the bot; None: as it would without being told."""

    fee_pct: Decimal | None = None
    slippage_pct: Decimal = Decimal(0)
    spread_bps: Decimal | None = None
    pessimistic: bool = False
    fill_gaps: bool = False

    def stored(self) -> dict[str, Any]:
        numbers = {
            "fee_pct": self.fee_pct,
            "slippage_pct": self.slippage_pct,
            "spread_bps": self.spread_bps,
        }
        told = {name: f"{number:f}" for name, number in numbers.items() if number is not None}
        return {**told, "pessimistic": self.pessimistic, "fill_gaps": self.fill_gaps}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a backtest is of: a bot type with settings, on a stored series, over a period."""

    name: str
    bot_type: str
    values: Mapping[str, Any]
    series: SeriesName
    period: Period = field(default_factory=Period)
    terms: MarketTerms = field(default_factory=MarketTerms)


def candle_root(var_dir: Path) -> Path:
    """Where this host keeps its candles."""
    return var_dir / "candles"


def stored_series(root: Path) -> list[Series]:
    """What there is to test on. Raises `ServiceRefused` when a file of it is broken."""
    try:
        return CandleStore(root).series()
    except BrokenMonth as broken:
        raise refused("broken", "series", f"The candle store: {broken}") from None


def backtest_create(
    *, user: User, wanted: Wanted, root: Path, now: datetime, bot: Bot | None = None
) -> Backtest:
    """A queued backtest. Raises `ServiceRefused` with what is found wrong before it runs."""
    settings = settings_from(wanted.bot_type, wanted.values)
    values = settings.model_dump(mode="json")
    if len(json.dumps(values)) > VALUES_BYTES_MAX:
        raise refused("too_long", "name", f"The settings are longer than {VALUES_BYTES_MAX:,} characters.")
    name = checked_name(wanted.name)
    since, until = _bounds(_found(wanted.series, root), wanted.period)
    _check_terms(wanted.terms)
    with transaction.atomic():
        _check_room(user)
        backtest = Backtest.objects.create(
            user=user,
            bot=bot,
            name=name,
            bot_type=wanted.bot_type,
            values=values,
            exchange=wanted.series.exchange,
            ticker=wanted.series.ticker,
            timeframe=wanted.series.timeframe,
            since=since,
            until=until,
            terms=wanted.terms.stored(),
            created_at=now,
        )
        _tell(backtest, now)
    return backtest


def backtest_cancel(*, backtest: Backtest, now: datetime) -> None:
    """End it: at once while it waits, else its worker is asked. Doing so twice changes nothing."""
    with transaction.atomic():
        if _left_the_queue(backtest, now) or _asked_to_end(backtest, now):
            _tell(backtest, now)


def _left_the_queue(backtest: Backtest, now: datetime) -> bool:
    waiting = Backtest.objects.filter(pk=backtest.pk, status=BacktestStatus.QUEUED).first()
    if waiting is None:
        return False
    try:
        backtest_move(waiting, BacktestStatus.CANCELLED, cancel_requested_at=now, finished_at=now)
    except LostRace:
        return False  # it has just begun: its worker is asked like any other
    return True


def _asked_to_end(backtest: Backtest, now: datetime) -> bool:
    running = Backtest.objects.filter(pk=backtest.pk, status=BacktestStatus.RUNNING)
    return bool(running.filter(cancel_requested_at__isnull=True).update(cancel_requested_at=now))


def backtests_cancel(*, backtests: Sequence[Backtest], now: datetime) -> int:
    for backtest in backtests:
        backtest_cancel(backtest=backtest, now=now)
    return len(backtests)


def backtest_delete(*, backtest: Backtest, now: datetime) -> None:
    """Remove it with its result. Deleting twice changes nothing."""
    with transaction.atomic():
        rows = Backtest.objects.filter(pk=backtest.pk)
        # What has finished moves no more, so what is found here is what is deleted.
        if not rows.filter(status__in=sorted(FINISHED)).exists():
            if rows.exists():
                raise refused("unfinished", "name", f"{backtest.name} is not finished; cancel it first.")
            return
        rows.delete()
        _tell(backtest, now)


def backtest_move(backtest: Backtest, status: BacktestStatus, held: Q | None = None, **fields: Any) -> None:
    """The one place where a status changes: along the table, and only from what we believe it is."""
    if not may_move(BacktestStatus(backtest.status), status):
        raise LostRace(f"backtest {backtest.pk}: {backtest.status} cannot become {status}")
    believed = Backtest.objects.filter(held or Q(), pk=backtest.pk, status=backtest.status)
    if not believed.update(status=status, **fields):
        raise LostRace(f"backtest {backtest.pk}")
    backtest.status = status


def _tell(backtest: Backtest, now: datetime) -> None:
    journal.backtest_changed(user_id=backtest.user_id, backtest_id=backtest.pk, now=now)


def _check_room(user: User) -> None:
    mine = Backtest.objects.filter(user=user)
    if mine.filter(status__in=sorted(UNFINISHED)).count() >= UNFINISHED_PER_USER_MAX:
        why = f"You have {UNFINISHED_PER_USER_MAX} backtests waiting or running; wait for one, or cancel it."
        raise refused("too_many", "name", why)
    if mine.count() >= BACKTESTS_PER_USER_MAX:
        raise refused("too_many", "name", f"You have {BACKTESTS_PER_USER_MAX} backtests; delete one first.")


def _found(name: SeriesName, root: Path) -> Series:
    for series in stored_series(root):
        if (series.exchange, series.ticker, series.timeframe) == (name.exchange, name.ticker, name.timeframe):
            return series
    raise refused("no_series", "series", f"Candles: {name} is not in the store; choose another series.")


def _bounds(series: Series, period: Period) -> tuple[datetime, datetime]:
    """The period asked for, cut to what the series holds."""
    first = moment_of(series.first)
    end = moment_of(series.last + TIMEFRAMES_S[series.timeframe] * 1000)
    since, until = max(period.since or EPOCH, first), min(period.until or end, end)
    if period.since and period.until and period.since >= period.until:
        raise refused("period", "until", "Until must be after Since.")
    held = f"these candles go from {first:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."
    if since >= end:
        raise refused("period", "since", f"Since is after the last candle: {held}")
    if until <= first:
        raise refused("period", "until", f"Until is before the first candle: {held}")
    return since, until


def _check_terms(terms: MarketTerms) -> None:
    bounds = {
        "fee_pct": ("Fee", terms.fee_pct, FEE_PCT_MAX),
        "slippage_pct": ("Slippage", terms.slippage_pct, SLIPPAGE_PCT_MAX),
        "spread_bps": ("Spread", terms.spread_bps, SPREAD_BPS_MAX),
    }
    wrong = [
        Problem("terms", name, f"{title} must be from 0 to {most}.")
        for name, (title, value, most) in bounds.items()
        if value is not None and not (value.is_finite() and 0 <= value <= most)
    ]
    if wrong:
        raise ServiceRefused(*wrong)
