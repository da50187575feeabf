"""The protective settings around a strategy: entries are held back, exits never."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import LiveOrder
from bots.strategies.guard import guarded
from bots.strategies.limits import DAY_MS, HOUR_MS, next_midnight
from bots.strategies.registry import BOT_TYPES, dump_memory, fingerprint, load_memory, read_settings
from orders.records import replace
from orders.rules import Side
from tests.strategies.dcas import dca, finished, market, number_of
from tests.strategies.playground import Playground

D = Decimal
ONE_BUY = {"base_order_volume": 100, "investment": 100, "max_safety_orders": 0}


def bot(cash: int = 100, price: int = 100, **chosen: Any) -> Playground:
    strategy = guarded(dca(**{**ONE_BUY, **chosen}))
    return Playground(strategy, price=price, cash=cash, keep_memory_as_json=True)


def sales(playground: Playground) -> list[str]:
    return [fill.slot for fill in playground.all_fills if fill.side is Side.SELL]


def told(playground: Playground, part: str) -> int:
    return sum(part in reason for reason in playground.reasons)


def test_cooldown_waits_after_each_closed_deal() -> None:
    playground = bot(take_profit_pct=1, cooldown_s=300)
    playground.move("101.01")
    assert number_of(playground) is None
    assert playground.plan.orders == {}
    assert playground.plan.paused_until == playground.now + 300_000
    assert playground.plan.wake.at == playground.now + 300_000
    playground.move(101, 101, 101, 101)
    assert number_of(playground) is None
    playground.move(101)
    assert number_of(playground) == 2
    assert told(playground, "Cooling down") == 1


def test_the_daily_loss_pauses_entries_until_the_users_midnight() -> None:
    playground = bot(
        cash=1_000, max_daily_loss_pct=5, stop_loss_pct=10, investment=1_000, base_order_volume=900
    )
    playground.move(90)
    assert sales(playground) == ["deal-1/exit"]
    assert playground.plan.orders == {}
    assert playground.plan.paused_why.startswith("Daily loss limit of 5 %")
    playground.now += HOUR_MS
    playground.look()
    assert number_of(playground) is None
    tomorrow = replace(playground.seen(), day_start=playground.now)
    assert "deal-2/base" in playground.strategy.decide(playground.memory, tomorrow).orders


def test_the_daily_loss_is_found_without_polling() -> None:
    playground = bot(max_daily_loss_pct=5)
    assert playground.plan.wake.below == D(95)
    looks = playground.looks
    playground.move("99", "97", "95.01")
    assert playground.looks == looks
    playground.move("94.99")
    assert playground.plan.paused_why.startswith("Daily loss")
    assert "deal-1/target" in playground.live, "a pause holds no exit back"


def test_a_new_day_measures_from_its_own_start() -> None:
    playground = bot(max_daily_loss_pct=5)
    playground.move(96)
    morning = replace(playground.seen(), day_start=DAY_MS)
    plan = playground.strategy.decide(playground.memory, morning)
    assert plan.paused_why == ""
    assert plan.wake.below == D(91)


def test_a_day_of_twenty_five_hours() -> None:
    assert next_midnight(5, 0) == DAY_MS
    assert next_midnight(DAY_MS, 0) == DAY_MS + HOUR_MS


@pytest.mark.parametrize("how", ["cancel_and_sell", "cancel_orders", "keep_orders"])
def test_drawdown_stops_the_bot(how: Any) -> None:
    playground = bot(max_drawdown_pct=10, on_drawdown=how)
    playground.move("90.01")
    assert not finished(playground)
    playground.move(90)
    assert finished(playground)
    assert told(playground, "Drawdown limit of 10 % reached") == 1
    assert sales(playground) == (["deal-1/exit"] if how == "cancel_and_sell" else [])
    assert sorted(playground.live) == (["deal-1/target"] if how == "keep_orders" else [])


def test_drawdown_is_measured_from_the_peak() -> None:
    playground = bot(max_drawdown_pct=10, take_profit_pct=50)
    playground.move(110, 120, "108.01")
    assert playground.plan.wake.below == D(108)
    playground.move(108)
    assert finished(playground)
    assert playground.position.amount == 0


def test_a_stopped_bot_starts_with_new_limits_and_its_open_deal() -> None:
    playground = bot(max_drawdown_pct=10, on_drawdown="cancel_orders")
    playground.move(90)
    playground.memory = playground.strategy.restarted(playground.memory)
    playground.look()
    assert not finished(playground)
    assert number_of(playground) == 1
    assert "deal-1/target" in playground.live


@pytest.mark.parametrize(
    ("chosen", "price", "word"),
    [
        ({"bot_take_profit_pct": 8}, 108, "take profit"),
        ({"bot_stop_loss_pct": 8}, 92, "stop loss"),
    ],
)
def test_the_bots_own_take_profit_and_stop_loss_sell_all_and_stop(chosen: Any, price: Any, word: Any) -> None:
    playground = bot(take_profit_pct=50, **chosen)
    wake = playground.plan.wake
    assert price in (wake.above, wake.below)
    playground.move(price)
    assert finished(playground)
    assert playground.position.amount == 0
    assert told(playground, f"The bot's {word} is reached") == 1


def losing(count: int, **chosen: Any) -> Playground:
    usual = {"investment": 10_000, "stop_loss_pct": 1, "take_profit_pct": 5, "loss_guard_count": 3}
    playground = bot(cash=10_000, **{**usual, **chosen})
    price = D(100)
    for _ in range(count):
        price *= D("0.985")
        playground.move(price.quantize(D("0.01")))
    return playground


def test_three_losing_deals_pause_entries() -> None:
    playground = losing(2)
    assert number_of(playground) == 3
    playground = losing(3)
    assert number_of(playground) is None
    assert playground.plan.paused_until == playground.now + 43_200_000
    assert told(playground, "3 losing deals") == 1
    playground.now += 43_200_000
    playground.look()
    assert number_of(playground) == 4


def test_the_loss_guards_count_and_pause_are_those_chosen() -> None:
    playground = losing(2, loss_guard_count=2, loss_guard_pause_s=600)
    assert number_of(playground) is None
    assert playground.plan.paused_until == playground.now + 600_000
    assert told(playground, "2 losing deals within 86400 s: no entries for 600 s.") == 1


def test_losses_outside_the_window_do_not_count() -> None:
    assert losing(3, loss_guard_window_s=100).plan.deal == 4


def test_a_winning_deal_is_no_loss() -> None:
    playground = bot(take_profit_pct=1, loss_guard_count=1)
    playground.move("101.01")
    assert number_of(playground) == 2


def test_an_entry_at_market_over_the_slippage_limit_is_not_sent() -> None:
    strategy = guarded(dca(max_slippage_pct=D("0.5"), max_safety_orders=0))
    playground = Playground(strategy, price=100, cash=1_000, spread_bps=D(200))
    assert playground.plan.orders == {}
    assert told(playground, "Entry at market held back") == 1
    assert playground.plan.wake.at == playground.now + 5_000
    playground.spread_bps = D(20)
    playground.move(100)
    assert number_of(playground) == 1


def test_no_entry_on_a_stale_price() -> None:
    playground = Playground(guarded(dca()), price=100, cash=1_000, asked=False)
    playground.stale = True
    playground.look()
    assert playground.plan.orders == {}
    assert told(playground, "The price is older than 30 s") == 1
    playground.stale = False
    playground.move(100)
    assert number_of(playground) == 1


def test_nothing_holds_an_exit_back() -> None:
    playground = bot(
        cash=200,
        investment=200,
        stop_loss_pct=5,
        max_daily_loss_pct=1,
        max_slippage_pct=D("0.01"),
        cooldown_s=900,
    )
    assert number_of(playground) == 1
    playground.stale = True
    playground.spread_bps = D(500)
    playground.move(90)
    assert sales(playground) == ["deal-1/exit"]


def test_a_pause_takes_a_resting_entry_off_the_book() -> None:
    playground = Playground(guarded(dca(base_order_type="limit")), price=100, cash=1_000, spread_bps=D(20))
    assert sorted(playground.live) == ["deal-1/base"]
    watch = replace(playground.memory.watch, paused_until=playground.now + 1_000_000)
    playground.memory = replace(playground.memory, watch=watch)
    playground.look()
    assert playground.live == {}


def test_a_live_entry_stays_on_a_stale_price() -> None:
    playground = Playground(guarded(dca(base_order_type="limit")), price=100, cash=1_000, spread_bps=D(20))
    playground.stale = True
    playground.look()
    assert sorted(playground.live) == ["deal-1/base"]


def test_the_memory_survives_json() -> None:
    playground = losing(2, max_daily_loss_pct=90, max_drawdown_pct=90)
    stored = dump_memory(playground.memory)
    again = load_memory(playground.strategy, stored)
    assert again == playground.memory
    assert fingerprint(dump_memory(again)) == fingerprint(stored)
    assert load_memory(playground.strategy, None) == playground.strategy.first_memory()


def test_deciding_again_with_nothing_new_changes_nothing() -> None:
    playground = bot(max_daily_loss_pct=5, max_drawdown_pct=10, cooldown_s=60)
    seen = playground.seen()
    once = playground.strategy.decide(playground.memory, seen)
    twice = playground.strategy.decide(once.memory, seen)
    assert once == twice
    assert once.reasons == ()


def test_money_put_in_is_no_profit() -> None:
    playground = bot(bot_take_profit_pct=8, max_drawdown_pct=10)
    playground.cash += 1_000
    playground.look()
    assert not finished(playground)
    assert playground.plan.wake.above == D(101), "the next peak worth noting, a tenth of the limit away"


@pytest.mark.parametrize("name", sorted(BOT_TYPES))
def test_every_bot_type_is_built_inside_its_guard(name: Any) -> None:
    kind = BOT_TYPES[name]
    suggested: Any = kind.settings.suggested  # type: ignore[attr-defined]  # each bot type's own
    settings = read_settings(name, {"investment": 1_000, **suggested(D(100), market())})
    strategy = kind.build(settings, market())
    memory = strategy.first_memory()
    assert load_memory(strategy, dump_memory(memory)) == memory
    assert strategy.preflight(D(100)).ok


def test_a_live_market_entry_is_not_held_back_by_a_wide_spread() -> None:
    strategy = guarded(dca(max_slippage_pct=D("0.5")))
    playground = Playground(strategy, price=100, cash=1_000, asked=False)
    entry = strategy.decide(playground.memory, playground.seen()).orders["deal-1/base"]
    wide = replace(playground.seen(), ask=D(110), live={"deal-1/base": LiveOrder(entry)})
    assert strategy.decide(playground.memory, wide).orders == {"deal-1/base": entry}
