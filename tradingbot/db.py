"""What the two databases do not give alike: exact money, and guards that outlive a migration.

SQLite keeps only 15 digits of a decimal, so money is text of fixed width there and numeric(38,18)
on PostgreSQL. The guards are constraints of a model, so that migrations carry them on both.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.signals import connection_created
from django.db.models.constraints import BaseConstraint
from django.dispatch import receiver

if TYPE_CHECKING:
    DecimalColumn = models.DecimalField[Any, Any]
else:
    DecimalColumn = models.DecimalField  # takes type arguments in the stubs only

MONEY_DIGITS = 38
MONEY_PLACES = 18
MONEY_MAX = Decimal(10) ** (MONEY_DIGITS - MONEY_PLACES) - 1


def as_text(value: Decimal) -> str:
    """`value` as SQLite stores it: text that sorts like the number among values ≥ 0; zero has no sign."""
    return f"{value:z040.18f}"


class Money(DecimalColumn):
    """A decimal with 20 digits before the point and 18 behind it, exact on both databases.

    Code that computes money rounds it in `orders.accounting`; a value with more places is refused.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["max_digits"], kwargs["decimal_places"] = MONEY_DIGITS, MONEY_PLACES
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "Money"  # not DecimalField: its converters go through a float on SQLite

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "varchar(40)" if connection.vendor == "sqlite" else f"numeric({MONEY_DIGITS}, {MONEY_PLACES})"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        exact = self._exact(value)
        return as_text(exact) if connection.vendor == "sqlite" else exact

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, *_: Any) -> Decimal | None:
        return None if value is None else Decimal(value)

    def _exact(self, value: Any) -> Decimal:
        exact: Decimal | None = self.to_python(value)
        if exact is None or not exact.is_finite() or abs(exact) > MONEY_MAX:
            raise ValidationError(f"{self.name} must be a number of at most 20 digits before the point.")
        exponent = exact.as_tuple().exponent
        if isinstance(exponent, int) and exponent < -MONEY_PLACES and exact % Decimal("1e-18"):
            raise ValidationError(f"{self.name} has more than 18 decimal places: {exact}.")
        return exact


class MoneySum(models.Aggregate):
    """The one sum of money that SQL may compute: native on PostgreSQL, exact text on SQLite."""

    function = "SUM"
    name = "MoneySum"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, function="money_sum", **extra)


class _TextSum:
    def __init__(self) -> None:
        self.total: Decimal | None = None

    def step(self, value: str | None) -> None:
        if value is not None:
            self.total = Decimal(value) + (self.total or Decimal(0))

    def finalize(self) -> str | None:
        return None if self.total is None else as_text(self.total)


@receiver(connection_created, dispatch_uid="tradingbot.money_sum")
def register_money_sum(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("money_sum", 1, _TextSum)


def at_least(field: str, least: Decimal | int, name: str) -> models.CheckConstraint:
    """`field` ≥ `least`, and a number: the upper bound keeps out PostgreSQL's NaN."""
    bounds = {f"{field}__gte": Decimal(least), f"{field}__lte": MONEY_MAX}
    return models.CheckConstraint(condition=models.Q(**bounds), name=name)


def above_zero(field: str, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=models.Q(**{f"{field}__gt": Decimal(0), f"{field}__lte": MONEY_MAX}), name=name
    )


def a_number(field: str, name: str) -> models.CheckConstraint:
    """`field` may be negative, but not NaN."""
    return models.CheckConstraint(condition=models.Q(**{f"{field}__lte": MONEY_MAX}), name=name)


def one_of(field: str, values: Iterable[str], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": sorted(map(str, values))}), name=name)


class _Guard(BaseConstraint):
    """A guard written in the database's own words, put there after its tables stand."""

    def validate(self, *_: Any, **__: Any) -> None:
        """The database alone judges it."""

    def remove_sql(self, model: Any, schema_editor: BaseDatabaseSchemaEditor | None) -> Any:
        raise NotImplementedError


class SameOwner(_Guard):
    """The row's `columns` (user, parent) stand together in the parent's `table`, so no row can
    point into another user's rows. The parent needs a unique constraint on (user_id, id)."""

    def __init__(self, *, column: str, table: str, name: str) -> None:
        super().__init__(name=name)
        self.column, self.table = column, table

    def _clause(self) -> str:
        return (
            f'CONSTRAINT "{self.name}" FOREIGN KEY ("user_id", "{self.column}") '
            f'REFERENCES "{self.table}" ("user_id", "id") DEFERRABLE INITIALLY DEFERRED'
        )

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        if schema_editor.connection.vendor == "sqlite":
            return self._clause()
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))
        return None

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        return f'ALTER TABLE "{model._meta.db_table}" ADD {self._clause()}'

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        return f'ALTER TABLE "{model._meta.db_table}" DROP CONSTRAINT "{self.name}"'

    def deconstruct(self) -> Any:
        path, _, kwargs = super().deconstruct()
        return path, (), {**kwargs, "column": self.column, "table": self.table}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameOwner) and self.deconstruct() == other.deconstruct()

    __hash__ = BaseConstraint.__hash__


class _Trigger(_Guard):
    """Refuses an update when `_when` says so, in the words of the database."""

    refusal = "rows are immutable"

    def _when(self, vendor: str) -> str:
        """The condition with its WHEN, or nothing for every update."""
        return ""

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        schema_editor.deferred_sql.append(self.create_sql(model, schema_editor))

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        # A table that SQLite remakes is called new__… until it is renamed; its triggers die with it.
        table = model._meta.db_table.removeprefix("new__")
        vendor = schema_editor.connection.vendor
        if vendor == "sqlite":
            return (
                f'CREATE TRIGGER "{self.name}" BEFORE UPDATE ON "{table}" {self._when(vendor)}'
                f"BEGIN SELECT RAISE(ABORT, '{table} {self.refusal}'); END"
            )
        return (
            "CREATE OR REPLACE FUNCTION refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'rows are immutable' USING ERRCODE = 'integrity_constraint_violation'; END $$; "
            f'CREATE TRIGGER "{self.name}" BEFORE UPDATE ON "{table}" '
            f"FOR EACH ROW {self._when(vendor)}EXECUTE FUNCTION refuse_update()"
        )

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        on_table = "" if schema_editor.connection.vendor == "sqlite" else f' ON "{model._meta.db_table}"'
        return f'DROP TRIGGER "{self.name}"{on_table}'

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.deconstruct() == other.deconstruct()

    __hash__ = BaseConstraint.__hash__


class Immutable(_Trigger):
    """No row of the table may ever be updated. (Deletion is kept off by PROTECT.)"""


class Fixed(_Trigger):
    """These `columns` of a row stay as they were when it was made; the others may change."""

    refusal = "columns are fixed"

    def __init__(self, *, columns: Iterable[str], name: str) -> None:
        super().__init__(name=name)
        self.columns = tuple(columns)

    def _when(self, vendor: str) -> str:
        differs = "IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM"
        changed = " OR ".join(f'OLD."{column}" {differs} NEW."{column}"' for column in self.columns)
        return f"WHEN ({changed}) "

    def deconstruct(self) -> Any:
        path, _, kwargs = super().deconstruct()
        return path, (), {**kwargs, "columns": self.columns}
