"""A resting order that its exchange lists no more, on its bot's page."""

from datetime import timedelta

from django.contrib.messages import get_messages
from django.urls import reverse
from django.utils import timezone

from orders.missing import MISSED_FOR
from orders.models import Order
from orders.states import OrderStatus
from tests import people
from tests.web.conftest import Person


def missing(person: Person, *, since: timedelta) -> Order:
    order = people.open_order(person.running(), slot="apart")
    Order.objects.filter(pk=order.pk).update(missing_since=timezone.now() - since)
    return order


def page_of(person: Person, order: Order) -> str:
    return person.client.get(reverse("bots:page", args=[order.bot_id])).content.decode()


def test_the_page_offers_to_end_it_once_it_has_been_missing_for_a_while(alice: Person) -> None:
    order = missing(alice, since=MISSED_FOR)
    page = page_of(alice, order)
    assert "lists the order apart no more" in page
    assert reverse("bots:give_up", args=[order.bot_id, order.pk]) in page
    assert "not listed any more" in page


def test_a_moment_is_nobodys_worry(alice: Person) -> None:
    order = missing(alice, since=MISSED_FOR / 2)
    assert "lists the order apart no more" not in page_of(alice, order)


def test_what_is_not_done_is_said(alice: Person) -> None:
    """The market here knows each of its orders."""
    order = missing(alice, since=MISSED_FOR)
    answer = alice.client.post(reverse("bots:give_up", args=[order.bot_id, order.pk]), follow=True)
    (told,) = get_messages(answer.wsgi_request)
    assert "simulated knows the order apart after all" in str(told)
    order.refresh_from_db()
    assert order.status == OrderStatus.OPEN


def test_the_order_of_another_bot_is_not_found(alice: Person) -> None:
    order, other = missing(alice, since=MISSED_FOR), alice.running("Another")
    assert alice.client.post(reverse("bots:give_up", args=[other.pk, order.pk])).status_code == 404
