"""The operators' view of people. No secret has a field, and nobody is made or removed here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.models import ExchangeAccount, User
from tradingbot.admin import ReadOnlyAdmin, RowsAdmin


@admin.register(User)
class UserAdmin(RowsAdmin):
    """Who may sign in, and who is an operator. Passwords are changed by their owners alone."""

    list_display = ("email", "is_active", "is_staff", "is_superuser", "timezone", "created_at", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email",)
    date_hierarchy = "created_at"
    ordering = ("-created_at",)
    fields = (
        "id",
        "email",
        "timezone",
        "reporting_currency",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "user_permissions",
        "last_login",
        "created_at",
        "updated_at",
    )
    filter_horizontal = ("groups", "user_permissions")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = ["id", "email", "last_login", "created_at", "updated_at"]
        # Whoever may edit people must not be able to make themselves more than they are.
        rights = ["is_staff", "is_superuser", "groups", "user_permissions"]
        return fixed if getattr(request.user, "is_superuser", False) else [*fixed, *rights]


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(ReadOnlyAdmin):
    list_display = ("label", "user", "exchange", "environment", "created_at")
    list_filter = ("environment", "exchange")
    search_fields = ("label", "user__email", "=id")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
