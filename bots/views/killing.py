"""The kill switch: the page on which it is pressed, what is in force, and its release."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from bots.forms import sentence
from bots.models import Bot, KillSwitch, Level, Scope
from bots.models.switch import WHY_MAX
from bots.queries import bots_of, running
from bots.services import (
    ServiceRefused,
    Target,
    may_release,
    refused,
    resting_under,
    selling_under,
    switch_press,
    switch_release,
)
from bots.views.people import UserRequest, own_bot, page, part, sequence_of
from bots.views.sheet import exchange_in_words
from orders.switches import switches_of

BANNER = "bots/_switches.html"
EXPLAINED = {
    Level.BLOCK: "Nothing more is bought. Buys that rest stay, and what is held is sold as the settings say.",
    Level.CANCEL: (
        "Every resting order is cancelled and none goes out, no sale and no stop either: "
        "what is held stays, unguarded."
    ),
    Level.FLATTEN: "Every order is cancelled, what is held is sold at market at once, and the bots stop.",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing that may be stopped, as the page offers it."""

    value: str
    text: str
    target: Target


@dataclass(frozen=True, slots=True)
class Shown:
    """A switch in force, and how it stands with the reader's own bots."""

    switch: KillSwitch
    resting: int
    selling: int
    may_release: bool

    @property
    def name(self) -> str:
        return _named(self.switch)

    @property
    def cancels(self) -> bool:
        return self.switch.level != Level.BLOCK

    @property
    def busy(self) -> str:
        """What is still under way, in words; empty when nothing is."""
        told = []
        if self.cancels and self.resting:
            told.append(f"Cancelling {self.resting} order{'' if self.resting == 1 else 's'}…")
        if self.selling:
            told.append(f"{self.selling} bot{' is' if self.selling == 1 else 's are'} still selling…")
        return " ".join(told)

    @property
    def unseen(self) -> bool:
        """Whether it is still to be seen that nothing rests."""
        return self.cancels and bool(self.busy or self.switch.verified_at is None)


@dataclass(frozen=True, slots=True)
class Banner:
    """The switches over a person's bots, or over `bot`; it asks again while something is under way."""

    rows: Sequence[Shown]
    bot: Bot | None = None

    @property
    def url(self) -> str:
        name, bot = "bots:switches", self.bot
        return reverse(name) if bot is None else reverse(f"{name}_of_bot", args=[bot.pk])

    @property
    def unseen(self) -> bool:
        return any(row.unseen for row in self.rows)


def banner(user: User, bot: Bot | None = None) -> Banner:
    """What is in force over the user's bots, or over one of them."""
    found = [one for one in switches_of(user) if bot is None or one.reaches(bot)]
    rows = [
        Shown(
            switch=one,
            resting=resting_under(one).filter(user=user).count(),
            selling=selling_under(one).filter(user=user).count(),
            may_release=may_release(one, user),
        )
        for one in found
    ]
    return Banner(rows, bot)


@require_http_methods(["GET", "HEAD", "POST"])
def kill(request: UserRequest, bot_id: UUID | None = None) -> HttpResponse:
    """Choose and press, without JavaScript. A refused press comes back as it was filled in."""
    bot = None if bot_id is None else own_bot(request, bot_id)
    choices = _choices(request.user, bot)
    if request.method != "POST":
        return _asked(request, bot, choices)
    try:
        choice, level = _chosen(request, choices)
        why = request.POST.get("why", "")
        switch_press(target=choice.target, level=level, by=request.user, now=timezone.now(), why=why)
    except ServiceRefused as error:
        return _asked(request, bot, choices, error)
    messages.success(request, f"The kill switch is on: {level.label}, for {choice.text}.")
    return redirect("home") if bot is None else redirect("bots:page", bot.pk)


@require_safe
def in_force(request: UserRequest, bot_id: UUID | None = None) -> HttpResponse:
    bot = None if bot_id is None else own_bot(request, bot_id)
    return part(request, BANNER, {"banner": banner(request.user, bot)}, sequence_of(request))


@require_POST
def release(request: UserRequest, switch_id: UUID) -> HttpResponse:
    """404 for a switch over none of their bots; one that an operator has pressed is not theirs to release."""
    own = KillSwitch.objects.filter(user=request.user) | switches_of(request.user).order_by()
    switch = get_object_or_404(own, pk=switch_id)
    try:
        switch_release(switch=switch, by=request.user, now=timezone.now())
    except ServiceRefused as error:
        for problem in error.problems:
            messages.error(request, sentence(problem))
    else:
        messages.success(request, f"The kill switch for {_named(switch)} was released.")
    shown = switch.bot is not None and switch.bot.hidden_at is None
    return redirect("bots:page", switch.bot_id) if shown else redirect("home")


def _named(switch: KillSwitch) -> str:
    """What it stops, with the exchange's name as people know it."""
    place = f" on {switch.exchange}"
    return (
        switch.name.replace(place, f" on {exchange_in_words(switch.exchange)}")
        if switch.exchange
        else switch.name
    )


def _choices(user: User, bot: Bot | None) -> list[Choice]:
    """The bot and its market first where the page is a bot's; then one's markets, then all."""
    places = sorted(set(bots_of(user).values_list("exchange", "ticker")))
    found = []
    if bot is not None:
        found.append(Choice("bot", f"the bot {bot.name}", Target(Scope.BOT, user, bot)))
        places = [(bot.exchange, bot.ticker)]
    markets = [
        Choice(
            f"market {exchange} {ticker}",
            f"your bots on {ticker} at {exchange_in_words(exchange)}",
            Target(Scope.MARKET, user, exchange=exchange, ticker=ticker),
        )
        for exchange, ticker in places
    ]
    everything = Choice("user", "all your bots", Target(Scope.USER, user))
    return [*found, *markets, everything] if bot is not None else [everything, *markets]


def _chosen(request: UserRequest, choices: Sequence[Choice]) -> tuple[Choice, Level]:
    wanted = {choice.value: choice for choice in choices}.get(request.POST.get("target", ""))
    if wanted is None:
        raise refused("target", "target", "Choose what to stop.")
    level = request.POST.get("level", "")
    if level not in Level.values:
        raise refused("level", "level", "Choose how far it goes.")
    return wanted, Level(level)


def _asked(
    request: UserRequest, bot: Bot | None, choices: Sequence[Choice], error: ServiceRefused | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "bot": bot,
        "choices": choices,
        "levels": EXPLAINED.items(),
        "chosen": request.POST.get("target") or choices[0].value,
        "level": request.POST.get("level", ""),
        "why": request.POST.get("why", ""),
        "why_max": WHY_MAX,
        "problems": [problem.message for problem in error.problems] if error else [],
        "banner": banner(request.user, bot),
        "active": running(bots_of(request.user)).count(),
    }
    return page(request, "bots/kill.html", context, sequence_of(request))
