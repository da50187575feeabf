"""The operators' view of orders and money. All of it is read-only: money moves through services alone."""

from django.contrib import admin

from orders.models import Balance, LedgerEntry, Market, Order, Recovery, SimulatedMarket, Trade
from tradingbot.admin import LatestInline, ReadOnlyAdmin


class TradeInline(LatestInline):
    model = Trade
    verbose_name_plural = "fills"
    ordering = ("-number",)
    fields = ("number", "quantity", "price", "fee", "fee_currency", "pnl", "maker", "executed_at")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = (
        "slot",
        "bot",
        "user",
        "ticker",
        "side",
        "kind",
        "status",
        "price",
        "trigger",
        "amount",
        "filled",
        "planned_at",
    )
    list_filter = ("status", "side", "kind", "role", "exchange", "late", "overfilled")
    search_fields = ("=client_id", "=exchange_order_id", "slot", "bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    date_hierarchy = "planned_at"
    ordering = ("-planned_at", "slot")
    inlines = (TradeInline,)


@admin.register(Trade)
class TradeAdmin(ReadOnlyAdmin):
    list_display = (
        "number",
        "bot",
        "user",
        "symbol",
        "side",
        "quantity",
        "price",
        "fee",
        "fee_currency",
        "fee_pending",
        "correction",
        "pnl",
        "executed_at",
    )
    list_filter = ("side", "maker", "fee_pending", "symbol")
    search_fields = ("=exchange_trade_id", "slot", "bot__name", "user__email", "=bot__id")
    list_select_related = ("bot", "user")
    date_hierarchy = "executed_at"
    ordering = ("-executed_at", "-number")


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "user", "account", "bot", "purpose", "credit", "debit", "amount", "currency")
    list_filter = ("purpose", "currency", "debit", "credit")
    search_fields = ("user__email", "bot__name", "=bot__id", "=trade__id")
    list_select_related = ("user", "account", "bot")
    date_hierarchy = "at"
    ordering = ("-pk",)


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    list_display = ("account", "user", "currency", "free")
    list_filter = ("currency",)
    search_fields = ("user__email", "account__label")
    list_select_related = ("account", "user")


@admin.register(Market)
class MarketAdmin(ReadOnlyAdmin):
    list_display = (
        "ticker",
        "exchange",
        "version",
        "tick",
        "lot",
        "min_amount",
        "min_cost",
        "active",
        "loaded_at",
    )
    list_filter = ("exchange", "active")
    search_fields = ("ticker",)
    ordering = ("exchange", "ticker", "-version")


@admin.register(SimulatedMarket)
class SimulatedMarketAdmin(ReadOnlyAdmin):
    list_display = ("ticker", "price", "candle", "leg", "ended", "owner_until", "replay")
    search_fields = ("ticker",)
    ordering = ("ticker",)


@admin.register(Recovery)
class RecoveryAdmin(ReadOnlyAdmin):
    list_display = ("account", "user", "began_at", "asked", "fills", "unknown", "finished_at")
    search_fields = ("account__label", "user__email")
    list_select_related = ("account", "user")
    date_hierarchy = "began_at"
