"""The lists of one's orders and trades."""

from uuid import uuid4

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from orders.models import Order
from tests.web.conftest import Person

QUERIES_MAX = 8


@pytest.mark.parametrize("name", ["orders:list", "orders:trades"])
def test_one_sees_ones_own_and_a_stranger_nothing(
    alice: Person, bob: Person, name: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    bot = alice.running()
    with django_assert_max_num_queries(QUERIES_MAX):
        page = alice.client.get(reverse(name)).content.decode()
    assert "first-buy" in page
    assert "Night grid" in page
    assert "first-buy" not in bob.client.get(reverse(name)).content.decode()
    assert bob.client.get(reverse(name), {"bot": str(bot.pk)}).status_code == 404


def test_the_lists_show_one_bot_when_asked(alice: Person) -> None:
    alice.running("Night grid", investment="500")
    other = alice.running("Patient DCA", bot_type="dca", investment="500")
    page = alice.client.get(reverse("orders:list"), {"bot": str(other.pk)}).content.decode()
    assert "deal-1/base" in page
    assert "first-buy" not in page


def test_long_lists_come_in_pages_of_fifty(alice: Person) -> None:
    alice.running(lines=101, investment="3000")
    assert Order.objects.count() == 101
    rows = [
        alice.client.get(reverse("orders:list"), {"page": str(number)}).content.decode().count("<tr>") - 1
        for number in (1, 2, 3)
    ]
    assert rows == [50, 50, 1]


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"bot": "x"}, {"bot": str(uuid4())}])
def test_what_cannot_be_is_not_found(alice: Person, query: dict[str, str]) -> None:
    assert alice.client.get(reverse("orders:list"), query).status_code == 404
