"""What the operators' pages share: one way to sign in, and rows that nobody edits by hand."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest

from tradingbot.db import Money

if TYPE_CHECKING:
    RowsAdmin = admin.ModelAdmin[Any]
    RowsInline = admin.TabularInline[Any, Any]
    RowsFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    # They take type arguments in the stubs only.
    RowsAdmin, RowsInline, RowsFormSet = admin.ModelAdmin, admin.TabularInline, BaseInlineFormSet

LATEST_ROWS = 50

admin.site.site_header = "Trading Bot Platform"
admin.site.site_title = "Operators"
admin.site.index_title = "Operators"
# The site's own sign-in, with its rate limits, is the only one.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign] # as its manual says


class Untouched:
    """Rows to look at: what made them keeps their invariants, a form would not."""

    def has_add_permission(self, *_: Any) -> bool:
        return False

    def has_change_permission(self, *_: Any) -> bool:
        return False

    def has_delete_permission(self, *_: Any) -> bool:
        return False


@cache
def money_column(model: type[Model], name: str) -> Callable[[Model], str]:
    """A column of money without the eighteen places it is stored with."""

    @admin.display(description=name.replace("_", " "), ordering=name)
    def column(row: Model) -> str:
        value = getattr(row, name)
        return "–" if value is None else f"{value.normalize():,f}"

    column.__name__ = name
    return column


def readable(model: type[Model], names: Iterable[Any]) -> list[Any]:
    return [money_column(model, name) if _is_money(model, name) else name for name in names]


def _is_money(model: type[Model], name: Any) -> bool:
    try:
        return isinstance(name, str) and isinstance(model._meta.get_field(name), Money)
    except FieldDoesNotExist:
        return False  # a column that the admin class computes


class ReadOnlyAdmin(Untouched, RowsAdmin):
    list_per_page = 50
    show_full_result_count = False  # a second count of every row, for one word

    def get_list_display(self, request: HttpRequest) -> Any:
        return readable(self.model, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return readable(self.model, self.fields or [field.name for field in self.opts.concrete_fields])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)


class LatestFormSet(RowsFormSet):
    """The first `LATEST_ROWS` in the inline's order, read once."""

    def get_queryset(self) -> QuerySet[Model]:
        if not hasattr(self, "_latest"):
            self._latest = super().get_queryset()[:LATEST_ROWS]
        return self._latest


class LatestInline(Untouched, RowsInline):
    formset = LatestFormSet
    extra = 0
    show_change_link = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return readable(self.model, self.fields or ())

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.get_fields(request, obj)
