"""The lines that keep an order from being doubled or lost, how each is taken away, and who must notice."""

from dataclasses import dataclass

PROTOCOL = "tests/engine/test_order_protocol.py::test_"
GUARDS = "tests/faults/test_guards.py::test_"
KILL_SWITCH = "tests/engine/test_kill_switch.py::test_"


@dataclass(frozen=True)
class Edit:
    """In `path`, `old` becomes `new`."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Without:
    """The database goes without constraints of a model."""

    app: str
    model: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Mutation:
    name: str
    test: str
    changes: tuple[Edit | Without, ...]


def edit(name: str, test: str, path: str, old: str, new: str) -> Mutation:
    return Mutation(name, test, (Edit(path, old, new),))


def without(test: str, app: str, model: str, *names: str) -> Mutation:
    return Mutation(f"constraint {' and '.join(names)}", test, (Without(app, model, names),))


CLAIMS, WRITE, SEND = "bots/engine/claims.py", "bots/engine/write.py", "bots/engine/send.py"
STEP, SERVICES, SIMULATED = "bots/engine/market_step.py", "orders/services.py", "orders/gateways/simulated.py"
FEES = "orders/fees.py"
SWITCHES, SWEEPING = "orders/switches.py", "bots/services/sweeping.py"
QUIET = "        if not market_is_quiet(EXCHANGE, ticker):\n            return Step(restless=True)\n"
QUIET_BEFORE = "    if not market_is_quiet(EXCHANGE, ticker):\n        return Step(restless=True)"

MUTATIONS = (
    Mutation(
        "a lease that is held is not taken",
        PROTOCOL + "a_bot_that_somebody_works_on_is_left_alone",
        (
            Edit(CLAIMS, "Bot.objects.filter(free, pk__in=list(ids)", "Bot.objects.filter(pk__in=list(ids)"),
            Edit(CLAIMS, "Bot.objects.filter(free, pk__in=mine)", "Bot.objects.filter(pk__in=mine)"),
        ),
    ),
    edit(
        "only the lease's holder writes",
        GUARDS + "a_worker_whose_lease_was_given_away_writes_nothing",
        WRITE,
        "pk=bot.pk, lease_token=token, epoch=bot.epoch",
        "pk=bot.pk, epoch=bot.epoch",
    ),
    edit(
        "only the epoch that looked writes",
        GUARDS + "a_worker_from_an_earlier_epoch_writes_nothing",
        WRITE,
        "lease_token=token, epoch=bot.epoch, status",
        "lease_token=token, status",
    ),
    edit(
        "only the lease's holder sends",
        GUARDS + "an_order_is_claimed_under_the_lease_alone",
        SERVICES,
        "_move(order, OrderStatus.SENDING, held,",
        "_move(order, OrderStatus.SENDING, None,",
    ),
    edit(
        "nothing is claimed against a kill switch",
        KILL_SWITCH + "a_claim_after_the_press_gets_nothing_and_names_the_switch",
        SERVICES,
        "Q(leased, ~Exists(stopping(order)), ~Exists(short_of(order)))",
        "Q(leased, ~Exists(short_of(order)))",
    ),
    edit(
        "nothing is bought with money that is missing",
        "tests/engine/test_shortages.py::test_a_claim_under_a_sure_shortage_gets_nothing_and_says_why",
        SERVICES,
        "Q(leased, ~Exists(stopping(order)), ~Exists(short_of(order)))",
        "Q(leased, ~Exists(stopping(order)))",
    ),
    edit(
        "cancel lets no sale out that would rest again",
        KILL_SWITCH + "cancel_cancels_what_rests_and_nothing_comes_back",
        SWITCHES,
        "return level == Level.BLOCK or",
        "return level in (Level.BLOCK, Level.CANCEL) or",
    ),
    edit(
        "the sweep does what a dead presser left",
        KILL_SWITCH + "a_death_right_after_the_cut_changes_nothing",
        SWEEPING,
        "            carry_out(switch=switch, now=now)\n        else:",
        "            continue\n        else:",
    ),
    edit(
        "a status moves only from what it is believed to be",
        GUARDS + "an_order_is_claimed_by_one_of_two_who_saw_it_planned",
        SERVICES,
        "filter(held or Q(), pk=order.pk, status=order.status)",
        "filter(held or Q(), pk=order.pk)",
    ),
    without(PROTOCOL + "the_database_keeps_a_slot_to_one_order", "orders", "order", "order_one_per_slot"),
    # Each of the two would be enough.
    without(
        PROTOCOL + "the_database_keeps_an_order_from_being_sent_twice",
        "orders",
        "order",
        "order_sent_once",
        "order_send_counted",
    ),
    without(PROTOCOL + "the_database_keeps_a_fill_from_being_booked_twice", "orders", "trade", "trade_once"),
    edit(
        "a fill that is known is not booked again",
        PROTOCOL + "the_same_fill_told_again_and_again_is_booked_once",
        FEES,
        "    if not known:",
        "    if True:",
    ),
    Mutation(
        "a fill is booked once, by filter and by constraint",
        PROTOCOL + "the_same_fill_told_again_and_again_is_booked_once",
        (
            Edit(FEES, "    if not known:", "    if True:"),
            Without("orders", "trade", ("trade_once",)),
        ),
    ),
    edit(
        "an order that was sent is looked up",
        PROTOCOL + "a_death_while_sending_neither_doubles_nor_loses",
        SEND,
        "if order.status == OrderStatus.SENDING or _time_to_look(order, now):",
        "if _time_to_look(order, now):",
    ),
    edit(
        "what the look-up says comes before a repetition",
        PROTOCOL + "a_death_while_sending_neither_doubles_nor_loses",
        SEND,
        "report = gateway.lookup(order)",
        "report = None",
    ),
    edit(
        "an unproven order is not given up",
        PROTOCOL + "not_found_is_no_proof_while_the_exchange_may_still_take_it",
        SEND,
        "elif gateway.surely_not_placed(order, now):",
        "else:\n        order_not_placed(order=order, now=now)\n        return\n    if False:",
    ),
    edit(
        "an answer names its order",
        PROTOCOL + "an_answer_that_names_another_order_is_no_answer",
        SEND,
        "if report.client_id != order.client_id:",
        "if False:",
    ),
    edit(
        "what a paper exchange told a worker that slept is void",
        GUARDS + "a_paper_fill_told_by_a_worker_that_slept_past_its_lease_is_not_a_second_one",
        SERVICES,
        "or (report.provisional and order.status != believed):",
        "or False:",
    ),
    edit(
        "a plan held up too long is not carried out",
        PROTOCOL + "a_plan_held_up_too_long_is_not_carried_out_at_a_price_it_never_saw",
        SEND,
        "if order.pk in held_up or order.cancel_requested_at",
        "if order.cancel_requested_at",
    ),
    edit(
        "the simulated price is held",
        GUARDS + "a_decision_at_a_price_that_has_moved_is_taken_again",
        SIMULATED,
        "        if row.price != quote.last or now_of(row) != quote.at:\n            return False\n",
        "        return True\n",
    ),
    edit(
        "a slot is free only when its end was seen",
        GUARDS + "an_order_that_ended_keeps_its_slot_until_a_decision_has_seen_it",
        SERVICES,
        'return {"reserved_quote": Decimal(0), "reserved_base": Decimal(0)}',
        'return {"reserved_quote": Decimal(0), "reserved_base": Decimal(0), "settled": True}',
    ),
    edit(
        "a slot becomes free once its end was seen",
        GUARDS + "an_order_that_ended_keeps_its_slot_until_a_decision_has_seen_it",
        WRITE,
        "for order in c.look.closed]).update(",
        "for order in c.look.closed]).none().update(",
    ),
    edit(
        "one process moves a clock",
        GUARDS + "the_clock_moves_for_its_owner_alone",
        STEP,
        "filter(pk=row.pk, owner_token=token)",
        "filter(pk=row.pk)",
    ),
    Mutation(
        "the clock waits for what it has touched",
        GUARDS + "the_clock_waits_for_a_bot_that_has_news",
        (
            Edit(STEP, QUIET, ""),
            Edit(STEP, QUIET_BEFORE, "    if False:\n        return Step(restless=True)"),
        ),
    ),
)
