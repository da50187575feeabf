"""Write: one transaction that turns plans into rows: the journal, memory, wakes, orders, news."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max

from activity import journal
from activity.models import ActivityLog, Severity
from bots.engine.claims import with_idle_cash
from bots.engine.compare import Change
from bots.engine.look import Look
from bots.models import Bot, BotCommand, BotStatus, Deal, Decision, Phase, StopRequest
from bots.strategies.base import Plan, Wake
from bots.strategies.registry import dump_memory, fingerprint
from bots.strategies.wakes import on_tick, reached
from orders.gateways.base import Exchanges
from orders.models import Order, Trade
from orders.money import LostRace, release
from orders.rules import ZERO, Side
from orders.services import cancel_request
from tradingbot.clock import moment_of, next_close
from tradingbot.db import MoneySum

SNAPSHOT_EVERY = 100


def write(changes: Sequence[Change], *, token: UUID, exchanges: Exchanges, now: datetime) -> None:
    """Commit all of `changes`, or none.

    Raises `LostRace` when a lease was lost or the simulated price moved since the look.
    """
    with transaction.atomic():
        _hold_prices(changes, exchanges)
        for change in changes:  # first of all, since it proves the lease
            _write_bot(change, token=token, now=now)
        told = [change for change in changes if change.worth_a_row]
        Decision.objects.bulk_create(_decision(change, now) for change in told)
        Order.objects.filter(pk__in=[order.pk for c in changes for order in c.look.closed]).update(
            settled=True
        )
        Order.objects.bulk_create(order for change in told for order in change.place)
        cancel_request(orders=[order for change in told for order in change.cancel], now=now)
        for change in told:
            _write_deal(change)
            _take_commands(change)
        shown = journal.changes(((c.look.bot.user_id, c.look.bot.pk) for c in told), now=now)
        journal.write((entry for change in told for entry in _entries(change, now)), also=shown)


def pass_by(looks: Sequence[Look], *, token: UUID) -> None:
    """A closed candle without the mark a bot waits for changes nothing: the next one is awaited."""
    for look in looks:
        bot = look.bot
        Bot.objects.filter(lease_token=token, epoch=bot.epoch, pk=bot.pk).update(
            events_seen=bot.events, candle_due_at=_next_candle(look, bot.wake_candle)
        )


def _hold_prices(changes: Sequence[Change], exchanges: Exchanges) -> None:
    """Each market once, and always in the same order: two turns would else wait for each other."""
    markets = {(change.look.bot.exchange, change.look.bot.ticker): change.look.quote for change in changes}
    for (exchange, ticker), quote in sorted(markets.items(), key=itemgetter(0)):
        if not exchanges.prices[exchange].hold(ticker, quote):
            raise LostRace(f"the price of {ticker} moved")


def _decision(change: Change, now: datetime) -> Decision:
    look, plan = change.look, change.plan
    first_in_version = look.settings_version != look.bot.settings_in_use
    snapshot = change.number % SNAPSHOT_EVERY == 1 or first_in_version
    return Decision(
        user_id=look.bot.user_id,
        bot=look.bot,
        number=change.number,
        epoch=look.bot.epoch,
        at=look.now,
        made_at=now,
        settings_version=look.settings_version,
        strategy_version=look.strategy.version,
        seen=dump_memory(look.seen),
        plan={"orders": _dumped_orders(plan), "wake": dump_memory(plan.wake), "deal": plan.deal},
        reasons=change.reasons,
        memory_hash=fingerprint(change.memory),
        memory=change.memory if snapshot else None,
    )


def _dumped_orders(plan: Plan[Any]) -> dict[str, Any]:
    return {slot: dump_memory(intent) for slot, intent in plan.orders.items()}


def _write_bot(change: Change, *, token: UUID, now: datetime) -> None:
    look, plan = change.look, change.plan
    bot = look.bot
    fields: dict[str, Any] = {
        "memory": change.memory,
        "decisions_made": change.number if change.worth_a_row else bot.decisions_made,
        "settings_in_use": look.settings_version,
        "deal_number": plan.deal,
        "events_seen": bot.events,
        "trades_seen": bot.total_trades,
        **_wakes(change),
        "failures": bot.failures if look.closed else 0,
        "retry_at": None,
        "updated_at": now,
        **_phase(change),
    }
    # A stop that an ending bot has just placed tells nothing when it rests, and is all it waits for.
    ends = bot.stop_request == StopRequest.CANCEL_ORDERS or plan.finished
    if change.worth_a_row and (reached(plan.wake, look.quote.last) or (ends and change.place)):
        fields["events"] = F("events") + 1
    if plan.finished and not bot.stop_request and not change.stopped:
        fields["stop_request"] = StopRequest.CANCEL_ORDERS
    if change.stopped:
        fields |= {"status": BotStatus.STOPPED, "stopped_at": now, "stop_request": ""}
    moved = Bot.objects.filter(pk=bot.pk, lease_token=token, epoch=bot.epoch, status=BotStatus.ACTIVE)
    # Settings saved since the look are looked at first: an older version must not come back into use.
    if not moved.filter(settings_version=bot.settings_version).update(**fields):
        raise LostRace(f"bot {bot.pk}")


def _wakes(change: Change) -> dict[str, Any]:
    """When to look again; prices on the tick, on the side that has truly been reached."""
    look, wake = change.look, change.plan.wake
    if look.bot.stop_request == StopRequest.CANCEL_ORDERS or change.plan.finished:
        wake = Wake()  # only the ends of its orders are awaited
    wake = on_tick(wake, look.strategy.market)
    return {
        "wake_below": wake.below,
        "wake_above": wake.above,
        "wake_peak": wake.peak,
        "wake_trough": wake.trough,
        "wake_at": None if wake.at is None else moment_of(wake.at),
        "wake_candle": wake.candle or "",
        "wake_mark": wake.mark,
        "candle_due_at": _next_candle(look, wake.candle or ""),
    }


def _next_candle(look: Look, timeframe: str) -> datetime | None:
    """When the candle closes that is to be shown next: that which is on its way stays due."""
    if look.awaits_candle and timeframe == look.bot.wake_candle:
        due: datetime | None = look.bot.candle_due_at
        return due
    return moment_of(next_close(look.seen.now, timeframe)) if timeframe else None


def _phase(change: Change) -> dict[str, Any]:
    plan, bot = change.plan, change.look.bot
    if change.stopped:
        return {"phase": Phase.WAITING, "phase_why": "", "phase_until": None}
    if bot.stop_request or plan.finished:
        return {"phase": Phase.CLOSING, "phase_why": "", "phase_until": None}
    if change.look.shortage is not None:
        return {"phase": Phase.SUSPENDED, "phase_why": change.look.shortage.why[:300], "phase_until": None}
    if plan.paused_why:
        until = moment_of(plan.paused_until) if plan.paused_until is not None else None
        return {"phase": Phase.PAUSED, "phase_why": plan.paused_why[:300], "phase_until": until}
    phase = Phase.WAITING if plan.deal is None else Phase.IN_DEAL
    return {"phase": phase, "phase_why": "", "phase_until": None}


def _write_deal(change: Change) -> None:
    look, number = change.look, change.plan.deal
    bot = look.bot
    if number == bot.deal_number:
        return
    # Not as it was looked at: a fee may have been told since. The bot's row is ours by now.
    pnl = Bot.objects.values_list("pnl", flat=True).get(pk=bot.pk)
    for deal in Deal.objects.filter(bot=bot, closed_at__isnull=True):
        # A market's clock may be set back.
        deal.closed_at, deal.pnl = max(look.now, deal.opened_at), pnl - deal.pnl_before
        deal.save(update_fields=["closed_at", "pnl"])
    if number is not None:
        # Numbered by the bot's history: a strategy that starts afresh counts from 1 again.
        Deal.objects.create(
            user_id=bot.user_id,
            bot=bot,
            number=Deal.objects.filter(bot=bot).count() + 1,
            settings_version=look.settings_version,
            opened_at=look.now,
            pnl_before=pnl - _paid_at_the_opening(bot),
        )


def _paid_at_the_opening(bot: Bot) -> Decimal:
    """What the purchases that open a deal have realised: a fee in a third currency is, at once."""
    purchases = Trade.objects.filter(bot=bot, number__gt=bot.trades_seen, side=Side.BUY)
    closed_at = Deal.objects.filter(bot=bot).aggregate(last=Max("closed_at"))["last"]
    if closed_at is not None:
        purchases = purchases.filter(order__planned_at__gte=closed_at)
    paid: Decimal | None = purchases.aggregate(sum=MoneySum("pnl"))["sum"]
    return paid or ZERO


def _take_commands(change: Change) -> None:
    ids = [command.pk for command in change.look.commands]
    if ids:
        BotCommand.objects.filter(pk__in=ids).update(decision_number=change.number)


def _entries(change: Change, now: datetime) -> list[ActivityLog]:
    bot = change.look.bot
    said = [(Severity.INFO, reason) for reason in change.reasons]
    if change.stopped:
        said.append((Severity.INFO, "Stopped."))
    extra = {"decision": change.number}
    return [
        journal.entry(user_id=bot.user_id, bot_id=bot.pk, level=level, message=text, now=now, extra=extra)
        for level, text in said
    ]


def let_go(ids: Sequence[UUID], *, token: UUID, now: datetime) -> None:
    """Return the idle cash of stopped bots to their accounts; their coins stay with them."""
    for bot in Bot.objects.filter(with_idle_cash(), pk__in=ids, lease_token=token).order_by("account"):
        with transaction.atomic():
            release(bot=bot, quote=bot.cash, now=now)
