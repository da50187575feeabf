"""What people do while their bots run: start, stop, command, edit, and the kill switch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from bots.models import Bot, BotStatus, KillSwitch, Level, Scope, StopRequest
from bots.services import (
    ServiceRefused,
    Target,
    bot_command,
    bot_edit,
    bot_start,
    bot_stop,
    switch_press,
    switch_release,
    switches_sweep,
)
from bots.strategies.base import CommandKind
from orders.gateways.base import Exchanges
from orders.switches import bots_under
from tests.faults.runs.stage import PRICES, Stage, values_of
from tests.gateways.exchange.public import NAME


@dataclass
class Pressed:
    """A switch in force from one request to another, as the exchange counts those that have arrived."""

    switch: KillSwitch
    since: int
    until: int | None = None


@dataclass
class Deeds:
    """Each deed tells in a few words what it was. What a service refuses changes nothing."""

    stage: Stage
    exchanges: Exchanges
    pressed: list[Pressed] = field(default_factory=list)

    def one(self) -> str:
        return self.do(self.stage.chance.choices(list(DEEDS), list(DEEDS.values()))[0])

    def do(self, deed: "Callable[[Deeds], str]") -> str:
        try:
            return deed(self)
        except ServiceRefused as refused:
            return f"{deed.__name__} refused: {refused}"
        finally:
            self.note()

    def note(self) -> None:
        """Which switches are in force now; no deed sends anything, so what was sent before is no matter."""
        at = len(self.stage.exchange.oracle.requests)
        on = {switch.pk: switch for switch in KillSwitch.objects.filter(released_at__isnull=True)}
        for one in self.pressed:
            switch = on.get(one.switch.pk)
            if one.until is None and (switch is None or switch.level != one.switch.level):
                one.until = at
        noted = {one.switch.pk for one in self.pressed if one.until is None}
        self.pressed += [Pressed(switch, at) for switch in on.values() if switch.pk not in noted]

    def start(self) -> str:
        """A bot that does not run; any is as good as another."""
        bot = self._any(BotStatus.STOPPED, BotStatus.ERROR)
        if bot is None:
            return "all run"
        bot_start(bot=bot, exchanges=self.exchanges, now=timezone.now())
        return f"start {bot.name}"

    def stop(self) -> str:
        bot, how = self._any(BotStatus.ACTIVE, BotStatus.ERROR), self.stage.chance.choice(StopRequest.values)
        if bot is None:
            return "none runs"
        bot_stop(bot=bot, now=timezone.now(), how=how)
        return f"stop {bot.name}: {how}"

    def command(self) -> str:
        kinds = (CommandKind.CLOSE_NOW, CommandKind.ADD_FUNDS, CommandKind.START_DEAL)
        bot, kind = self._any(BotStatus.ACTIVE), self.stage.chance.choice(kinds)
        if bot is None:
            return "none runs"
        quote = Decimal(self.stage.chance.randint(20, 300)) if kind is CommandKind.ADD_FUNDS else Decimal(0)
        bot_command(bot=bot, kind=kind, quote=quote, now=timezone.now())
        return f"{kind} {bot.name}"

    def edit(self) -> str:
        bot = self._any(*BotStatus)
        if bot is None:
            return "there are none"
        investment = str(self.stage.chance.choice((3000, 4000, 5000)))
        values = values_of(bot.bot_type, PRICES[bot.ticker], investment=investment)
        this_deal_too = self.stage.chance.random() < 0.5
        bot_edit(bot=bot, name=bot.name, values=values, this_deal_too=this_deal_too, now=timezone.now())
        return f"edit {bot.name}"

    def press(self) -> str:
        chance = self.stage.chance
        scope, level = chance.choice(list(Scope)), chance.choice(list(Level))
        user = chance.choice(self.stage.people)
        mine = list(Bot.objects.filter(user=user).order_by("pk"))
        by_scope = {
            Scope.BOT: Target(Scope.BOT, user, chance.choice(mine)),
            Scope.MARKET: Target(Scope.MARKET, user, exchange=NAME, ticker=chance.choice(list(PRICES))),
            Scope.USER: Target(Scope.USER, user),
            Scope.SYSTEM: Target(Scope.SYSTEM),
        }
        by = None if scope is Scope.SYSTEM else user
        switch_press(target=by_scope[scope], level=level, by=by, now=timezone.now())
        return f"press {scope} {level}"

    def release(self) -> str:
        switches = list(KillSwitch.objects.filter(released_at__isnull=True).order_by("pressed_at"))
        if not switches:
            return "no switch is on"
        switch = self.stage.chance.choice(switches)
        switch_release(switch=switch, by=None, now=timezone.now())
        return f"release {switch.scope} {switch.level}"

    def release_all(self) -> None:
        for switch in KillSwitch.objects.filter(released_at__isnull=True):
            switch_release(switch=switch, by=None, now=timezone.now())
        self.note()

    def sweep(self) -> str:
        switches_sweep(now=timezone.now())
        return "sweep"

    def _any(self, *statuses: BotStatus) -> Bot | None:
        found = list(Bot.objects.filter(status__in=statuses).order_by("pk"))
        return self.stage.chance.choice(found) if found else None


DEEDS: dict[Callable[[Deeds], str], int] = {
    Deeds.start: 5,
    Deeds.stop: 2,
    Deeds.command: 4,
    Deeds.edit: 2,
    Deeds.press: 1,
    Deeds.release: 3,
    Deeds.sweep: 2,
}


def reaches(pressed: Pressed, bot_id: UUID) -> bool:
    return bots_under(pressed.switch).filter(pk=bot_id).exists()
