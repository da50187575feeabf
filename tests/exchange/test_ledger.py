"""The books add up, whatever is done to them."""

from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchange import settlement
from tests.exchange.ledger import Ledger
from tests.exchange.market import Level
from tests.exchange.orders import Order, Wish
from tests.exchange.rejections import Rejection
from tests.exchange.symbols import SYMBOLS, Symbol

D = Decimal
KEY = "alice-key"
SOL = next(symbol for symbol in SYMBOLS if symbol.name == "SOLUSDT")
BNB = next(symbol for symbol in SYMBOLS if symbol.name == "BNBUSDT")


def ledger_of(symbols: dict[Symbol, Decimal] | None = None, **money: int) -> Ledger:
    ledger = Ledger(symbols or {SOL: D(100), BNB: D(500)}, clock=lambda: 1_000_000)
    ledger.open_account(KEY, "secret", **(money or {"USDT": 10_000, "SOL": 100}))
    return ledger


def wish(
    side: str, kind: str, quantity: str, price: str = "0", *, name: str = "one", tif: str = "GTC"
) -> Wish:
    return Wish("SOLUSDT", side, kind, name, D(quantity), D(price), tif)


def place(ledger: Ledger, *asked: str, **more: str) -> Order:
    return ledger.place(KEY, wish(*asked, **more))


STEPS = st.one_of(
    st.tuples(
        st.just("place"),
        st.sampled_from(("BUY", "SELL")),
        st.sampled_from(("LIMIT", "LIMIT_MAKER", "MARKET")),
        st.integers(1, 40_000),
        st.integers(-1_500, 1_500),
        st.sampled_from(("GTC", "IOC", "FOK")),
    ),
    st.tuples(st.just("move"), st.integers(-2_000, 2_000)),
    st.tuples(st.just("thin"), st.integers(1, 20_000)),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("fill"), st.integers(0, 20), st.integers(1, 100)),
    st.tuples(st.just("deposit"), st.sampled_from(("USDT", "SOL", "BNB")), st.integers(-500, 500)),
)


