"""Both books side by side: what the exchange knows, and what our rows say."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from bots.engine.replay import replay_breaches
from bots.models import Bot
from orders.accounting import Pocket
from orders.invariants import breaches
from orders.models import LedgerEntry, Order, Trade
from orders.states import OrderStatus
from orders.switches import lets_out
from tests.exchange import orders as theirs
from tests.exchange.accounts import Balance
from tests.exchange.oracle import CREATE
from tests.exchange.venue import MONEY
from tests.faults.runs.deeds import Pressed, reaches
from tests.faults.runs.mischief import is_foreign
from tests.faults.runs.stage import Stage

S = OrderStatus
STATUSES = {
    "NEW": S.OPEN,
    "PARTIALLY_FILLED": S.OPEN,
    "FILLED": S.FILLED,
    "CANCELED": S.CANCELLED,
    "EXPIRED": S.EXPIRED,
}
# What never reached the exchange, or was refused by it.
NOWHERE = frozenset({S.REFUSED, S.NOT_PLACED, S.ABANDONED, S.PLANNED})


# The exchange's code for too many requests.
LIMITED = -1003


def differences(stage: Stage, pressed: list[Pressed]) -> list[str]:
    """Everything in which the two books differ, or that must not be; nothing when all is well."""
    return [
        *(f"sent twice: {client_id}" for client_id in stage.exchange.oracle.sent_twice()),
        *_orders(stage),
        *_trades(stage),
        *_money(stage),
        *_foreign(stage),
        *_switched(stage, pressed),
        *_unheeded(stage),
        *(str(breach) for breach in breaches()),
        *(str(breach) for bot in Bot.objects.order_by("pk") for breach in replay_breaches(bot)),
    ]


def _orders(stage: Stage) -> Iterator[str]:
    """I3, I9: each order of theirs that carries our id is one row, which says the same of it."""
    keys = stage.accounts
    rows = {(keys[row.account_id], row.client_id): row for row in Order.objects.select_related("bot")}
    for order in stage.exchange.ledger.orders:
        if is_foreign(order):
            continue
        row = rows.pop((order.account, order.client_id), None)
        if row is None:
            yield f"no row for their order {order.id} ({order.client_id})"
        else:
            yield from _order(row, order)
    for row in rows.values():
        if row.status not in NOWHERE or row.filled or row.exchange_order_id:
            yield f"{_named(row)} is {row.status}, and not on the exchange"


def _order(row: Order, order: theirs.Order) -> Iterator[str]:
    should = STATUSES[order.status]
    came_late = row.status == S.NOT_PLACED and not order.open
    if row.status != should and not came_late:
        yield f"{_named(row)} is {row.status}, theirs {order.status}"
    if row.exchange_order_id != str(order.id):
        yield f"{_named(row)} says it is their order {row.exchange_order_id}, it is {order.id}"
    if (row.filled, row.cost) != (order.filled, order.cost):
        ours = f"{row.status}, filled {row.filled:f} for {row.cost:f}"
        yield f"{_named(row)}: {ours}, theirs {order.status}, {order.filled} for {order.cost}"


def _trades(stage: Stage) -> Iterator[str]:
    """I7: each of their trades is booked once, with the same numbers."""
    told: dict[tuple[str, ...], tuple[Any, ...]] = {
        (trade.account, trade.symbol, str(trade.order_id), str(trade.id)): (
            *(trade.quantity, trade.price, trade.commission, trade.commission_asset),
            trade.maker,
        )
        for trade in stage.exchange.ledger.trades
    }
    booked: defaultdict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in Trade.objects.select_related("order"):
        order = row.order
        place = (stage.accounts[order.account_id], row.symbol.replace("/", ""), order.exchange_order_id or "")
        numbers = (row.quantity, row.price, row.fee, row.fee_currency, row.maker)
        booked[*place, row.exchange_trade_id].append(numbers)
    for name in sorted(told.keys() | booked.keys(), key=str):
        if booked.get(name, []) != [told.get(name)]:
            yield f"trade {name} is booked as {booked.get(name, [])}, theirs is {told.get(name)}"


def _money(stage: Stage) -> Iterator[str]:
    """I15: what our trades moved in each account and currency is what its balance there has changed by."""
    moved: defaultdict[tuple[UUID, str], Decimal] = defaultdict(Decimal)
    for entry in LedgerEntry.objects.filter(trade__isnull=False):
        for pocket, sign in ((entry.debit, 1), (entry.credit, -1)):
            if pocket not in (Pocket.MARKET, Pocket.FEES):
                moved[entry.account_id, entry.currency] += sign * entry.amount
    for number, key in stage.accounts.items():
        balances = stage.exchange.ledger.accounts[key].balances
        for currency in sorted(balances.keys() | {one for account, one in moved if account == number}):
            now, before = balances[currency].total, Decimal(MONEY.get(currency, 0))
            if now - before != moved[number, currency]:
                yield f"{key}: {currency} changed by {now - before}, our trades by {moved[number, currency]}"
        yield from _pockets(number, key, balances)


def _pockets(number: UUID, key: str, balances: Mapping[str, Balance]) -> Iterator[str]:
    """What our bots hold of a currency is there."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for bot in Bot.objects.filter(account=number):
        held[bot.quote] += bot.cash
        held[bot.base] += bot.position_amount
    for currency, amount in held.items():
        there = balances[currency].total
        if amount > there:
            yield f"{key}: our bots hold {amount} {currency}, there are {there}"


def _foreign(stage: Stage) -> Iterator[str]:
    """I9: an order that is not ours is as its owner left it."""
    for order in stage.exchange.ledger.orders:
        if is_foreign(order) and (order.status != "NEW" or order.filled):
            yield f"the foreign order of {order.account} is {order.status}"


def _switched(stage: Stage, pressed: list[Pressed]) -> Iterator[str]:
    """I18: nothing that a switch holds back was sent while it stood."""
    requests = stage.exchange.oracle.requests
    rows = {row.client_id: row for row in Order.objects.select_related("bot")}
    for one in pressed:
        sent = [seen for seen in requests[one.since : one.until] if (seen.method, seen.path) == CREATE]
        for row in (rows[seen.client_id] for seen in sent if seen.client_id in rows):
            if not lets_out(one.switch.level, row.side, row.kind) and reaches(one, row.bot_id):
                yield f"{_named(row)} was sent under the kill switch for {one.switch.scope}"


def _unheeded(stage: Stage) -> Iterator[str]:
    """I24: who was told to wait asks nothing until it has waited. All come from one address."""
    requests = stage.exchange.oracle.requests
    for place, seen in enumerate(requests):
        if seen.code == LIMITED and not seen.unheard:
            until = next((leap for leap in stage.leaps if leap > place), len(requests))
            if until > place + 1:
                asked = requests[place + 1]
                yield f"after {seen.method} {seen.path} was limited came {asked.method} {asked.path}"


def _named(row: Order) -> str:
    return f"{row.bot.name}: {row.side} {row.slot} ({row.client_id[:8]})"
