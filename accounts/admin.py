"""The operators' view of people. No secret has a field, and nobody is made or removed here."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import AccountState, ExchangeAccount, User
from accounts.services import account_resume, account_suspend, account_test
from bots.services import ServiceRefused
from orders.gateways.installed import installed
from tradingbot.admin import ReadOnlyAdmin, RowsAdmin

TESTS_AT_ONCE_MAX = 5


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
    """Where people trade. A sealed key has no field here, and neither has a part of it."""

    list_display = ("label", "user", "exchange", "environment", "state", "checked_at", "created_at")
    list_filter = ("state", "environment", "exchange", ("hidden_at", admin.EmptyFieldListFilter))
    search_fields = ("label", "user__email", "=id")
    list_select_related = ("user",)
    date_hierarchy = "created_at"
    actions = ("test_chosen", "suspend_chosen", "resume_chosen")
    fields = (
        "id",
        "user",
        "exchange",
        "environment",
        "label",
        "state",
        "state_reason",
        "may_trade",
        "may_withdraw",
        "may_transfer",
        "ip_restricted",
        "checked_at",
        "check_due_at",
        "compare_due_at",
        "consented_at",
        "held_at",
        "hidden_at",
        "created_at",
    )

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_exchangeaccount")

    @admin.action(description="Test the keys of the chosen accounts", permissions=["decide"])
    def test_chosen(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        """Here and now, so few at once; the daily check reaches all."""
        if chosen.count() > TESTS_AT_ONCE_MAX:
            why = f"At most {TESTS_AT_ONCE_MAX} are tested at once; choose fewer."
            self.message_user(request, why, messages.ERROR)
            return
        for account in chosen:
            self._test(request, account)

    @admin.action(description="Suspend the chosen accounts", permissions=["decide"])
    def suspend_chosen(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        done = sum(account_suspend(account=account, now=timezone.now()) for account in chosen)
        self.message_user(request, counted(done, "suspended"), messages.SUCCESS)

    @admin.action(description="Resume the chosen accounts", permissions=["decide"])
    def resume_chosen(self, request: HttpRequest, chosen: QuerySet[ExchangeAccount]) -> None:
        done = sum(account_resume(account=account, now=timezone.now()) for account in chosen)
        self.message_user(request, counted(done, "resumed"), messages.SUCCESS)

    def _test(self, request: HttpRequest, account: ExchangeAccount) -> None:
        try:
            found = account_test(
                account=account, exchanges=installed(), keys=settings.ENCRYPTION_KEYS, now=timezone.now()
            )
        except ServiceRefused as refused:
            self.message_user(request, str(refused), messages.ERROR)
            return
        works = found.state == AccountState.WORKING
        told = f"{found.label}: {found.state_reason or 'its key works.'}"
        self.message_user(request, told, messages.SUCCESS if works else messages.WARNING)


def counted(number: int, done: str) -> str:
    return f"1 account was {done}." if number == 1 else f"{number} accounts were {done}."
