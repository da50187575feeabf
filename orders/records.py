"""Frozen records that cost little to make: a dataclass for the type checker, bare slots at run time.

Python's frozen dataclasses take six times as long to make as plain ones, and `dataclasses.replace` ten
times as long as a copy; a backtest makes a million of them. So freezing is mypy's business alone: it
sees the standard `dataclass` and `replace`, and refuses every assignment.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["record", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass as record
    from dataclasses import replace
else:
    import dataclasses

    def record(*, frozen: bool, slots: bool):
        """`@record(frozen=True, slots=True)`: compared and hashed by value, like a frozen dataclass."""

        def made(cls: type) -> type:
            cls = dataclasses.dataclass(slots=slots, unsafe_hash=frozen)(cls)
            names = [field.name for field in dataclasses.fields(cls)]
            moves = "; ".join(f"other.{name} = self.{name}" for name in names)
            space: dict[str, Any] = {"made": cls, "blank": object.__new__}
            text = f"def copy(self):\n    other = blank(made)\n    {moves}\n    return other"
            exec(text, space)  # noqa: S102  # names of fields only
            cls.__copy__ = space["copy"]
            return cls

        return made

    def replace(one: Any, /, **changes: Any) -> Any:
        """A copy of the record `one` with some fields changed."""
        other = one.__copy__()
        for name, value in changes.items():
            setattr(other, name, value)
        return other
