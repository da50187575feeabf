"""Standing facts, told once."""

from dataclasses import Field
from typing import Any, ClassVar, Protocol, TypeVar

from orders.records import replace


class Remembering(Protocol):
    """A memory that keeps the last standing fact told."""

    # By this a type checker knows what `replace` takes.
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def said(self) -> str: ...


M = TypeVar("M", bound=Remembering)


def told_once(memory: M, sentence: str, reasons: list[str]) -> M:
    """Say a standing fact when it begins; changing figures do not make it another."""
    if not (sentence or memory.said):
        return memory
    key = "".join(letter for letter in sentence if letter.isalpha())
    if key == memory.said:
        return memory
    if sentence:
        reasons.append(sentence)
    return replace(memory, said=key)
