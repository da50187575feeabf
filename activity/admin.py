"""The operators' view of what users were told."""

from django.contrib import admin

from activity.models import ActivityLog, Delivery, LiveCursor
from tradingbot.admin import ReadOnlyAdmin


@admin.register(ActivityLog)
class ActivityLogAdmin(ReadOnlyAdmin):
    list_display = ("timestamp", "level", "user", "bot", "message")
    list_filter = ("level",)
    search_fields = ("message", "user__email", "bot__name", "=bot__id")
    list_select_related = ("user", "bot")
    date_hierarchy = "timestamp"
    ordering = ("-timestamp", "-pk")


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "topic", "user", "bot", "delivered_at")
    list_filter = ("topic", ("delivered_at", admin.EmptyFieldListFilter))
    search_fields = ("user__email", "=bot__id")
    list_select_related = ("user", "bot")
    ordering = ("-pk",)


@admin.register(LiveCursor)
class LiveCursorAdmin(ReadOnlyAdmin):
    list_display = ("user", "sequence")
    search_fields = ("user__email",)
    list_select_related = ("user",)
