"""Whatever keeps an order from being doubled or lost is noticed when it is missing."""

import pytest

from tests.faults import mutations

pytestmark = pytest.mark.long


def test_every_safety_line_is_missed_by_a_test() -> None:
    assert mutations.main() == 0
