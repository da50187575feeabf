"""From event to event: passing candles over changes nothing, and the future is never seen."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.backtest.run import Backtest, Terms
from orders.accounting import Pocket, Position, quote_change, transfers
from orders.rules import Side
from tests.backtest.walks import BUSY, MARKET, backtest, first, walk

MINUTES = 400
BOTS = pytest.mark.parametrize("bot_type", BUSY)


def outcome(run: Backtest) -> tuple[object, ...]:
    """All that a run decided, in the order it did."""
    record, journal = run.run(), run.trader.journal or []
    decisions = [(one.seen, one.plan, one.reasons, one.placed, one.cancelled) for one in journal]
    return record, decisions, run.trader.memory, dict(run.desk.live)


@BOTS
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), pessimistic=st.booleans(), gap=st.sampled_from([0.0, 0.002]))
def test_walking_every_candle_gives_what_skipping_gives(
    bot_type: str, seed: int, pessimistic: bool, gap: float
) -> None:
    candles = walk(seed, 150, gap=gap)
    terms = Terms(Decimal("0.05"), Decimal(2), pessimistic)
    skipping = backtest(bot_type, BUSY[bot_type], candles, terms=terms, journal=True)
    walking = backtest(bot_type, BUSY[bot_type], candles, terms=terms, journal=True, skip=False)
    assert outcome(skipping) == outcome(walking)


@BOTS
def test_the_busy_bots_of_these_tests_do_trade(bot_type: str) -> None:
    record = backtest(bot_type, BUSY[bot_type], walk(1, MINUTES)).run()
    assert {fill.side for fill in record.fills} == {Side.BUY, Side.SELL}
    assert len(record.fills) >= 10


@BOTS
@pytest.mark.parametrize("cut", [120, 250])
def test_cutting_the_future_off_never_changes_the_past(bot_type: str, cut: int) -> None:
    candles = walk(3, MINUTES)
    whole = backtest(bot_type, BUSY[bot_type], candles, journal=True)
    told = backtest(bot_type, BUSY[bot_type], first(candles, cut), journal=True)
    whole.run()
    told.run()
    end = int(candles.at[cut])
    before = [one for one in whole.trader.journal or [] if one.seen.now < end]
    assert before
    assert [(one.seen, one.plan) for one in told.trader.journal or []] == [
        (one.seen, one.plan) for one in before
    ]


@BOTS
@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_the_books_add_up_after_every_fill(bot_type: str, seed: int) -> None:
    run = backtest(bot_type, BUSY[bot_type], walk(seed, 150))
    cash, held = run.desk.cash, run.desk.position
    record = run.run()
    pockets: dict[str, Decimal] = {MARKET.quote: cash, MARKET.base: held.amount}
    for number, fill in enumerate(record.fills):
        before = held.realised
        held, cash = held.after(fill), cash + quote_change(fill)
        for move in transfers(fill, MARKET.base, MARKET.quote):
            pockets[move.currency] += move.amount * ((move.debit is Pocket.BOT) - (move.credit is Pocket.BOT))
        assert run.desk.log.holding(number + 1) == (cash, held.amount)
        assert (cash, held.amount) == (pockets[MARKET.quote], pockets[MARKET.base])
        assert record.pnls[number] == held.realised - before
        assert cash >= 0
        assert held.amount >= 0
    assert (run.desk.cash, run.desk.position) == (cash, held)
    # Never more committed than the investment and what was earned with it.
    assert held.cost + cash == Decimal(2000) + held.realised


def test_an_order_at_market_in_a_backtest_acts_at_the_next_open() -> None:
    """The signal of a closed candle is acted on at the open of the one after it."""
    candles = walk(1, MINUTES)
    run = backtest("momentum", BUSY["momentum"], candles, terms=Terms(), journal=True)
    record = run.run()
    opens = dict(zip(candles.at.tolist(), candles.open.tolist(), strict=True))
    entries = [fill for fill in record.fills if fill.slot.endswith("/entry")]
    assert entries
    for entry in entries:
        assert entry.price == Decimal(str(opens[entry.at]))


def test_progress_is_told_and_may_end_the_run() -> None:
    class Enough(Exception):
        pass

    def stop(row: int) -> None:
        assert row > 0
        raise Enough

    run = backtest("grid", BUSY["grid"], walk(1, 9000, step=0.0001), progress=stop)
    with pytest.raises(Enough):
        run.run()


def test_nothing_but_the_position_is_left_when_a_bot_never_trades() -> None:
    run = backtest("grid", {**BUSY["grid"], "trigger_price": "1"}, walk(1, 50))
    record = run.run()
    assert record.fills == []
    assert record.end_equity == record.start_equity == Decimal(2000)
    assert run.desk.position == Position()
