"""`manage.py kill_switch`: stops bots at a terminal, for whoever operates the platform."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.services import user_named
from bots.models import Bot, KillSwitch, Level, Scope
from bots.services import (
    ServiceRefused,
    Target,
    resting_under,
    selling_under,
    switch_press,
    switch_release,
)
from orders.switches import in_force

WRONG_INPUT = 2
# What each scope needs, and what it may have beside that.
NEEDED = {
    Scope.BOT: ("bot",),
    Scope.MARKET: ("exchange", "ticker"),
    Scope.USER: ("user",),
    Scope.SYSTEM: (),
}
ALLOWED = {Scope.MARKET: ("user",)}


class Command(BaseCommand):
    help = "Presses, releases and lists kill switches: no order goes out against one, whatever a bot wants."

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True)
        press = ways.add_parser("press", help="stop what is named, from this moment on")
        release = ways.add_parser("release", help="let it trade again")
        for one in (press, release):
            one.add_argument("--scope", required=True, choices=Scope.values)
            one.add_argument("--user", help="the e-mail address of whose bots; with a market, theirs alone")
            one.add_argument("--exchange")
            one.add_argument("--ticker", help="such as BTC/USDT")
            one.add_argument("--bot", help="its id, as its page's address names it")
        press.add_argument(
            "--level",
            required=True,
            choices=Level.values,
            help="block: no buys; cancel: nothing, and orders are cancelled; flatten: coins are sold, too",
        )
        press.add_argument("--why", default="", help="told to the owners of the bots")
        ways.add_parser("list", help="those in force")

    def handle(self, *_: Any, **options: Any) -> None:
        ways: dict[str, Callable[[dict[str, Any]], None]] = {
            "press": self._press,
            "release": self._release,
            "list": self._list,
        }
        try:
            ways[options["way"]](options)
        except ServiceRefused as refused:
            raise CommandError(str(refused), returncode=WRONG_INPUT) from None

    def _press(self, options: dict[str, Any]) -> None:
        switch = switch_press(
            target=_target(options),
            level=Level(options["level"]),
            by=None,
            now=timezone.now(),
            why=options["why"],
        )
        self.stdout.write(line_of(switch))

    def _release(self, options: dict[str, Any]) -> None:
        target = _target(options)
        switch = in_force().filter(
            scope=target.scope,
            user=target.user,
            bot=target.bot,
            exchange=target.exchange,
            ticker=target.ticker,
        )
        found = switch.first()
        if found is None:
            raise CommandError(
                "No such kill switch is on; list shows those that are.", returncode=WRONG_INPUT
            )
        switch_release(switch=found, by=None, now=timezone.now())
        self.stdout.write("Released.")

    def _list(self, _: dict[str, Any]) -> None:
        rows = list(in_force().select_related("user", "bot").order_by("pressed_at"))
        for switch in rows:
            self.stdout.write(line_of(switch))
        if not rows:
            self.stdout.write("No kill switch is on.")


def line_of(switch: KillSwitch) -> str:
    place = [switch.exchange, switch.ticker, switch.user.email if switch.user else "everybody"]
    named = [*place, f"{switch.bot.name} ({switch.bot_id})" if switch.bot else ""]
    words = " ".join(word for word in named if word)
    return f"{switch.scope:6} {switch.level:7} {words}  {_stand(switch)}" + (
        f"  Why: {switch.why}" if switch.why else ""
    )


def _stand(switch: KillSwitch) -> str:
    if switch.level == Level.BLOCK:
        return "no buys"
    if switch.verified_at is not None:
        return f"nothing rests, seen at {switch.verified_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"{resting_under(switch).count()} orders may rest, {selling_under(switch).count()} bots sell"


def _target(options: dict[str, Any]) -> Target:
    scope = Scope(options["scope"])
    given = {name for name in ("user", "exchange", "ticker", "bot") if options[name]}
    needed = set(NEEDED[scope])
    if not needed <= given <= needed | set(ALLOWED.get(scope, ())):
        words = " and ".join(f"--{name}" for name in NEEDED[scope]) or "no other name"
        beside = ", and may have --user" if scope in ALLOWED else ""
        raise CommandError(f"--scope {scope} needs {words}{beside}.", returncode=WRONG_INPUT)
    if scope == Scope.BOT:
        bot = _bot(options["bot"])
        return Target(scope, bot.user, bot)
    user = user_named(options["user"]) if options["user"] else None
    return Target(scope, user, exchange=options["exchange"] or "", ticker=options["ticker"] or "")


def _bot(given: str) -> Bot:
    try:
        bot = Bot.objects.select_related("user").filter(pk=UUID(given)).first()
    except ValueError:
        bot = None
    if bot is None:
        raise CommandError(f"--bot: there is no bot {given}.", returncode=WRONG_INPUT)
    return bot
