"""The people of the tests and what they own: plain functions that make valid rows.

Alice and Bob are strangers to each other. Money moves only through the services that move it, so
whatever is made here keeps every invariant.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count as counted
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from django.utils import timezone

from accounts.models import Environment, ExchangeAccount, User
from bots.models import Backtest, Bot, BotSettings, Decision
from bots.services.backtests import SeriesName, Wanted
from bots.strategies.base import Candles
from orders import money
from orders.accounting import product
from orders.gateways.base import FillReport, Report
from orders.gateways.candle_store import CandleStore
from orders.models import Market, Order, Trade
from orders.rules import FeeIn, OrderKind, Side
from orders.services import order_claim, order_settle
from orders.states import OrderStatus
from tradingbot.clock import TIMEFRAMES_S, ms_of

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEASE = timedelta(minutes=5)
SERIES = SeriesName("simulated", "BTC/USDT", "1h")
GRID = {"investment": "1000", "lower_price": "90", "upper_price": "110", "lines": 5}
_numbers = counted(1)


def alice() -> User:
    return _user("alice@example.org")


def bob() -> User:
    return _user("bob@example.org")


def _user(email: str) -> User:
    return User.objects.filter(email=email).first() or User.objects.create_user(email, "correct horse")


def market(ticker: str = "BTC/USDT", **rules: Any) -> Market:
    """Rules of the simulated exchange: prices by cents, amounts by 0.001, orders worth 5 and more."""
    plain = {
        "tick": Decimal("0.01"),
        "lot": Decimal("0.001"),
        "min_amount": Decimal("0.001"),
        "min_cost": Decimal(5),
        "maker_fee": Decimal("0.001"),
        "taker_fee": Decimal("0.001"),
        "fee_in": FeeIn.QUOTE,
        "loaded_at": NOW,
    }
    made, _ = Market.objects.get_or_create(
        exchange="simulated", ticker=ticker, version=1, defaults=plain | rules
    )
    return made


def paper_account(user: User, label: str = "Paper", **deposits: Decimal) -> ExchangeAccount:
    """A paper account; `deposits` by currency, 10,000 USDT if none is named."""
    account = ExchangeAccount.objects.create(
        user=user, exchange="simulated", label=label, environment=Environment.PAPER
    )
    for currency, amount in (deposits or {"USDT": Decimal(10_000)}).items():
        money.deposit(account=account, currency=currency, amount=amount, now=NOW)
    return account


def bot(
    user: User, account: ExchangeAccount | None = None, funds: Decimal = Decimal(1000), **fields: Any
) -> Bot:
    """A stopped grid bot on BTC/USDT with `funds` in its pocket."""
    account = account or paper_account(user, label=f"Paper {next(_numbers)}")
    plain = {"name": "Demo grid", "bot_type": "grid", "exchange": "simulated", "ticker": "BTC/USDT"}
    made = Bot.objects.create(user=user, account=account, **plain | fields)
    BotSettings.objects.create(user=user, bot=made, version=1, values=GRID, made_at=NOW)
    money.fund(bot=made, quote=funds, now=NOW)
    return Bot.objects.get(pk=made.pk)


def backtest(user: User, **fields: Any) -> Backtest:
    """A queued backtest of a grid, as asked for a moment ago."""
    plain = {
        "name": "Old summer",
        "bot_type": "grid",
        "values": GRID,
        "exchange": SERIES.exchange,
        "ticker": SERIES.ticker,
        "timeframe": SERIES.timeframe,
        "since": NOW - timedelta(days=30),
        "until": NOW,
        "created_at": NOW + timedelta(seconds=next(_numbers)),
    }
    made = Backtest.objects.create(user=user, **plain | fields)
    return Backtest.objects.get(pk=made.pk)


def wanted(**fields: Any) -> Wanted:
    """A grid on the stored series `candles` makes."""
    plain: dict[str, Any] = {"name": "Old summer", "bot_type": "grid", "values": GRID, "series": SERIES}
    return Wanted(**plain | fields)


def candles(root: Path, series: SeriesName = SERIES, count: int = 24 * 20) -> None:
    """A stored series that swings around 100, ending at NOW."""
    at = ms_of(NOW) + (np.arange(count, dtype=np.int64) - count) * TIMEFRAMES_S[series.timeframe] * 1000
    middle = 100 + np.round(8 * np.sin(np.arange(count + 1) / 7), 2)
    opened, close = middle[:-1], middle[1:]
    high, low = np.maximum(opened, close) + 0.5, np.minimum(opened, close) - 0.5
    found = Candles(at, opened, high, low, close, np.full(count, 10.0))
    names = {"exchange": series.exchange, "ticker": series.ticker, "timeframe": series.timeframe}
    CandleStore(root).write(**names, candles=found)


def decision(owner: Bot) -> Decision:
    """The bot's next decision, as if it had seen nothing and wanted nothing."""
    number = Bot.objects.get(pk=owner.pk).decisions_made + 1
    made = Decision.objects.create(
        user_id=owner.user_id,
        bot=owner,
        number=number,
        epoch=owner.epoch,
        at=NOW,
        made_at=NOW,
        settings_version=1,
        strategy_version=1,
        seen={},
        plan={},
        memory_hash="",
    )
    Bot.objects.filter(pk=owner.pk).update(decisions_made=number)
    return made


