"""What every gateway must do, whatever exchange is behind it.

Each gateway brings a stage: a market at 100 in which orders can be placed, and a way to make the
price pass a resting order.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from bots.models import Bot
from orders.gateways.base import Gateway, Refused, Report
from orders.gateways.paper import PaperGateway
from orders.gateways.simulated import SimulatedPrices, open_exchange
from orders.models import Market, Order, SimulatedMarket
from orders.rules import OrderKind, Side
from orders.services import order_claim, order_settle
from orders.states import FINAL, OrderStatus
from tests import people
from tests.engine.exchanges import RemoteExchange, RemotePrices

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 5, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)
D = Decimal
GATEWAYS = ("paper", "remote")


@dataclass
class Stage:
    """A gateway and a bot with 1,000 USDT and 2 SOL on it; the price stands at 100."""

    gateway: Gateway
    bot: Bot
    market: Market

    def order(self, side: Side, kind: OrderKind, amount: str, price: str | None, **fields: Any) -> Order:
        """A claimed order: from here on the exchange may hear of it."""
        order = Order.objects.create(
            user=self.bot.user,
            bot=self.bot,
            account=self.bot.account,
            market=self.market,
            exchange=self.market.exchange,
            ticker=self.market.ticker,
            client_id=uuid4().hex,
            slot=f"slot-{uuid4().hex[:8]}",
            decision_number=1,
            role="add" if side is Side.BUY else "exit",
            side=side,
            kind=kind,
            price=None if price is None else D(price),
            amount=D(amount),
            planned_at=NOW,
            **fields,
        )
        token = uuid4()
        Bot.objects.filter(pk=self.bot.pk).update(lease_token=token, lease_until=FAR)
        order_claim(order=order, token=token)
        return order


def _bot(market: Market) -> Bot:
    account = people.paper_account(people.alice(), USDT=D(10_000), SOL=D(10))
    bot = people.bot(people.alice(), account, ticker="SOL/USDT")
    Bot.objects.filter(pk=bot.pk).update(position_amount=D(2), position_cost=D(200))
    return Bot.objects.get(pk=bot.pk)


def _paper() -> Stage:
    open_exchange(now=NOW)
    SimulatedMarket.objects.filter(ticker="SOL/USDT").update(price=D(100))
    market = Market.objects.get(ticker="SOL/USDT")
    return Stage(PaperGateway(SimulatedPrices()), _bot(market), market)


def _remote() -> Stage:
    market = people.market("SOL/USDT")
    return Stage(RemoteExchange(RemotePrices()), _bot(market), market)


STAGES: dict[str, Callable[[], Stage]] = {"paper": _paper, "remote": _remote}


@pytest.fixture(params=GATEWAYS)
def stage(request: pytest.FixtureRequest) -> Stage:
    return STAGES[request.param]()


def test_an_order_at_market_fills_whole_and_tells_its_fills(stage: Stage) -> None:
    order = stage.order(Side.BUY, OrderKind.MARKET, "1", None)
    report = stage.gateway.create(order)
    assert (report.client_id, report.status) == (order.client_id, OrderStatus.FILLED)
    assert sum((fill.amount for fill in report.fills), D(0)) == order.amount
    assert all(fill.price > 0 and fill.fee >= 0 and not fill.maker for fill in report.fills)
    assert report.exchange_order_id


def test_a_limit_away_from_the_price_rests(stage: Stage) -> None:
    order = stage.order(Side.BUY, OrderKind.LIMIT, "1", "90")
    report = stage.gateway.create(order)
    assert (report.client_id, report.status, report.fills) == (order.client_id, OrderStatus.OPEN, ())


def test_a_resting_order_is_cancelled_and_says_so(stage: Stage) -> None:
    order = stage.order(Side.SELL, OrderKind.LIMIT, "1", "120")
    order_settle(order=order, report=stage.gateway.create(order), now=NOW)
    report = stage.gateway.cancel(order)
    assert (report.client_id, report.status) == (order.client_id, OrderStatus.CANCELLED)
    order_settle(order=order, report=report, now=NOW)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED


def test_an_order_the_exchange_never_heard_of_is_not_found(stage: Stage) -> None:
    order = stage.order(Side.BUY, OrderKind.LIMIT, "1", "90")
    assert stage.gateway.lookup(order) is None
    assert stage.gateway.surely_not_placed(order, NOW) is True


def test_every_report_can_be_settled_twice_with_one_result(stage: Stage) -> None:
    order = stage.order(Side.BUY, OrderKind.MARKET, "1", None)
    report: Report = stage.gateway.create(order)
    order_settle(order=order, report=report, now=NOW)
    first = Bot.objects.get(pk=stage.bot.pk)
    order_settle(order=Order.objects.get(pk=order.pk), report=report, now=NOW)
    again = Bot.objects.get(pk=stage.bot.pk)
    assert (first.total_trades, again.total_trades) == (1, 1)
    assert (first.cash, first.position_amount) == (again.cash, again.position_amount)
    assert Order.objects.get(pk=order.pk).status in FINAL


@pytest.mark.parametrize(
    ("amount", "price", "why"),
    [("0.01", "100", "minimum"), ("1", "90.005", "tick"), ("1.0005", "90", "lot"), ("20", "99", "")],
)
def test_paper_refuses_what_a_real_exchange_would(amount: str, price: str, why: str) -> None:
    stage = _paper()
    order = stage.order(Side.BUY, OrderKind.LIMIT, amount, price)
    if not why:
        order.price = D("120")  # marketable, and more than the pocket holds
        why = "does not cover"
    with pytest.raises(Refused, match=why):
        stage.gateway.create(order)


def test_an_immediate_order_that_finds_no_price_ends_at_once() -> None:
    stage = _paper()
    order = stage.order(Side.BUY, OrderKind.IOC, "1", "90")
    assert stage.gateway.create(order).status == OrderStatus.CANCELLED


def test_a_post_only_order_that_would_take_is_refused() -> None:
    stage = _paper()
    order = stage.order(Side.BUY, OrderKind.LIMIT, "1", "110", post_only=True)
    with pytest.raises(Refused, match="would take"):
        stage.gateway.create(order)
