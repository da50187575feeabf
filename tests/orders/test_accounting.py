"""Positions, fees and the ledger: the same sums, whatever the fills."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from orders.accounting import Fill, Pocket, Position, Transfer, money, product, quote_change, transfers
from orders.matching import fill
from orders.rules import FeeIn, Market, Side

D = Decimal
BTC = Market("simulated", "BTC/USDT", D("0.01"), D("0.00001"), D("0.00001"), D(5), D("0.001"), D("0.001"))
RECEIVED = Market(
    "simulated", "ETH/USDT", D("0.01"), D("0.0001"), D(0), D(5), D("0.001"), D("0.001"), FeeIn.RECEIVED
)


def bought(amount: str, price: str, market: Market = BTC) -> Fill:
    return fill(slot="a", side=Side.BUY, amount=D(amount), price=D(price), maker=False, market=market, at=0)


def sold(amount: str, price: str, market: Market = BTC) -> Fill:
    return fill(slot="a", side=Side.SELL, amount=D(amount), price=D(price), maker=False, market=market, at=0)


def test_the_average_holds_the_fees_of_its_buys() -> None:
    position = Position().after_all([bought("1", "100"), bought("1", "90")])
    assert position.cost == D("190.19")
    assert position.average == D("95.095")


def test_a_base_fee_makes_the_position_smaller_and_its_average_higher() -> None:
    position = Position().after(bought("1", "100", RECEIVED))
    assert (position.amount, position.cost) == (D("0.999"), D(100))


def test_a_sell_realises_against_the_average_and_leaves_it() -> None:
    position = Position().after_all([bought("2", "100"), sold("1", "110")])
    assert position.realised == D("109.89") - D("100.1")
    assert position.average == D("100.1")


def test_the_last_of_the_base_takes_the_last_of_the_cost() -> None:
    position = Position().after_all(
        [bought("0.00003", "33.33"), sold("0.00001", "40"), sold("0.00002", "40")]
    )
    assert (position.amount, position.cost) == (D(0), D(0))


def test_digits_that_a_float_would_lose_are_kept() -> None:
    assert bought("12.34567891", "58120.37").value == D("717535.4261503967")


def test_a_fee_in_a_third_currency_counts_and_touches_neither_side() -> None:
    plain = bought("1", "100")
    third = Fill("a", Side.BUY, D(1), D(100), 0, fee_other=D("0.1"))
    position = Position().after(third)
    assert (position.amount, position.cost, position.realised) == (D(1), D(100), D("-0.1"))
    assert position.cost + D("0.1") == Position().after(plain).cost


steps = st.lists(
    st.tuples(
        st.booleans(),
        st.decimals(min_value="0.00001", max_value="1000", places=5),
        st.decimals(min_value="0.01", max_value="100000", places=2),
    ),
    max_size=30,
)


def _history(rows: list[tuple[bool, Decimal, Decimal]], market: Market) -> list[Fill]:
    """Fills that never sell more than is held."""
    fills: list[Fill] = []
    held = D(0)
    for buy, amount, price in rows:
        side = Side.BUY if buy else Side.SELL
        size = amount if buy else min(amount, market.amount(held))
        if size > 0:
            fills.append(fill(slot="a", side=side, amount=size, price=price, maker=True, market=market, at=0))
            held += fills[-1].received if buy else -size
    return fills


@given(steps, st.sampled_from([BTC, RECEIVED]), st.decimals("0.01", "100000", places=2))
def test_start_and_transfers_and_pnl_add_up_to_equity(
    rows: list[tuple[bool, Decimal, Decimal]], market: Market, bid: Decimal
) -> None:
    start = D(10) ** 10
    fills = _history(rows, market)
    position = Position().after_all(fills)
    cash = start + sum((quote_change(one) for one in fills), D(0))
    equity = cash + product(position.amount, bid)
    assert equity == start + position.realised + position.unrealised(bid)


@given(steps, st.sampled_from([BTC, RECEIVED]))
def test_the_ledger_of_the_same_fills_holds_what_the_position_says(
    rows: list[tuple[bool, Decimal, Decimal]], market: Market
) -> None:
    fills = _history(rows, market)
    position = Position().after_all(fills)
    sums: dict[tuple[Pocket, str], Decimal] = defaultdict(Decimal)
    moves: list[Transfer] = [move for one in fills for move in transfers(one, market.base, market.quote)]
    for move in moves:
        assert move.amount > 0
        sums[move.debit, move.currency] += move.amount
        sums[move.credit, move.currency] -= move.amount
    assert sums[Pocket.BOT, market.base] == position.amount
    assert sums[Pocket.BOT, market.quote] == sum((quote_change(one) for one in fills), D(0))
    for currency in (market.base, market.quote):
        assert sum(sums[pocket, currency] for pocket in Pocket) == 0
    fees = sum((one.fee_quote for one in fills), D(0))
    assert sums[Pocket.FEES, market.quote] == money(fees)


@given(steps)
def test_a_flat_position_has_realised_all_that_went_through(
    rows: list[tuple[bool, Decimal, Decimal]],
) -> None:
    fills = _history(rows, BTC)
    held = Position().after_all(fills).amount
    if held:
        fills.append(sold(str(held), "50"))
    position = Position().after_all(fills)
    assert (position.amount, position.cost) == (D(0), D(0))
    assert position.realised == sum((quote_change(one) for one in fills), D(0))
