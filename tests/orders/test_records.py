"""Records: frozen, compared and hashed by value, stored as JSON and read back the very same."""

import copy
import json
import pickle
from decimal import Decimal
from typing import Any, Generic, TypeVar

import pytest
from msgspec import ValidationError

from bots.strategies.base import OrderIntent, Plan, Role, Wake
from orders.accounting import Fill, Position
from orders.records import Frozen, dumped, field, loaded, replace
from orders.rules import OrderKind, Side

D = Decimal
T = TypeVar("T")


class Leg(Frozen):
    step: int
    price: Decimal
    note: str = ""


class Ladder(Frozen):
    legs: tuple[Leg, ...] = ()
    named: dict[str, Decimal] = field(default_factory=dict)
    peak: Decimal | None = None


class Kept(Frozen, Generic[T]):
    inner: T
    times: tuple[int, ...] = ()


def test_replacing_a_field_keeps_the_rest_and_the_original() -> None:
    leg = Leg(1, D(100), "first")
    other = replace(leg, price=D(101))
    assert (other.step, other.price, other.note) == (1, D(101), "first")
    assert (leg.step, leg.price, leg.note) == (1, D(100), "first")
    assert type(other) is Leg


def test_replacing_nothing_is_an_equal_copy() -> None:
    leg = Leg(1, D(100))
    other = replace(leg)
    assert other == leg
    assert other is not leg
    assert copy.copy(leg) == leg
    assert pickle.loads(pickle.dumps(leg)) == leg  # noqa: S301  # our own


def test_a_field_that_is_not_there_cannot_be_replaced() -> None:
    with pytest.raises(TypeError):
        replace(Leg(1, D(100)), price_of_nothing=D(1))  # type: ignore[call-arg]  # that is the point


def test_a_record_never_changes() -> None:
    leg: Any = Leg(1, D(100))
    with pytest.raises(AttributeError):
        leg.price = D(1)
    with pytest.raises(AttributeError):
        del leg.price


def test_a_copy_shares_what_it_holds() -> None:
    ladder = Ladder((Leg(1, D(100)),), {"a": D(1)})
    other = replace(ladder, peak=D(7))
    assert other.legs is ladder.legs
    assert other.named is ladder.named


def test_equal_values_are_equal_and_hash_alike() -> None:
    one, other = Leg(1, D("100.0"), "x"), Leg(1, D(100), "x")
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other, replace(one, step=2)}) == 2
    assert one != replace(other, note="y")
    as_tuple: Any = (1, D(100), "x")
    assert one != as_tuple, "another type is another thing"


def test_a_default_is_made_anew_for_each() -> None:
    assert Ladder().named is not Ladder().named


def test_there_is_no_room_for_what_was_not_declared() -> None:
    leg: Any = Leg(1, D(100))
    with pytest.raises(AttributeError):
        leg.profit = D(1)
    assert not hasattr(leg, "__dict__")


@pytest.mark.parametrize(
    ("kind", "one"),
    [
        (Leg, Leg(2, D("0.10"), "half")),
        (Ladder, Ladder((Leg(1, D(1)), Leg(2, D("2.50"))), {"a": D("0.1")}, D(7))),
        (Ladder, Ladder()),
        (Kept[Ladder], Kept(Ladder((Leg(1, D(1)),)), (1, 2))),
        (Position, Position(D("0.1"), D(10), D("-0.5"))),
        (Wake, Wake(below=D(90), at=5, candle="1h", mark="buy", peak=D("1E+2"))),
        (OrderIntent, OrderIntent(Side.BUY, OrderKind.LIMIT, D(1), D(2), Role.ADD, post_only=True)),
        (Fill, Fill("deal-1/base", Side.BUY, D(1), D(2), 3, fee_base=D("0.001"))),
    ],
)
def test_what_is_stored_is_read_back_the_same(kind: Any, one: Any) -> None:
    stored = json.dumps(dumped(one))
    again = loaded(kind, json.loads(stored))
    assert again == one
    assert type(again) is type(one)
    assert json.dumps(dumped(again)) == stored
    assert replace(again) == one


def test_money_is_stored_as_text_and_its_last_places_stay() -> None:
    leg = Leg(1, D("0.1000000000000000000000000000000000001"))
    stored = dumped(leg)
    assert stored == {"step": 1, "price": "0.1000000000000000000000000000000000001", "note": ""}
    assert loaded(Leg, stored) == leg


@pytest.mark.parametrize(
    "stored", [{"legs": [{"step": "no", "price": 1}]}, {"legs": [{"step": 1}]}, {"peak": "high"}, []]
)
def test_what_is_stored_wrongly_is_not_read(stored: Any) -> None:
    with pytest.raises(ValidationError):
        loaded(Ladder, stored)


def test_a_plan_of_any_memory_is_made_and_changed() -> None:
    plan: Plan[Ladder] = Plan(Ladder(), {}, deal=3)
    assert replace(plan, finished=True) == Plan(Ladder(), {}, deal=3, finished=True)
