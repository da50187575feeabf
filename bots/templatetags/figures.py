"""How money, prices and moments are written in pages.

Prices and amounts keep every digit. Where a figure is rounded for reading, its title and its
`data` value hold the whole number.
"""

from datetime import datetime
from decimal import Decimal

from django import template
from django.utils.dateformat import format as dated
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from orders.rules import Market

register = template.Library()

NOTHING = "–"
WHOLE = Decimal(1)
HELD_PLACES = 8
# Prices that are listened to come once a second.
OLD_PRICE_S = 10
MINUTE_S = 60


def places_of(step: Decimal) -> int:
    """Digits behind the point that `step` needs."""
    return max(-int(step.normalize().as_tuple().exponent), 0)


def _rounded(value: Decimal) -> str:
    """To 2 places, 4 under one, 8 where even those would show nothing."""
    if abs(value) >= WHOLE or not value:
        return f"{value:,.2f}"
    return f"{value:,.4f}" if abs(value) >= Decimal("0.001") else f"{value:,.8f}"


@register.filter
def plain(value: Decimal | None) -> str:
    """Every digit, thousands apart, no zeros at the end."""
    if value is None:
        return NOTHING
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _on_step(value: Decimal | None, step: Decimal | None) -> str:
    if value is None:
        return NOTHING
    if step is None or places_of(value) > places_of(step):
        return plain(value)
    return f"{value:,.{places_of(step)}f}"


@register.filter
def price(value: Decimal | None, market: Market | None) -> str:
    """A price with the digits of the market's tick, and all that it has beyond."""
    return _on_step(value, market.tick if market else None)


@register.filter
def amount(value: Decimal | None, market: Market | None) -> str:
    """An amount of base with the digits of the market's lot, and all that it has beyond."""
    return _on_step(value, market.lot if market else None)


@register.filter
def about(value: Decimal | None, market: Market | None) -> str | SafeString:
    """A computed price, such as an average, rounded to the tick's digits for reading."""
    if value is None:
        return NOTHING
    text = f"{value:,.{places_of(market.tick)}f}" if market else plain(value)
    return _whole_behind(value, text)


@register.filter
def quote(value: Decimal | None) -> str | SafeString:
    """An amount of money, rounded for reading."""
    return NOTHING if value is None else _whole_behind(value, _rounded(value))


@register.filter
def held(value: Decimal) -> str | SafeString:
    """What an account holds of a currency: eight digits behind the point, more where they show nothing."""
    short = round(value, HELD_PLACES)
    return plain(value) if short in (value, 0) else _whole_behind(value, plain(short))


@register.filter
def signed(value: Decimal | None) -> str | SafeString:
    """A gain or a loss, rounded for reading, with its direction."""
    if value is None:
        return NOTHING
    direction = "up" if value > 0 else "down" if value < 0 else "flat"
    text = f"{'+' if value > 0 else ''}{_rounded(value)}".replace("-", "−")
    return format_html(
        '<data class="delta" data-direction="{}" value="{}" title="{}">{}</data>',
        direction,
        f"{value.normalize():f}",
        plain(value),
        text,
    )


def _whole_behind(value: Decimal, text: str) -> SafeString:
    return format_html('<data value="{}" title="{}">{}</data>', f"{value.normalize():f}", plain(value), text)


@register.filter
def aged(age_s: float) -> str:
    """How old a price is, where that is worth a word."""
    if age_s < OLD_PRICE_S:
        return ""
    told = f"{age_s:.0f} s" if age_s < 2 * MINUTE_S else f"{age_s / MINUTE_S:.0f} min"
    return f"price is {told} old"


@register.filter
def moment(at: datetime | None) -> str | SafeString:
    """A moment to the second, in the reader's time zone."""
    if at is None:
        return NOTHING
    local = localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(),
        dated(local, "j F Y, H:i:s T"),
        dated(local, "j M, H:i:s"),
    )
