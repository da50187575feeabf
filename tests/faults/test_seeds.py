"""Seeded random runs of live trading: both books agree at the end, and a book that lies is found out."""

from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from bots.models import Bot, KillSwitch, Level, Scope
from tests.exchange import Exchange
from tests.exchange.orders import Wish
from tests.faults.runs.books import LIMITED, differences
from tests.faults.runs.deeds import Pressed
from tests.faults.runs.mischief import is_foreign
from tests.faults.runs.run import Run, played, run
from tests.faults.runs.stage import MarketTime

SHORT_STEPS = 3
MARKET_TIME = MarketTime()


@pytest.fixture(scope="module")
def served() -> Iterator[Exchange]:
    with Exchange.running(clock=MARKET_TIME) as exchange:
        yield exchange


def strange_order(one: Run) -> None:
    wish = Wish("BTCUSDT", "BUY", "LIMIT", "f" * 32, Decimal("0.01"), Decimal(20_000))
    one.stage.exchange.ledger.place("bob-key", wish)


def still_open(one: Run) -> None:
    ours = (order for order in one.stage.exchange.ledger.orders if not is_foreign(order))
    next(ours).status = "NEW"


def filled_more(one: Run) -> None:
    ours = (order for order in one.stage.exchange.ledger.orders if not is_foreign(order))
    next(ours).filled += 1


def no_such_trade(one: Run) -> None:
    one.stage.exchange.ledger.trades.pop()


def money_gone(one: Run) -> None:
    one.stage.exchange.ledger.deposit("alice-key", "SOL", Decimal("-0.00000001"))


def touched(one: Run) -> None:
    ledger = one.stage.exchange.ledger
    ledger.cancel(next(order for order in ledger.orders if is_foreign(order)))


def sent_again(one: Run) -> None:
    oracle = one.stage.exchange.oracle
    oracle.requests.append(oracle.creates[0])


def switched_off(one: Run) -> None:
    one.deeds.pressed.append(Pressed(KillSwitch(scope=Scope.SYSTEM, level=Level.CANCEL), since=0))


def not_waited(one: Run) -> None:
    """The last of its requests that another one followed at once."""
    requests, leaps = one.stage.exchange.oracle.requests, set(one.stage.leaps)
    followed = [place for place in range(len(requests) - 1) if place + 1 not in leaps]
    requests[followed[-1]].code = LIMITED


def cash_made_up(one: Run) -> None:
    bot = Bot.objects.order_by("pk")[0]
    Bot.objects.filter(pk=bot.pk).update(cash=bot.cash + 1)


LIES: dict[Callable[[Run], None], str] = {
    strange_order: "no row for their order",
    still_open: "theirs NEW",
    filled_more: "filled",
    no_such_trade: "theirs is None",
    money_gone: "SOL changed by",
    touched: "the foreign order of",
    sent_again: "sent twice",
    switched_off: "was sent under the kill switch",
    not_waited: "was limited",
    cash_made_up: "I14",
}


def test_a_short_run_ends_with_both_books_alike_and_every_lie_is_found(
    transactional_db: None, served: Exchange
) -> None:
    one = played(7, served, MARKET_TIME, SHORT_STEPS)
    assert len(served.ledger.orders) > 20
    assert len(served.ledger.trades) > 5
    known = set(differences(one.stage, one.deeds.pressed))
    assert known == set()
    for lie, words in LIES.items():
        lie(one)
        found = set(differences(one.stage, one.deeds.pressed))
        assert any(words in told for told in found - known), lie.__name__
        known = found


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 11))
def test_a_run_of_this_seed_ends_with_both_books_alike(
    transactional_db: None, served: Exchange, seed: int
) -> None:
    assert run(seed, served, MARKET_TIME).fills > 5
