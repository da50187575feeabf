"""Ways to make rows disagree, each with the invariants that must notice."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import connection

from bots.models import Bot, BotSettings, Deal, Decision
from orders.models import Balance, LedgerEntry, Market, Order, Trade
from orders.models.order import UNCOVERED
from tests import people
from tests.invariants.books import Traded, delete, without_check, without_index, without_trigger
from tests.orders.fills import fill, settled


def of(row: Bot | Order) -> Any:
    """The rows to change, past every service."""
    return type(row)._default_manager.filter(pk=row.pk)


Tampering = Callable[[Traded], object]


def _other_account(books: Traded) -> None:
    account = people.paper_account(people.alice(), label="Second")
    of(books.ended).update(account=account)


def _changed(model: type[Trade] | type[LedgerEntry], trigger: str, rows: Any, **fields: Any) -> None:
    with without_trigger(model, trigger):
        rows.update(**fields)


def _trade(books: Traded, **fields: Any) -> None:
    last = Trade.objects.filter(pk=books.trades[-1].pk)
    _changed(Trade, "trade_immutable", last, **fields)


def _deal(bot: Bot, number: int = 1, **fields: Any) -> Deal:
    return Deal.objects.create(
        user_id=bot.user_id, bot=bot, number=number, settings_version=1, opened_at=people.NOW, **fields
    )


def _two_deals(books: Traded) -> None:
    without_index("deal_one_open_per_bot")
    of(books.bot).update(deal_number=1)
    _deal(books.bot, 1)
    _deal(books.bot, 2)


def _lease_without_end(books: Traded) -> None:
    without_check(Bot, "bot_lease_whole")
    of(books.bot).update(lease_token=uuid4())


def _seen_too_much(books: Traded) -> None:
    without_check(Bot, "bot_events_seen_not_ahead")
    of(books.bot).update(events_seen=999)


def _settled_while_live(books: Traded) -> None:
    without_check(Order, "order_settled_is_final")
    of(books.buying).update(settled=True)


def _sent_twice(books: Traded) -> None:
    without_check(Order, "order_sent_once")
    if connection.vendor == "postgresql":
        without_check(Order, "order_send_counted")
    of(books.buying).update(send_count=2)


def _slot_taken_twice(books: Traded) -> None:
    without_index("order_one_per_slot")
    of(books.buying).update(slot=books.selling.slot)


def _slot_filled_twice(books: Traded) -> None:
    of(books.bought).update(settled=True)
    of(books.ended).update(decision_number=books.bought.decision_number, slot=books.bought.slot)


def _overfilled(books: Traded) -> None:
    without_check(Order, "order_fill_bounds")
    of(books.bought).update(amount=Decimal("1.9"))


def _exchange_id_twice(books: Traded) -> None:
    without_index("order_exchange_id_once")
    of(books.buying).update(exchange_order_id=books.selling.exchange_order_id)


def _trade_gone(books: Traded) -> None:
    LedgerEntry.objects.filter(trade=books.trades[-1])._raw_delete("default")
    delete(books.trades[-1])


def _entry_gone(books: Traded) -> None:
    fee = LedgerEntry.objects.get(trade=books.trades[-1], purpose="fee")
    delete(fee)


def _oversold(books: Traded) -> None:
    of(books.selling).update(amount=Decimal(2), reserved_base=Decimal(2))


def _stop(books: Traded, **changes: Decimal) -> None:
    """The order that sells is a stop instead."""
    of(books.selling).update(kind="stop", trigger=changes.pop("trigger", Decimal(125)), **changes)


def _stricter(books: Traded, **rules: Decimal) -> None:
    """Only the last order stays under rules that it breaks."""
    market = Market.objects.get(pk=books.buying.market_id)
    market.pk, market.version = None, 2
    market.save()
    Market.objects.filter(pk=market.pk).update(**rules)
    of(books.buying).update(market=market)


def _corrected(books: Traded) -> None:
    """The fee of the last trade is told otherwise, and that row counted wrong."""
    last = books.trades[-1]
    settled(
        books.sold,
        fill(last.exchange_trade_id, f"{last.quantity}", f"{last.price}", fee=last.fee + 1),
    )
    row = Trade.objects.filter(order=books.sold, correction=1)
    _changed(Trade, "trade_immutable", row, correction=2)


def _adopted(books: Traded) -> None:
    """Coins brought in with a sale that had enough of them."""
    trade = books.trades[-1]
    LedgerEntry.objects.create(
        user_id=trade.user_id,
        account_id=books.bot.account_id,
        bot_id=trade.bot_id,
        trade=trade,
        debit="bot",
        credit="outside",
        currency="BTC",
        amount=Decimal("0.5"),
        purpose="adopted",
        at=people.NOW,
    )
    of(books.bot).update(position_amount=Decimal("1.5"), position_cost=Decimal("155.1"), funded=Decimal(1055))


def _uncovered(books: Traded) -> None:
    """More on sale than there is, by an order that nobody ends."""
    _oversold(books)
    of(books.selling).update(refusal=UNCOVERED)


TAMPERINGS: list[tuple[str, set[str], Tampering]] = [
    ("no client id", {"I1"}, lambda b: of(b.buying).update(client_id="")),
    ("sent, never claimed", {"I2"}, lambda b: of(b.buying).update(claimed_at=None)),
    ("sent twice", {"I2"}, _sent_twice),
    ("two orders for one of the exchange", {"I3"}, _exchange_id_twice),
    ("a slot taken twice", {"I4"}, _slot_taken_twice),
    ("a slot filled twice by a decision", {"I4"}, _slot_filled_twice),
    ("an order of no decision", {"I4"}, lambda b: of(b.ended).update(decision_number=99)),
    ("final without its end", {"I6"}, lambda b: of(b.ended).update(finished_at=None)),
    ("resting, yet ended", {"I6"}, lambda b: of(b.buying).update(finished_at=people.NOW)),
    ("filled whole, yet resting", {"I6"}, lambda b: of(b.bought).update(status="open", finished_at=None)),
    ("late, yet nothing came late", {"I6"}, lambda b: of(b.ended).update(late=True)),
    ("resting, never placed", {"I6"}, lambda b: of(b.buying).update(placed_at=None)),
    ("a slot given away too early", {"I6"}, _settled_while_live),
    ("a trade of another slot", {"I7"}, lambda b: _trade(b, slot="line-9")),
    ("a gap in the numbers of trades", {"I7"}, lambda b: _trade(b, number=7)),
    ("more trades counted than are there", {"I7"}, lambda b: of(b.bot).update(total_trades=4)),
    ("less filled than was", {"I10"}, lambda b: of(b.ended).update(filled=Decimal("0.2"))),
    ("another cost", {"I10"}, lambda b: of(b.bought).update(cost=Decimal("200.01"))),
    ("more filled than asked for", {"I8"}, _overfilled),
    ("coins from nowhere", {"I11", "I14", "P1"}, lambda b: of(b.bot).update(position_amount=Decimal("1.1"))),
    ("a fee in no currency", {"I12", "I14", "P3"}, lambda b: _trade(b, fee_currency="")),
    ("a fee worth something else", {"I12"}, lambda b: _trade(b, fee_value=Decimal(9))),
    ("a fee nobody asks for", {"I12"}, lambda b: _trade(b, fee_pending=True)),
    ("a correction out of turn", {"I12"}, _corrected),
    ("coins brought in that were not lacking", {"P1"}, _adopted),
    ("off the tick", {"I13"}, lambda b: of(b.buying).update(price=Decimal("95.123"))),
    ("a trigger off the tick", {"I13"}, lambda b: _stop(b, trigger=Decimal("125.123"))),
    ("off the lot", {"I13"}, lambda b: of(b.ended).update(amount=Decimal("1.0001"))),
    ("under the least amount", {"I13"}, lambda b: _stricter(b, min_amount=Decimal(3))),
    ("under the least value", {"I13"}, lambda b: _stricter(b, min_cost=Decimal(300))),
    ("cash from nowhere", {"I14", "P3"}, lambda b: of(b.bot).update(cash=Decimal(9999))),
    ("a leg of a trade gone", {"I14"}, _entry_gone),
    ("money on nobody's ledger", {"I14"}, lambda b: Balance.objects.update(free=Decimal(1))),
    ("a balance gone", {"I14"}, lambda b: Balance.objects.all()._raw_delete("default")),
    ("a reservation kept", {"I16"}, lambda b: of(b.ended).update(reserved_quote=Decimal(1))),
    ("a reservation lost", {"I16"}, lambda b: of(b.buying).update(reserved_quote=Decimal(0))),
    ("more reserved than there is", {"I16"}, lambda b: of(b.buying).update(reserved_quote=Decimal(5000))),
    ("more on sale than there is", {"I16", "I17"}, _oversold),
    (
        "a stop for more than there is",
        {"I16", "I17"},
        lambda b: _stop(b, amount=Decimal(2), reserved_base=Decimal(2)),
    ),
    ("more on sale than there is, to be ended by nobody", {"I16", "I17"}, _uncovered),
    ("a trade gone", {"I7", "I10", "I11", "I14", "P1"}, _trade_gone),
    ("another gain of a trade", {"P1"}, lambda b: _trade(b, pnl=Decimal(1))),
    ("another cost of the position", {"P1", "P3"}, lambda b: of(b.bot).update(position_cost=Decimal(1))),
    ("more gained than the trades gained", {"P1", "P3"}, lambda b: of(b.bot).update(pnl=Decimal(50))),
    ("more funded than was given", {"P3"}, lambda b: of(b.bot).update(funded=Decimal(1))),
    ("a gap in the journal", {"I19"}, lambda b: delete(Decision.objects.get(bot=b.bot, number=2))),
    ("the journal's end gone", {"I19"}, lambda b: of(b.bot).update(decisions_made=8)),
    ("the settings gone", {"I19"}, lambda b: delete(BotSettings.objects.get(bot=b.bot))),
    ("a lease without an end", {"I20"}, _lease_without_end),
    ("an epoch that fell", {"I5"}, lambda b: Decision.objects.filter(bot=b.bot, number=2).update(epoch=5)),
    ("news seen before it happened", {"I21"}, _seen_too_much),
    ("two deals open", {"DEAL"}, _two_deals),
    ("in a deal that is not there", {"DEAL"}, lambda b: of(b.bot).update(deal_number=1)),
    ("a deal nobody is in", {"DEAL"}, lambda b: _deal(b.bot)),
    ("a deal closed too early", {"DEAL"}, lambda b: _deal(b.bot, closed_at=people.NOW - timedelta(days=1))),
    ("an order on another account", {"S2"}, _other_account),
    ("an order for another market", {"I13", "S2"}, lambda b: of(b.ended).update(ticker="ETH/USDT")),
]
