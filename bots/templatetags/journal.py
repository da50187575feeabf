"""What a decision saw and wanted, in words, and the figures a strategy shows of its memory."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django import template

from bots.models import Bot, Decision
from bots.templatetags.figures import plain
from orders.rules import half_up_to

register = template.Library()

FILLS_TOLD_MAX = 5
COMMANDS = {"close_now": "close now", "add_funds": "add funds", "start_deal": "open a deal"}


@register.filter
def seen_in_words(decision: Decision, bot: Bot) -> list[str]:
    """What the strategy looked at, in short sentences; empty for a decision that saw nothing."""
    return list(_sentences(decision.seen, bot)) if decision.seen else []


def _sentences(seen: Mapping[str, Any], bot: Bot) -> Iterator[str]:
    yield f"Price {_text(seen['last'])} {bot.quote}{', too old to enter on' if seen.get('stale') else ''}."
    yield from _fills(seen, bot)
    ended = [f"{one['slot']} {one['status'].replace('_', ' ')}" for one in seen.get("closed", ())]
    if ended:
        yield f"Orders ended: {', '.join(ended[:FILLS_TOLD_MAX])}{_more(ended)}."
    for command in seen.get("commands", ()):
        yield f"You asked: {COMMANDS.get(command['kind'], command['kind'])}."
    if seen.get("closing"):
        yield "You asked it to sell and stop."
    candle = seen.get("candle")
    if candle:
        yield f"A candle closed at {_text(candle['close'])}."
    held = Decimal(seen["position"]["amount"])
    coins = f"{_text(held)} {bot.base}" if held else f"no {bot.base}"
    rested = _orders(len(seen.get("live", ())))
    yield f"It held {coins} and {_text(seen['cash'])} {bot.quote}; {rested} rested."


def _fills(seen: Mapping[str, Any], bot: Bot) -> Iterator[str]:
    fills = seen.get("fills", ())
    for fill in fills[:FILLS_TOLD_MAX]:
        did = "Bought" if fill["side"] == "buy" else "Sold"
        yield f"{did} {_text(fill['amount'])} {bot.base} at {_text(fill['price'])} ({fill['slot']})."
    if len(fills) > FILLS_TOLD_MAX:
        yield f"And {len(fills) - FILLS_TOLD_MAX} fills more."


def _more(told: list[str]) -> str:
    return f" and {len(told) - FILLS_TOLD_MAX} more" if len(told) > FILLS_TOLD_MAX else ""


def _text(value: Any) -> str:
    return plain(Decimal(str(value)))


@register.filter
def wanted_in_words(decision: Decision) -> str:
    """How many orders the plan asked for, and when it wants to be asked again."""
    orders, wake = decision.plan.get("orders", {}), decision.plan.get("wake") or {}
    tick = Decimal(decision.seen["market"]["tick"]) if decision.seen else Decimal("1e-18")
    bounds = [
        f"{name} {plain(half_up_to(Decimal(wake[name]), tick))}"
        for name in ("below", "above")
        if wake.get(name)
    ]
    again = f"; wakes {' or '.join(bounds)}" if bounds else ""
    return f"Wants {_orders(len(orders))}{again}."


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count} orders"


@register.filter
def setting_in_words(value: Any) -> str:
    """One stored setting, as the form would show it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None or value == []:
        return "–"
    if isinstance(value, list):
        return ", ".join("/".join(_number(part) for part in _parts(one)) for one in value)
    return _number(value)


def _parts(one: Any) -> list[Any]:
    return list(one.values()) if isinstance(one, Mapping) else [one]


def _number(value: Any) -> str:
    text = str(value)
    bare = text.removeprefix("-").replace(".", "", 1)
    return plain(Decimal(text)) if bare.isdecimal() else text.replace("_", " ")
