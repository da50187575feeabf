"""The same bot on the same candles twice: through the backtest, and through the engine with its rows."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.models import User
from bots.backtest.decisions import Decision
from bots.backtest.run import Backtest, Terms
from bots.backtest.tape import Tape
from bots.engine.replay import replayed
from bots.models import Bot, BotStatus
from bots.models import Decision as DecisionRow
from bots.strategies.registry import BOT_TYPES, dump_memory, read_settings
from orders.accounting import Pocket, Purpose, Transfer, transfers
from orders.gateways.candle_file import read_candles
from orders.gateways.listed import LISTED
from orders.gateways.simulated import SPREAD_BPS, replay_from
from orders.models import LedgerEntry, Order, Trade
from orders.states import OrderStatus
from tests.engine.simulation import BEGAN, Simulation
from tradingbot.clock import ms_of

TICKER = "BTC/USDT"
DIGITS = 9


@dataclass(frozen=True)
class Twin:
    """All that the two must have in common, in plain values."""

    decisions: list[dict[str, Any]]
    orders: list[tuple[Any, ...]]
    fills: list[tuple[Any, ...]]
    ledger: list[Transfer]
    money: tuple[Decimal, ...]


def in_memory(bot_type: str, values: dict[str, Any], path: Path, ticker: str = TICKER) -> Twin:
    read = read_candles(path)
    strategy = BOT_TYPES[bot_type].build(read_settings(bot_type, values), LISTED[ticker].rules)
    run = Backtest(strategy, Tape(read.candles, read.timeframe), Terms(spread_bps=SPREAD_BPS), journal=True)
    record = run.run()
    journal = run.trader.journal or []
    market, desk = strategy.market, run.desk
    return Twin(
        decisions=[_told(decision) for decision in journal],
        orders=_orders(journal),
        fills=[
            (fill.slot, fill.side, fill.amount, fill.price, fill.fee_base or fill.fee_quote, pnl, fill.at)
            for fill, pnl in zip(record.fills, record.pnls, strict=True)
        ],
        ledger=[move for fill in record.fills for move in transfers(fill, market.base, market.quote)],
        money=(desk.cash, desk.position.amount, desk.position.cost, desk.position.realised),
    )


def with_rows(bot_type: str, values: dict[str, Any], path: Path, user: User, ticker: str = TICKER) -> Twin:
    # Bots of an earlier example have left the market.
    Bot.objects.update(status=BotStatus.STOPPED)
    Order.objects.filter(status=OrderStatus.OPEN).update(status=OrderStatus.CANCELLED)
    simulation = Simulation(user)
    replay_from(ticker=ticker, path=path, now=BEGAN)
    bot = simulation.start(bot_type, values, ticker)
    simulation.play(minutes=10**9, ticker=ticker)
    bot = Bot.objects.get(pk=bot.pk)
    trades = Trade.objects.filter(bot=bot).order_by("number")
    released = LedgerEntry.objects.filter(bot=bot, purpose__in=[Purpose.RELEASE])
    cash = bot.cash + sum((row.amount for row in released if row.currency == bot.quote), Decimal(0))
    return Twin(
        decisions=[_row_told(row, memory) for row, memory in replayed(bot)],
        orders=sorted(
            Order.objects.filter(bot=bot).values_list(
                "decision_number", "slot", "side", "kind", "amount", "price", "trigger"
            )
        ),
        fills=[
            (row.slot, row.side, row.quantity, row.price, row.fee, row.pnl, _ms(row.executed_at))
            for row in trades
        ],
        ledger=[
            Transfer(Pocket(row.debit), Pocket(row.credit), row.currency, row.amount, Purpose(row.purpose))
            for row in LedgerEntry.objects.filter(bot=bot, trade__isnull=False).order_by(
                "trade__number", "id"
            )
        ],
        money=(cash, bot.position_amount, bot.position_cost, bot.pnl),
    )


def _ms(moment: Any) -> int:
    return ms_of(moment)


def _told(decision: Decision) -> dict[str, Any]:
    plan = decision.plan
    return {
        "number": decision.number,
        "seen": _rounded(dump_memory(decision.seen)),
        "orders": _plain({slot: dump_memory(intent) for slot, intent in plan.orders.items()}),
        "wake": _plain(dump_memory(plan.wake)),
        "deal": plan.deal,
        "reasons": list(decision.reasons),
        "memory": _plain(dump_memory(plan.memory)),
    }


def _row_told(row: DecisionRow, memory: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": row.number,
        "seen": _rounded(row.seen),
        "orders": _plain(row.plan["orders"]),
        "wake": _plain(row.plan["wake"]),
        "deal": row.plan["deal"],
        "reasons": row.reasons,
        "memory": _plain(memory),
    }


def _rounded(seen: dict[str, Any]) -> dict[str, Any]:
    """Indicators of a window that began elsewhere differ in their last digits; numbers as JSON has them."""
    candle = seen["candle"]
    if candle is not None:
        values = {
            name: None if value is None else float(f"{value:.{DIGITS}g}")
            for name, value in candle["values"].items()
        }
        seen = {**seen, "candle": {**candle, "values": values}}
    return {**seen, **{name: _plain(value) for name, value in seen.items() if name != "candle"}}


def _plain(value: Any) -> Any:
    """Decimals told with different zeros are the same number."""
    if isinstance(value, str):
        try:
            return f"{Decimal(value).normalize():f}"
        except ArithmeticError:
            return value
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value


def _orders(journal: list[Decision]) -> list[tuple[Any, ...]]:
    rows = []
    for decision in journal:
        for slot in decision.placed:
            intent = decision.plan.orders[slot]
            asked = (intent.side, intent.kind, intent.amount, intent.price, intent.trigger)
            rows.append((decision.number, slot, *asked))
    return sorted(rows)


def both(bot_type: str, values: dict[str, Any], path: Path) -> tuple[Twin, Twin]:
    user = User.objects.create_user(f"alice-{User.objects.count()}@example.com")
    return in_memory(bot_type, values, path), with_rows(bot_type, values, path, user)


def assert_alike(told: Twin, rows: Twin) -> None:
    """First what says soonest where two runs part."""
    for mine, theirs in zip(told.decisions, rows.decisions, strict=False):
        assert mine == theirs
    assert len(told.decisions) == len(rows.decisions)
    assert told.fills == rows.fills
    assert told.orders == rows.orders
    assert told.ledger == rows.ledger
    assert told.money == rows.money
