"""The operators' view of bots: what each decided and ordered, and the one thing to do about it: stop."""

from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from accounts.models import User
from bots.models import (
    Backtest,
    BacktestRows,
    Bot,
    BotCommand,
    BotSettings,
    Deal,
    Decision,
    EquityPoint,
    KillSwitch,
    Shortage,
)
from bots.services import ServiceRefused, backtests_cancel, bots_stop_all, switch_release
from orders.models import Order
from tradingbot.admin import LatestInline, ReadOnlyAdmin


class DecisionInline(LatestInline):
    model = Decision
    verbose_name_plural = "latest decisions"
    ordering = ("-number",)
    fields = ("number", "at", "why", "settings_version", "epoch")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        # What was seen and wanted can be long; the decision's own page shows it.
        rows: QuerySet[Decision] = super().get_queryset(request)
        return rows.defer("seen", "plan", "memory")

    @admin.display(description="reasons")
    def why(self, decision: Decision) -> str:
        return reasons_of(decision)


class OrderInline(LatestInline):
    model = Order
    verbose_name_plural = "latest orders"
    ordering = ("-planned_at", "slot")
    fields = ("slot", "side", "kind", "status", "price", "amount", "filled", "planned_at", "finished_at")


@admin.register(Bot)
class BotAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "user",
        "bot_type",
        "ticker",
        "mode",
        "status",
        "phase",
        "pnl",
        "total_trades",
    )
    list_filter = (
        "status",
        "phase",
        "bot_type",
        "mode",
        "exchange",
        ("hidden_at", admin.EmptyFieldListFilter),
    )
    search_fields = ("name", "ticker", "user__email", "=id")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    actions = ("stop_chosen",)
    inlines = (OrderInline, DecisionInline)

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bots.change_bot")

    @admin.action(description="Stop the chosen bots", permissions=["stop"])
    def stop_chosen(self, request: HttpRequest, chosen: QuerySet[Bot]) -> None:
        """Each by its own setting of what a stop does to its orders and coins."""
        bots = list(chosen.filter(hidden_at__isnull=True))
        try:
            told = bots_stop_all(bots=bots, now=timezone.now())
        except ServiceRefused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return
        self.message_user(
            request,
            "1 bot was told to stop." if told == 1 else f"{told} bots were told to stop.",
            messages.SUCCESS,
        )


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("number", "bot", "user", "at", "why", "settings_version")
    search_fields = ("bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    ordering = ("-pk",)

    @admin.display(description="reasons")
    def why(self, decision: Decision) -> str:
        return reasons_of(decision)


@admin.register(BotSettings)
class BotSettingsAdmin(ReadOnlyAdmin):
    list_display = ("bot", "user", "version", "made_at")
    search_fields = ("bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    date_hierarchy = "made_at"
    ordering = ("-pk",)


@admin.register(BotCommand)
class BotCommandAdmin(ReadOnlyAdmin):
    list_display = ("kind", "bot", "user", "quote", "made_at", "decision_number")
    list_filter = ("kind",)
    search_fields = ("bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    ordering = ("-pk",)


@admin.register(Deal)
class DealAdmin(ReadOnlyAdmin):
    list_display = ("number", "bot", "user", "opened_at", "closed_at", "pnl")
    list_filter = (("closed_at", admin.EmptyFieldListFilter),)
    search_fields = ("bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    ordering = ("-pk",)


@admin.register(EquityPoint)
class EquityPointAdmin(ReadOnlyAdmin):
    list_display = ("bot", "user", "at", "equity", "price", "funded")
    search_fields = ("bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    ordering = ("-pk",)


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "user",
        "bot_type",
        "ticker",
        "timeframe",
        "status",
        "progress",
        "attempts",
        "created_at",
        "finished_at",
    )
    list_filter = ("status", "bot_type", "exchange")
    search_fields = ("name", "ticker", "user__email", "=id")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    actions = ("cancel_chosen",)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bots.change_backtest")

    @admin.action(description="Cancel the chosen backtests", permissions=["cancel"])
    def cancel_chosen(self, request: HttpRequest, chosen: QuerySet[Backtest]) -> None:
        told = backtests_cancel(backtests=list(chosen), now=timezone.now())
        self.message_user(
            request,
            "1 backtest was told to end." if told == 1 else f"{told} backtests were told to end.",
            messages.SUCCESS,
        )


@admin.register(BacktestRows)
class BacktestRowsAdmin(ReadOnlyAdmin):
    list_display = ("backtest", "user", "kind", "number")
    list_filter = ("kind",)
    fields = ("user", "backtest", "kind", "number")
    search_fields = ("backtest__name", "user__email", "=backtest__id")
    list_select_related = ("backtest", "user")
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BacktestRows]:
        rows: QuerySet[BacktestRows] = super().get_queryset(request)
        return rows.defer("packed")


@admin.register(KillSwitch)
class KillSwitchAdmin(ReadOnlyAdmin):
    list_display = (
        "scope",
        "user",
        "bot",
        "exchange",
        "ticker",
        "level",
        "why",
        "pressed_by",
        "pressed_at",
        "verified_at",
        "released_at",
    )
    list_filter = ("scope", "level", ("released_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "bot__name", "ticker", "why")
    list_select_related = ("user", "bot", "pressed_by")
    date_hierarchy = "pressed_at"
    ordering = ("-pressed_at",)
    actions = ("release_chosen",)

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("bots.change_killswitch")

    @admin.action(description="Release the chosen kill switches", permissions=["release"])
    def release_chosen(self, request: HttpRequest, chosen: QuerySet[KillSwitch]) -> None:
        switches = list(chosen.filter(released_at__isnull=True).select_related("bot"))
        for switch in switches:
            switch_release(switch=switch, by=cast(User, request.user), now=timezone.now())
        self.message_user(
            request,
            "1 kill switch was released."
            if len(switches) == 1
            else f"{len(switches)} kill switches were released.",
            messages.SUCCESS,
        )


def reasons_of(decision: Decision) -> str:
    lines = format_html_join("", "<li>{}</li>", ((reason,) for reason in decision.reasons))
    return format_html("<ul>{}</ul>", lines) if lines else "–"


@admin.register(Shortage)
class ShortageAdmin(ReadOnlyAdmin):
    """Money that bots should hold and their account does not. Its owner alone decides what is done."""

    list_display = ("account", "user", "currency", "ours", "found", "seen_at", "sure_at", "ended_at")
    list_filter = (("sure_at", admin.EmptyFieldListFilter), ("ended_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "account__label", "currency")
    list_select_related = ("user", "account")
    date_hierarchy = "seen_at"