class Actor:
    """Does random steps on a ledger; what the exchange refuses is no step."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger, self.market = ledger, ledger.markets["SOLUSDT"]
        self.deposits: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.number = 0

    def place(self, side: str, kind: str, quantity: int, away: int, tif: str) -> None:
        self.number += 1
        price = D(0) if kind == "MARKET" else self.market.price + away * SOL.tick
        asked = wish(
            side,
            kind,
            str(quantity * SOL.step),
            str(price),
            name=str(self.number),
            tif="GTC" if kind != "LIMIT" else tif,
        )
        self.ledger.place(KEY, asked)

    def move(self, ticks: int) -> None:
        self.ledger.move("SOLUSDT", max(D(50), self.market.price + ticks * SOL.tick))

    def thin(self, steps: int) -> None:
        self.market.asks = [Level(self.market.price, steps * SOL.step)]
        self.market.bids = [Level(self.market.price - SOL.tick, steps * SOL.step)]

    def cancel(self, number: int) -> None:
        for order in self.ledger.open_orders(KEY)[number : number + 1]:
            self.ledger.cancel(order)

    def fill(self, number: int, percent: int) -> None:
        for order in self.ledger.open_orders(KEY)[number : number + 1]:
            part = (order.remaining * percent / 100).quantize(SOL.step)
            if part:
                self.ledger.fill(order, part)

    def deposit(self, asset: str, amount: int) -> None:
        self.ledger.deposit(KEY, asset, D(amount))
        self.deposits[asset] += amount


@given(steps=st.lists(STEPS, max_size=30), fee_asset=st.sampled_from((None, "BNB")))
def test_free_and_locked_are_deposits_and_trades_less_commissions(
    steps: list[tuple[str, int]], fee_asset: str | None
) -> None:
    ledger = ledger_of(USDT=10_000, SOL=100, BNB=1)
    account = ledger.accounts[KEY]
    account.fee_asset = fee_asset
    actor = Actor(ledger)
    actor.deposits |= {"USDT": D(10_000), "SOL": D(100), "BNB": D(1)}
    for verb, *asked in steps:
        try:
            getattr(actor, verb)(*asked)
        except Rejection:
            continue
    expected = defaultdict(Decimal, actor.deposits)
    for trade in ledger.trades:
        for asset, amount in settlement.flows(SOL, trade):
            expected[asset] += amount
    assert {asset: balance.total for asset, balance in account.balances.items()} == {
        asset: expected[asset] for asset in account.balances
    }
    assert all(balance.free >= 0 and balance.locked >= 0 for balance in account.balances.values())
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for order in ledger.orders:
        assert order.open or order.locked == 0
        held["USDT" if order.wish.buys else "SOL"] += order.locked
    assert all(account.balances[asset].locked == held[asset] for asset in ("USDT", "SOL"))
    for order in ledger.orders:
        mine = [trade for trade in ledger.trades if trade.order_id == order.id]
        assert sum((trade.quantity for trade in mine), D(0)) == order.filled <= order.quantity
        assert sum((trade.cost for trade in mine), D(0)) == order.cost


def test_a_resting_buy_locks_its_cost_and_pays_its_fee_in_what_it_bought() -> None:
    ledger = ledger_of()
    order = place(ledger, "BUY", "LIMIT", "10", "90")
    usdt, sol = ledger.accounts[KEY].balances["USDT"], ledger.accounts[KEY].balances["SOL"]
    assert (order.status, usdt.free, usdt.locked) == ("NEW", D(9_100), D(900))
    ledger.move("SOLUSDT", "90")
    assert (order.status, usdt.free, usdt.locked) == ("FILLED", D(9_100), D(0))
    assert (sol.free, ledger.trades[0].commission_asset) == (D("109.99"), "SOL")


def test_a_sell_pays_its_fee_in_what_it_earned() -> None:
    ledger = ledger_of()
    place(ledger, "SELL", "MARKET", "1")
    assert (ledger.trades[0].commission, ledger.trades[0].commission_asset) == (D("0.09999"), "USDT")
    assert not ledger.trades[0].maker


def test_the_fee_asset_pays_while_it_lasts() -> None:
    ledger = ledger_of(USDT=10_000, BNB=1)
    ledger.accounts[KEY].fee_asset = "BNB"
    place(ledger, "BUY", "MARKET", "1")
    ledger.deposit(KEY, "BNB", -ledger.accounts[KEY].balances["BNB"].free)
    place(ledger, "BUY", "MARKET", "1", name="two")
    assert [trade.commission_asset for trade in ledger.trades] == ["BNB", "SOL"]
    assert ledger.trades[0].commission == D("0.00015")


def test_trading_through_a_price_is_needed_when_the_exchange_is_told_so() -> None:
    ledger = Ledger({SOL: D(100)}, clock=lambda: 1, fills_on="through")
    ledger.open_account(KEY, "secret", USDT=1_000)
    order = place(ledger, "BUY", "LIMIT", "1", "90")
    ledger.move("SOLUSDT", "90")
    assert order.status == "NEW"
    ledger.move("SOLUSDT", "89.99")
    assert order.status == "FILLED"
    assert ledger.trades[0].price == 90


@pytest.mark.parametrize(
    ("tif", "status", "filled"),
    [("GTC", "PARTIALLY_FILLED", "2"), ("IOC", "EXPIRED", "2"), ("FOK", "EXPIRED", "0")],
)
def test_what_a_thin_book_leaves_of_an_order(tif: str, status: str, filled: str) -> None:
    ledger = ledger_of()
    ledger.set_book("SOLUSDT", bids=[], asks=[Level(D(100), D(1)), Level(D(101), D(1)), Level(D(103), D(5))])
    order = place(ledger, "BUY", "LIMIT", "5", "102", tif=tif)
    assert (order.status, order.filled) == (status, D(filled))
    assert ledger.accounts[KEY].balances["USDT"].locked == (D(306) if tif == "GTC" else 0)


def test_an_empty_book_lets_a_market_order_expire() -> None:
    ledger = ledger_of()
    ledger.set_book("SOLUSDT", bids=[], asks=[])
    assert place(ledger, "BUY", "MARKET", "1").status == "EXPIRED"


def test_a_client_id_is_free_again_when_its_order_has_ended() -> None:
    ledger = ledger_of()
    first = place(ledger, "BUY", "LIMIT", "1", "90")
    with pytest.raises(Rejection, match="Duplicate order sent"):
        place(ledger, "BUY", "LIMIT", "1", "91")
    ledger.cancel(first)
    second = place(ledger, "BUY", "LIMIT", "1", "91")
    assert ledger.find(KEY, "SOLUSDT", client_id="one") is second
    assert second.id != first.id


def test_a_self_trade_has_one_id_on_both_orders() -> None:
    ledger = ledger_of()
    buy, sell = (
        place(ledger, "BUY", "LIMIT", "1", "99"),
        place(ledger, "SELL", "LIMIT", "1", "101", name="two"),
    )
    first, second = ledger.self_trade(buy, sell, D(1))
    assert first.id == second.id
    assert {first.order_id, second.order_id} == {buy.id, sell.id}
    assert (buy.status, sell.status) == ("FILLED", "FILLED")


def test_an_overfill_is_possible_only_when_asked_for() -> None:
    ledger = ledger_of()
    order = place(ledger, "BUY", "LIMIT", "1", "90")
    with pytest.raises(ValueError, match="cannot be filled"):
        ledger.fill(order, D(2))
    ledger.fill(order, D(2), over=True)
    assert (order.filled, order.quantity) == (D(2), D(1))
    assert ledger.accounts[KEY].balances["USDT"].total == D(9_820)


def test_a_fill_after_the_end_leaves_the_order_ended() -> None:
    ledger = ledger_of()
    order = ledger.cancel(place(ledger, "BUY", "LIMIT", "1", "90"))
    ledger.fill(order, D(1), over=True)
    assert (order.status, order.filled) == ("CANCELED", D(1))
    assert ledger.accounts[KEY].balances["USDT"].total == D(9_910)


def test_ids_count_for_each_symbol_alone() -> None:
    ledger = ledger_of(USDT=10_000)
    sol = place(ledger, "BUY", "MARKET", "1")
    bnb = ledger.place(KEY, Wish("BNBUSDT", "BUY", "MARKET", "two", D(1)))
    assert (sol.id, bnb.id) == (1, 1)
    assert [trade.id for trade in ledger.trades] == [1, 1]
