"""What counts as missing: less than the bots should hold by more than exchanges round away."""

from decimal import Decimal

import pytest

from accounts.services.balance import TOLERANCE, Held, is_short
from accounts.services.shortages import Compared

D = Decimal
OURS = D(1000)
EDGE = OURS - OURS * TOLERANCE


@pytest.mark.parametrize(
    ("ours", "found", "short"),
    [
        (OURS, OURS, False),
        (OURS, OURS + 1, False),
        (OURS, EDGE, False),
        (OURS, EDGE - D("0.00000001"), True),
        (OURS, D(0), True),
        (D(0), D(0), False),
        (D("0.00000001"), D(0), True),
    ],
)
def test_the_page_and_the_comparing_call_the_same_short(ours: Decimal, found: Decimal, short: bool) -> None:
    assert is_short(ours, found) is short
    assert Held("BTC", total=found, free=found, ours=ours).short is short
    assert Compared("BTC", ours, found).is_short is short
