"""Where a DCA bot's orders stand and what they spend, by the vectors of its page."""

from decimal import Decimal
from typing import Any

import pytest

from bots.strategies.base import Preflight
from bots.strategies.dca import DcaMemory, DcaSettings
from bots.strategies.dca.ladder import Ladder
from orders.accounting import Fill, Position
from orders.rules import Side
from tests.strategies.dcas import OPEN, dca, market
from tests.strategies.playground import Playground

D = Decimal
FINE: dict[str, Any] = {
    "tick": "0.00000001",
    "lot": "0.000000000001",
    "min_amount": "0.000000000001",
    "min_cost": "0",
}


def ladder(**chosen: Any) -> Ladder:
    return DcaSettings(**{**OPEN, **chosen}).ladder


def test_v_dca_1_deviations_volumes_and_budget() -> None:
    settings = DcaSettings(
        **OPEN
        | {
            "base_order_volume": 15,
            "safety_order_volume": 30,
            "safety_order_step_pct": 1,
            "safety_order_volume_scale": 2,
            "safety_order_step_scale": 4,
            "max_safety_orders": 4,
        }
    )
    assert settings.ladder.deviations == tuple(map(D, (1, 5, 21, 85)))
    assert settings.ladder.volumes == tuple(map(D, (30, 60, 120, 240)))
    assert settings.base_order_volume + settings.ladder.volume == 465


def test_v_dca_2_volume_scale_three() -> None:
    steps = ladder(
        base_order_volume=D("0.0002"),
        safety_order_volume=D("0.0001"),
        max_safety_orders=3,
        safety_order_step_pct=2,
        safety_order_volume_scale=3,
        safety_order_step_scale=2,
    )
    assert steps.volumes == (D("0.0001"), D("0.0003"), D("0.0009"))
    assert steps.deviations == tuple(map(D, (2, 6, 14)))
    assert D("0.0002") + steps.volume == D("0.0015")


def test_v_dca_4_cumulative_steps() -> None:
    steps = ladder(safety_order_step_pct=1, safety_order_step_scale=D("1.2"), max_safety_orders=4)
    assert steps.deviations == (D(1), D("2.2"), D("3.64"), D("5.368"))


@pytest.mark.parametrize(("reference", "prices"), [("base", ["98", "96"]), ("last", ["98", "96.04"])])
def test_v_dca_6_deviation_from_the_base_or_from_the_last(reference: Any, prices: Any) -> None:
    steps = ladder(
        safety_order_step_pct=2,
        safety_order_step_scale=1,
        max_safety_orders=2,
        deviation_reference=reference,
    )
    assert [rung.price for rung in steps.rungs(market(), D(100), D(0))] == [D(price) for price in prices]


def test_v_dca_8_reinvested_profit_enlarges_the_base_order_only() -> None:
    bot = dca(
        market(lot="0.000001"),
        base_order_volume=2_625,
        safety_order_volume=2_625,
        safety_order_step_pct=5,
        safety_order_step_scale=1,
        safety_order_volume_scale=1,
        max_safety_orders=3,
        active_safety_orders=3,
        deviation_reference="last",
        reinvest_pct=100,
    )
    playground = Playground(bot, price=30_000, cash=10_800, asked=False)
    playground.memory = DcaMemory(deals=1, profit=D(300))
    playground.look()
    bought = [(fill.price, fill.amount) for fill in playground.all_fills]
    resting = [(order.intent.price, order.intent.amount) for order in playground.live.values()]
    assert bought == [(D(30_000), D("0.0975"))]
    assert [pair for pair in resting if pair[0] and pair[0] < 30_000] == [
        (D(28_500), D("0.092105")),
        (D(27_075), D("0.096952")),
        (D("25721.25"), D("0.102055")),
    ]


def v_dca_10() -> Preflight:
    bot = dca(
        market(**FINE),
        base_order_volume=10,
        safety_order_volume=20,
        max_safety_orders=5,
        safety_order_step_pct=D("1.5"),
        safety_order_step_scale=D("1.2"),
        safety_order_volume_scale=D("1.4"),
    )
    return bot.preflight(D(100))


def test_v_dca_10_levels_of_a_deal() -> None:
    shown = v_dca_10()
    assert [(1 - level.price / 100) * 100 for level in shown.levels] == [
        D(0), D("1.5"), D("3.3"), D("5.46"), D("8.052"), D("11.1624"),
    ]  # fmt: skip
    assert shown.required_quote.quantize(D("0.001")) == D("228.912")
    averages = [level.average.quantize(D("0.000001")) for level in shown.levels if level.average]
    assert averages == [
        D(text) for text in ("100.000000", "98.994975", "97.873610", "96.501300", "94.807092", "92.716020")
    ]
    last = shown.levels[-1]
    assert last.target is not None
    assert last.target.quantize(D("0.000001")) == D("94.106760")
    assert last.bounce_pct is not None
    assert last.bounce_pct.quantize(D("0.01")) == D("5.93")
    assert shown.ok


def test_v_dca_12_a_fall_through_three_resting_orders_fills_all() -> None:
    bot = dca(
        base_order_volume=15,
        safety_order_volume=15,
        safety_order_step_pct=1,
        safety_order_step_scale=1,
        safety_order_volume_scale=1,
        max_safety_orders=3,
        active_safety_orders=3,
    )
    playground = Playground(bot, price=100, cash=1_000)
    assert len(playground.prices(Side.BUY)) == 3
    playground.move("96.9")
    safeties = [fill for fill in playground.all_fills if "safety" in fill.slot]
    assert sum(fill.value for fill in safeties) == pytest.approx(D(45), abs=D("0.001"))
    assert playground.prices(Side.BUY) == []


def test_v_dca_13_average_of_quote_amounts() -> None:
    held = Position().after_all(
        Fill("any", Side.BUY, D(quote) / D(price), D(price), 0)
        for quote, price in ((100, 50_000), (150, 48_000), (225, 46_000))
    )
    assert held.average.quantize(D("0.01")) == D("47422.68")


def test_v_dca_15_doubling() -> None:
    steps = ladder(
        safety_order_volume=10,
        safety_order_volume_scale=2,
        safety_order_step_scale=1,
        safety_order_step_pct=1,
        max_safety_orders=3,
    )
    assert steps.volumes == tuple(map(D, (10, 20, 40)))
    assert steps.deviations == tuple(map(D, (1, 2, 3)))
