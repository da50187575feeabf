"""The exchange's own books: the oracle a client is compared with.

Pure: no network, Decimal only, time handed in, ids counted. Every public method holds `lock`, so a test and
the server may use one ledger from two threads. Listeners are told of everything, in order, under the lock.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Protocol

from tests.exchange import filters, rejections, settlement
from tests.exchange.accounts import Account
from tests.exchange.market import Level, Market, Tick
from tests.exchange.orders import Order, Trade, Wish
from tests.exchange.symbols import Symbol

D = Decimal
Clock = Callable[[], int]


class Listener(Protocol):
    """Hears what happens. `execution` is NEW, TRADE, CANCELED, EXPIRED or REJECTED."""

    def reported(self, account: Account, order: Order, trade: Trade | None, execution: str) -> None: ...

    def deposited(self, account: Account, asset: str, amount: Decimal) -> None: ...

    def ticked(self, market: Market, tick: Tick) -> None: ...

    def quoted(self, market: Market) -> None: ...


class Ledger:
    """`fills_on` says when a resting order fills: "touch" (the other side reaches its price) or "through"."""

    def __init__(
        self, symbols: Mapping[Symbol, Decimal], *, clock: Clock, first_id: int = 1, fills_on: str = "touch"
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.fills_on = fills_on
        self.symbols = {symbol.name: symbol for symbol in symbols}
        self.markets = {
            symbol.name: Market(symbol.name, symbol.tick, price, clock()) for symbol, price in symbols.items()
        }
        self.accounts: dict[str, Account] = {}
        self.orders: list[Order] = []
        self.trades: list[Trade] = []
        self.listeners: list[Listener] = []
        # Ids count per symbol, as at Binance: one number names an order in each of several markets.
        self._order_ids: defaultdict[str, int] = defaultdict(lambda: first_id - 1)
        self._trade_ids: defaultdict[str, int] = defaultdict(lambda: first_id - 1)
        self._names = 0

    def open_account(self, key: str, secret: str, **money: Decimal | int | str) -> Account:
        with self.lock:
            account = self.accounts[key] = Account(key, secret, uid=1_000 + len(self.accounts))
            for asset, amount in money.items():
                self.deposit(key, asset, D(amount))
            return account

    def deposit(self, key: str, asset: str, amount: Decimal) -> None:
        """Moves money in, or out if negative, as by hand."""
        with self.lock:
            account = self.accounts[key]
            account.change(asset, amount)
            account.updated = self.clock()
            for listener in self.listeners:
                listener.deposited(account, asset, amount)

    def change_symbol(self, name: str, **changes: Any) -> Symbol:
        """New filters or a new status, as after a weekend: `status="BREAK"`, `tick=D("0.1")`."""
        with self.lock:
            self.symbols[name] = replace(self.symbols[name], **changes)
            self.markets[name].tick_size = self.symbols[name].tick
            return self.symbols[name]

    def set_book(self, symbol: str, *, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Another book, best levels first: thin, empty or crossed. The next move makes a plain one again."""
        with self.lock:
            market = self.markets[symbol]
            market.bids, market.asks = list(bids), list(asks)
            market.updates += 1
            for listener in self.listeners:
                listener.quoted(market)

    def fresh_name(self) -> str:
        """A client id for who sent none; the same ones on every run."""
        with self.lock:
            self._names += 1
            return f"exchange-{self._names:013}"

    def count_trades_anew(self) -> None:
        """The next trade of each market is its first again, as after a move to other machines."""
        with self.lock:
            self._trade_ids.clear()

    def symbol(self, name: str) -> Symbol:
        if name not in self.symbols:
            raise rejections.bad_symbol()
        return self.symbols[name]

    def find(
        self, key: str, symbol: str, *, order_id: int | None = None, client_id: str = ""
    ) -> Order | None:
        """The account's order; of several with one client id, the newest."""
        with self.lock:
            for order in reversed(self.orders):
                if (order.account, order.symbol) == (key, symbol) and (
                    order.id == order_id if order_id is not None else order.client_id == client_id
                ):
                    return order
            return None

    def open_orders(self, key: str, symbol: str | None = None) -> list[Order]:
        with self.lock:
            mine = [order for order in self.orders if order.open and order.account == key]
            return [order for order in mine if symbol in (None, order.symbol)]

    def judge(self, key: str, wish: Wish) -> None:
        """Raises the rejection this wish would get before it reached the book."""
        with self.lock:
            symbol = self.symbol(wish.symbol)
            if symbol.status != "TRADING":
                raise rejections.market_closed()
            resting = self.open_orders(key, wish.symbol)
            market = self.markets[wish.symbol]
            waiting = sum(order.waits for order in resting)
            filters.check(filters.Candidate(wish, symbol, market.price, len(resting), waiting))
            if wish.stops and wish.triggered_by(market.price):
                raise rejections.would_trigger()
            if any(order.client_id == wish.client_id for order in resting):
                raise rejections.duplicate()
            best = market.best(buys=wish.buys)
            if wish.kind == "LIMIT_MAKER" and best is not None:
                takes = best <= wish.price if wish.buys else best >= wish.price
                if takes:
                    raise rejections.would_take()

    def place(self, key: str, wish: Wish) -> Order:
        """Books an order and lets it take what the book holds for it."""
        with self.lock:
            self.judge(key, wish)
            account, symbol, market = self.accounts[key], self.symbols[wish.symbol], self.markets[wish.symbol]
            quantity = wish.quantity or market.afford(
                buys=wish.buys, cost=wish.quote_quantity, step=symbol.step
            )
            limit = None if wish.kind == "MARKET" else wish.price
            taken = [] if wish.stops else market.walk(buys=wish.buys, quantity=quantity, limit=limit)
            cost = sum((price * part for price, part in taken), D(0)) if limit is None else limit * quantity
            now = self.clock()
            order = Order(0, key, wish, quantity, now, now)
            settlement.lock(order, account, symbol, cost=cost)
            self._order_ids[wish.symbol] += 1
            order.id = self._order_ids[wish.symbol]
            self.orders.append(order)
            self._report(order, None, "NEW")
            self._take(order, taken)
            return order

    def _take(self, order: Order, taken: list[tuple[Decimal, Decimal]]) -> None:
        wish = order.wish
        whole = sum((part for _, part in taken), D(0)) >= order.quantity > 0
        if wish.time_in_force != "FOK" or whole or wish.kind == "MARKET":
            for price, part in taken:
                self._fill(order, part, price, maker=False)
            self.markets[order.symbol].consume(
                buys=wish.buys, quantity=sum((part for _, part in taken), D(0))
            )
        if order.open and (wish.kind == "MARKET" or wish.time_in_force in ("IOC", "FOK")):
            self._end(order, "EXPIRED")

    def cancel(self, order: Order, cancel_id: str = "") -> Order:
        with self.lock:
            if not order.open:
                raise rejections.unknown_order()
            order.cancel_id = cancel_id or self.fresh_name()
            self._end(order, "CANCELED")
            return order

    def expire(self, order: Order, status: str = "EXPIRED") -> None:
        """The exchange ends the order by itself."""
        with self.lock:
            self._end(order, status)

    def fill(
        self,
        order: Order,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        *,
        over: bool = False,
    ) -> Trade:
        """Fills a resting order as its maker, whole or in part; `over` may exceed what it asked for. A stop
        is triggered by it, and takes at its stop price."""
        with self.lock:
            quantity = order.remaining if quantity is None else quantity
            if not over and not (order.open and 0 < quantity <= order.remaining):
                raise ValueError(f"{quantity} of order {order.id}, {order.status}, cannot be filled")
            if order.waits:
                self._trigger(order)
            wish = order.wish
            return self._fill(order, quantity, price or wish.stop_price or wish.price, maker=not wish.stops)

    def self_trade(self, first: Order, second: Order, quantity: Decimal) -> tuple[Trade, Trade]:
        """Two orders of one account meet: one trade id stands on both."""
        with self.lock:
            price = first.wish.price
            trade = self._fill(first, quantity, price, maker=True)
            return trade, self._fill(second, quantity, price, maker=False, trade_id=trade.id)

    def move(self, symbol: str, price: Decimal | int | str, quantity: Decimal | int | str = 1) -> None:
        """The market trades at a price: stops it triggers take what the book holds for them, resting orders
        that it reaches fill at their own price."""
        with self.lock:
            market = self.markets[symbol]
            market.quote(D(price))
            for order in [order for order in self.orders if order.symbol == symbol and order.waits]:
                if order.wish.triggered_by(D(price)):
                    self._trigger(order)
                    limit, buys = order.wish.price, order.wish.buys
                    self._take(order, market.walk(buys=buys, quantity=order.remaining, limit=limit))
            reached = [
                order
                for order in self.orders
                if order.open and order.symbol == symbol and self._reached(order)
            ]
            for order in sorted(
                reached, key=lambda order: -order.wish.price if order.wish.buys else order.wish.price
            ):
                self._fill(order, order.remaining, order.wish.price, maker=True)
            self._print(market, D(price), D(quantity), buyer_maker=False)

    def _trigger(self, order: Order) -> None:
        order.triggered = True
        self._report(order, None, "NEW")

    def _reached(self, order: Order) -> bool:
        if order.waits:
            return False
        best = self.markets[order.symbol].best(buys=order.wish.buys)
        if best is None:
            return False
        beyond = best < order.wish.price if order.wish.buys else best > order.wish.price
        return beyond or (self.fills_on == "touch" and best == order.wish.price)

    def _fill(
        self, order: Order, quantity: Decimal, price: Decimal, *, maker: bool, trade_id: int | None = None
    ) -> Trade:
        account, symbol, market = (
            self.accounts[order.account],
            self.symbols[order.symbol],
            self.markets[order.symbol],
        )
        buys = order.wish.buys
        settlement.settle(order, account, symbol, price=price, quantity=quantity)
        fee, fee_asset = settlement.commission(
            account, symbol, (price, quantity), buys=buys, maker=maker, markets=self.markets
        )
        if trade_id is None:
            trade_id = self._print(market, price, quantity, buyer_maker=buys == maker)
        now = self.clock()
        trade = Trade(
            trade_id, order.id, account.key, symbol.name, price, quantity, fee, fee_asset, now, buys, maker
        )
        self.trades.append(trade)
        if order.open:  # a fill that comes after the end changes amounts only
            order.status = "FILLED" if order.filled >= order.quantity else "PARTIALLY_FILLED"
        if not order.open:
            settlement.release(order, account, symbol)
        self._report(order, trade, "TRADE")
        return trade

    def _print(self, market: Market, price: Decimal, quantity: Decimal, *, buyer_maker: bool) -> int:
        self._trade_ids[market.symbol] += 1
        tick = Tick(self._trade_ids[market.symbol], price, quantity, self.clock(), buyer_maker)
        market.record(tick)
        for listener in self.listeners:
            listener.ticked(market, tick)
        return tick.id

    def _end(self, order: Order, status: str) -> None:
        settlement.release(order, self.accounts[order.account], self.symbols[order.symbol])
        order.status = status
        self._report(order, None, status)

    def _report(self, order: Order, trade: Trade | None, execution: str) -> None:
        account = self.accounts[order.account]
        order.updated = account.updated = self.clock()
        for listener in self.listeners:
            listener.reported(account, order, trade, execution)
