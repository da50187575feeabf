"""The lines by which a protective stop is exact, stays, and never sells what is not there."""

from tests.faults.safety_lines import Mutation, edit, without

MATCHING, DESK, DIFFERENCE = "orders/matching.py", "bots/backtest/desk.py", "bots/strategies/difference.py"
PROTECTION = "bots/strategies/momentum/protection.py"
STEP, REACHED, WRITE = "bots/engine/market_step.py", "bots/engine/reached.py", "bots/engine/write.py"
ORDERS = "tests/orders/test_stops.py::test_"
DESKS = "tests/backtest/test_stops.py::test_"
PROTECTED = "tests/strategies/test_momentum_protection.py::test_"
UNPROTECTED = "tests/strategies/test_momentum_unprotected.py::test_"
ENGINE = "tests/engine/test_stops_that_rest.py::test_"
LIVE = "tests/rows/test_resting_stops.py::test_"

MUTATIONS: tuple[Mutation, ...] = (
    edit(
        "a stop at the price itself would be triggered at once",
        ORDERS + "what_no_exchange_would_take_is_refused",
        MATCHING,
        "WOULD_TRIGGER if quote.last <= trigger else RESTS",
        "WOULD_TRIGGER if quote.last < trigger else RESTS",
    ),
    edit(
        "a price at the trigger is seen",
        ORDERS + "a_price_that_is_seen_at_the_trigger_sells_as_a_taker",
        REACHED,
        "Q(trigger__gte=quote.last)",
        "Q(trigger__gt=quote.last)",
    ),
    edit(
        "a stop that waits is no limit over the price",
        ORDERS + "a_price_over_its_limit_is_not_what_it_waits_for",
        REACHED,
        "sells = ~UNTRIGGERED & Q(",
        "sells = Q(",
    ),
    without(
        ORDERS + "a_row_has_a_trigger_over_its_limit_if_it_is_a_stop_and_else_none",
        "orders",
        "order",
        "order_trigger_fits_kind",
    ),
    edit(
        "a backtest triggers at the trigger, not a tick under it",
        DESKS + "a_stop_rests_with_its_coins_reserved_until_the_price_is_down_to_its_trigger",
        DESK,
        "insort(self._bids, (intent.trigger + self.market.tick, slot))",
        "insort(self._bids, (intent.trigger, slot))",
    ),
    edit(
        "a stop that was triggered rests as a limit",
        DESKS + "over_a_gap_under_its_limit_it_rests_there_and_fills_as_a_maker",
        DESK,
        "if price > limit and intent.kind is STOP:",
        "if intent.kind is STOP:",
    ),
    edit(
        "a replay stops where a stop is triggered",
        ENGINE + "what_a_stopped_bots_stop_sells_is_booked_and_its_money_goes_home",
        STEP,
        'stop=Max("trigger", filter=UNTRIGGERED),',
        'stop=Max("trigger", filter=Q(pk__in=[])),',
    ),
    edit(
        "a replay triggers at the trigger",
        ENGINE + "what_a_stopped_bots_stop_sells_is_booked_and_its_money_goes_home",
        STEP,
        "UNTRIGGERED & Q(trigger__gte=move.low)",
        "UNTRIGGERED & Q(trigger__gt=move.low)",
    ),
    edit(
        "at its limit the bot takes over from the exchange",
        PROTECTED + "between_trigger_and_limit_the_exchange_sells_and_the_bot_waits",
        PROTECTION,
        "if last <= resting.limit:",
        "if last < resting.limit:",
    ),
    edit(
        "a stop moves with a candle alone",
        PROTECTED + "added_funds_do_not_move_it_between_candles",
        PROTECTION,
        "if self.fresh and floor.price > resting.trigger:",
        "if floor.price > resting.trigger:",
    ),
    edit(
        "a target is taken at its price",
        PROTECTED + "a_target_is_watched_and_sold_at_market",
        PROTECTION,
        "last < target.price",
        "last <= target.price",
    ),
    edit(
        "what a stop has sold whole ends its deal",
        PROTECTED + "a_stop_that_is_triggered_sells_and_the_deal_is_over",
        "bots/strategies/momentum/fills.py",
        "sold=deal.protection.sold + fill.amount",
        "sold=deal.protection.sold",
    ),
    edit(
        "a stop that is refused again and again is left alone",
        UNPROTECTED + "a_stop_that_is_refused_is_watched_by_the_bot_and_said_once",
        PROTECTION,
        "refusals=deal.refusals + 1",
        "refusals=1",
    ),
    edit(
        "cancelling all leaves the stop of an open deal",
        ENGINE + "the_stop_of_an_open_deal_outlives_the_stop_of_its_bot",
        DIFFERENCE,
        "return stops_of(plan.orders), keeps",
        "return NOTHING, keeps",
    ),
    edit(
        "a bot in error keeps its stop, too",
        ENGINE + "a_bot_in_error_is_stopped_with_its_stop_in_place",
        "bots/services/running.py",
        "resting = resting.exclude(kind=OrderKind.STOP)",
        "resting = resting.all()",
    ),
    edit(
        "an ending bot looks whether the stop it placed rests",
        ENGINE + "a_bot_stopped_while_its_stop_is_on_its_way_waits_until_it_rests",
        WRITE,
        " or (ends and change.place)",
        "",
    ),
    edit(
        "one that is being cancelled does not rest",
        LIVE + "it_outlives_a_bot_that_cancels_its_orders_and_what_it_sells_is_booked",
        "bots/engine/compare.py",
        "rests = all(map(_rests, look.live)) if cancels_all else",
        "rests = not look.live if cancels_all else",
    ),
    edit(
        "a stop leaves with its trigger",
        "tests/gateways/exchange/test_wire.py::test_a_stop_for_binance_leaves_with_its_trigger_its_limit_and_our_id",
        "orders/gateways/exchange/gateway.py",
        "params |= _stop_params(adapter, order)",
        "pass",
    ),
)
