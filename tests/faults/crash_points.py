"""The points at which a live engine is killed: what each is called, and how a process comes there."""

from dataclasses import dataclass, field
from typing import Any

from tests.exchange.faults import CANCEL, CREATE, LOOKUP

LOST_ANSWER: list[dict[str, Any]] = [
    {"effect": "drop_answer", **CREATE},
    {"effect": "drop_request", **LOOKUP},
]
LOST_REQUEST: list[dict[str, Any]] = [{"effect": "drop_request", **CREATE}]
FILLS_FIRST: list[dict[str, Any]] = [{"effect": "fill_first", **CANCEL}]


@dataclass(frozen=True)
class Point:
    """`passes` is a question to the exchange (before_create, after_cancel), or a statement to the database
    with "before " or "after " in front of its verb and table; `having` must be in its text, or among what is
    put into it. The process dies when it passes there for the `nth` time. Meanwhile `faults` befall the
    exchange."""

    passes: str
    having: str = ""
    nth: int = 1
    faults: list[dict[str, Any]] = field(default_factory=list)


AFTER, BEFORE = "after ", "before "
ORDER, BOT, SWITCH = "UPDATE orders_order", "UPDATE bots_bot", "UPDATE bots_killswitch"
POINTS: dict[str, Point] = {
    "in_funding_at_start": Point(AFTER + "INSERT orders_ledgerentry", having="'fund'"),
    "at_start_before_the_money": Point(BEFORE + "INSERT orders_ledgerentry", having="'fund'"),
    "in_recovery_report": Point(AFTER + "INSERT orders_recovery"),
    "during_write_of_a_decision": Point(AFTER + "INSERT bots_decision"),
    "with_orders_written_uncommitted": Point(AFTER + "INSERT orders_order"),
    "after_decision_before_claim": Point(BEFORE + ORDER, having="'sending'"),
    "in_claim_before_commit": Point(AFTER + ORDER, having="'sending'"),
    "after_claim_before_send": Point("before_create"),
    "before_the_third_send": Point("before_create", nth=3),
    "after_answer_before_settle": Point("after_create"),
    "after_the_third_answer": Point("after_create", nth=3),
    "in_settle_after_the_order": Point(AFTER + ORDER, having="'filled'"),
    "in_settle_before_the_trades": Point(BEFORE + "INSERT orders_trade"),
    "in_settle_before_commit": Point(AFTER + "INSERT orders_ledgerentry", having="'trade'"),
    "after_settle": Point(BEFORE + BOT, nth=6),
    "before_unknown": Point(BEFORE + ORDER, having="'unknown'", faults=LOST_ANSWER),
    "before_lookup": Point("before_lookup", faults=LOST_ANSWER),
    "after_lookup_before_settle": Point("after_lookup", faults=LOST_ANSWER),
    "before_not_placed": Point(BEFORE + ORDER, having="'not_placed'", faults=LOST_REQUEST),
    "after_not_placed": Point(AFTER + ORDER, having="'not_placed'", faults=LOST_REQUEST),
    "before_news": Point("before_news"),
    "after_news_before_settle": Point("after_news"),
    "in_stop_of_a_bot": Point(AFTER + BOT, having="CANCEL_ORDERS"),
    "before_cancel": Point("before_cancel"),
    "after_cancel_before_settle": Point("after_cancel"),
    "after_a_cancel_that_filled": Point("after_cancel", faults=FILLS_FIRST),
    "in_settle_of_a_cancel": Point(AFTER + ORDER, having="'cancelled'"),
    "in_press_of_the_switch": Point(AFTER + "INSERT bots_killswitch"),
    "after_press_before_its_cancels": Point(BEFORE + ORDER, having="cancel_requested_at", nth=2),
    "after_press_before_it_is_carried_out": Point(BEFORE + SWITCH),
    "in_release_of_money": Point(AFTER + "INSERT orders_ledgerentry", having="'release'"),
}