def order(
    owner: Bot,
    side: Side = Side.BUY,
    *,
    amount: Decimal = Decimal(1),
    price: Decimal = Decimal(100),
    slot: str = "",
    **fields: Any,
) -> Order:
    """A planned limit order, or a stop if it has a `trigger`, that a decision of its own asked for, its money
    reserved."""
    rules = market(owner.ticker)
    is_buy = side is Side.BUY
    return Order.objects.create(
        user_id=owner.user_id,
        bot=owner,
        account_id=owner.account_id,
        market=rules,
        exchange=owner.exchange,
        ticker=owner.ticker,
        client_id=uuid4().hex,
        slot=slot or f"line-{next(_numbers)}",
        decision_number=decision(owner).number,
        role="entry" if is_buy else "exit",
        side=side,
        kind=OrderKind.STOP if "trigger" in fields else OrderKind.LIMIT,
        price=price,
        amount=amount,
        reserved_quote=product(amount, price, 1 + rules.taker_fee) if is_buy else Decimal(0),
        reserved_base=Decimal(0) if is_buy else amount,
        planned_at=NOW,
        **fields,
    )


def open_order(owner: Bot, side: Side = Side.BUY, **fields: Any) -> Order:
    """An order that rests on the exchange."""
    made = order(owner, side, **fields)
    token = uuid4()
    held = Bot.objects.filter(pk=owner.pk)
    held.update(lease_token=token, lease_until=timezone.now() + LEASE)
    order_claim(order=made, token=token)
    held.update(lease_token=None, lease_until=None)
    made.refresh_from_db()
    order_settle(order=made, report=_report(made, OrderStatus.OPEN), now=NOW)
    return Order.objects.get(pk=made.pk)


def trade(of: Order, amount: Decimal | None = None, price: Decimal | None = None) -> Trade:
    """A fill of an open order, of all that is left if `amount` does not say less."""
    rules = of.market.rules()
    amount, price = amount or of.amount - of.filled, price or of.price or Decimal(100)
    in_base = rules.fee_in is FeeIn.RECEIVED and of.side == Side.BUY
    fill = FillReport(
        trade_id=uuid4().hex,
        amount=amount,
        price=price,
        fee=product(amount, rules.maker_fee) if in_base else product(amount, price, rules.maker_fee),
        fee_currency=rules.base if in_base else rules.quote,
        maker=True,
        at=NOW,
    )
    order_settle(order=of, report=_report(of, OrderStatus.OPEN, fill), now=NOW)
    return Trade.objects.get(order=of, exchange_trade_id=fill.trade_id)


def cancelled(of: Order) -> Order:
    """The order as the exchange ended it."""
    order_settle(order=of, report=_report(of, OrderStatus.CANCELLED), now=NOW)
    return Order.objects.get(pk=of.pk)


def _report(of: Order, status: OrderStatus, *fills: FillReport) -> Report:
    return Report(of.client_id, status, NOW, f"exchange-{of.client_id}", fills)
