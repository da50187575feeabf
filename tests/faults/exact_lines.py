"""The lines that make every number right: a boundary moved, a fee dropped, a walk turned around."""

from tests.faults.safety_lines import Mutation, edit

MATCHING, ACCOUNTING, RULES = "orders/matching.py", "orders/accounting.py", "orders/rules.py"
LOCKSTEP, EXTREMES = "orders/gateways/lockstep.py", "bots/backtest/extremes.py"
MATCHED, ACCOUNTED = "tests/orders/test_matching.py", "tests/orders/test_accounting.py"
RULED, STEPPED = "tests/strategies/test_shared_rules.py", "tests/gateways/test_first_stop.py"
DESK = "bots/backtest/desk.py"

MUTATIONS: tuple[Mutation, ...] = (
    edit(
        "a resting limit fills once the price has passed it, not when it touches it",
        MATCHED,
        MATCHING,
        "return limit - tick if side is BUY else limit + tick",
        "return limit",
    ),
    edit("a limit at the ask is marketable", MATCHED, MATCHING, "limit >= quote.ask", "limit > quote.ask"),
    edit("a limit at the bid is marketable", MATCHED, MATCHING, "limit <= quote.bid", "limit < quote.bid"),
    edit(
        "a fill pays its fee in quote",
        MATCHED,
        MATCHING,
        "price, at, ZERO, product(amount, price, rate))",
        "price, at)",
    ),
    edit(
        "a fill pays its fee in base",
        MATCHED,
        MATCHING,
        "price, at, product(amount, rate))",
        "price, at)",
    ),
    edit(
        "a rising candle walks to its low first",
        MATCHED,
        MATCHING,
        "if pessimistic or candle.close >= candle.open:",
        "if pessimistic or candle.close < candle.open:",
    ),
    edit(
        "a candle that ends where it began walks to its low first",
        MATCHED,
        MATCHING,
        "if pessimistic or candle.close >= candle.open:",
        "if pessimistic or candle.close > candle.open:",
    ),
    edit(
        "a limit never pays beyond its price",
        MATCHED,
        MATCHING,
        "return min(price, limit) if side is BUY else max(price, limit)",
        "return price",
    ),
    edit(
        "a buy's fee is part of its cost",
        ACCOUNTED,
        ACCOUNTING,
        "self.cost + value + fee",
        "self.cost + value",
    ),
    edit(
        "a buy's price goes down to the tick",
        RULED,
        RULES,
        "return floor_to(wanted, self.tick) if side is BUY else ceil_to(wanted, self.tick)",
        "return ceil_to(wanted, self.tick)",
    ),
    edit(
        "a price that stops at a wake has reached it",
        STEPPED,
        LOCKSTEP,
        "target <= below < price",
        "target < below < price",
    ),
    edit(
        "a rise that stops at a wake has reached it",
        STEPPED,
        LOCKSTEP,
        "price < above <= target",
        "price < above < target",
    ),
    edit(
        "a candle that touches a level is not passed over",
        "tests/backtest/test_extremes.py",
        EXTREMES,
        "if lows[row] <= below or",
        "if lows[row] < below or",
    ),
    edit(
        "what other orders have reserved is not spent",
        "tests/backtest/test_desk.py",
        DESK,
        "self.position.amount - self.reserved_base >= made.amount",
        "self.position.amount >= made.amount",
    ),
    edit(
        "momentum's stop acts at its price",
        "tests/strategies/test_momentum_exits.py",
        "bots/strategies/momentum/watch.py",
        "        if last <= stop:",
        "        if last < stop:",
    ),
    edit(
        "the scalper's stop acts at its price",
        "tests/strategies/test_scalper_deal.py",
        "bots/strategies/scalper/watch.py",
        "        if last <= stop:",
        "        if last < stop:",
    ),
    edit(
        "a dip's stop acts at its price",
        "tests/strategies/test_dip_deal.py",
        "bots/strategies/dip/watch.py",
        "if stop is not None and last <= stop:",
        "if stop is not None and last < stop:",
    ),
    edit(
        "a dip of just the percent asked is one",
        "tests/strategies/test_dip_signals.py",
        "bots/strategies/dip/signals.py",
        "drop >= settings.dip_pct",
        "drop > settings.dip_pct",
    ),
    edit(
        "a DCA's trail sells at its price",
        "tests/strategies/test_dca_exits.py",
        "bots/strategies/dca/watch.py",
        "if last <= below(deal.peak, away):",
        "if last < below(deal.peak, away):",
    ),
    edit(
        "a grid's stop acts at its price",
        "tests/strategies/test_grid_exits.py",
        "bots/strategies/grid/leaving.py",
        "if stop is not None and seen.last <= stop:",
        "if stop is not None and seen.last < stop:",
    ),
)
