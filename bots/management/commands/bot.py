"""`manage.py bot`: what the pages of bots do, at a terminal."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import ExchangeAccount
from accounts.queries import in_use
from accounts.services import user_named
from bots.backtest.arguments import chosen
from bots.models import Bot, StopRequest
from bots.services import ServiceRefused, bot_create, bot_delete, bot_start, bot_stop
from bots.strategies.registry import BOT_TYPES
from orders.gateways.installed import installed

WRONG_INPUT = 2


class Command(BaseCommand):
    help = "Makes, lists, starts, stops and deletes bots."

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True)
        add = ways.add_parser("add", help="a new bot, stopped; start sets it going")
        add.add_argument("bot_type", choices=sorted(BOT_TYPES), metavar="TYPE", help=", ".join(BOT_TYPES))
        add.add_argument("--account", required=True, type=UUID, help="its id, as its page's address names it")
        add.add_argument("--ticker", required=True, help="such as BTC/USDT")
        add.add_argument("--name", required=True)
        add.add_argument(
            "--set", action="append", default=[], type=chosen, metavar="NAME=VALUE", dest="values"
        )
        listing = ways.add_parser("list", help="bots that are not deleted")
        listing.add_argument("--user", help="only this person's, by e-mail address")
        listing.add_argument("--json", action="store_true", help="print one JSON list")
        of_one = {
            "start": "fund it from its account and set it going",
            "stop": "end it by its own settings, or by --how",
            "delete": "give back what it holds and hide it",
        }
        for way, told in of_one.items():
            one = ways.add_parser(way, help=told)
            one.add_argument("bot", type=UUID, help="the id that list shows")
            if way == "stop":
                one.add_argument("--how", default="", choices=StopRequest.values)

    def handle(self, *_: Any, **options: Any) -> None:
        ways: dict[str, Callable[[dict[str, Any]], None]] = {
            "add": self._add,
            "list": self._list,
            "start": self._start,
            "stop": self._stop,
            "delete": self._delete,
        }
        try:
            ways[options["way"]](options)
        except ServiceRefused as refused:
            raise CommandError(str(refused), returncode=WRONG_INPUT) from None

    def _add(self, options: dict[str, Any]) -> None:
        account = _account(options["account"])
        bot = bot_create(
            user=account.user,
            account=account,
            name=options["name"],
            bot_type=options["bot_type"],
            ticker=options["ticker"],
            values=dict(options["values"]),
            now=timezone.now(),
        )
        self.stdout.write(line_of(bot))

    def _list(self, options: dict[str, Any]) -> None:
        rows = Bot.objects.filter(hidden_at__isnull=True).select_related("user", "account")
        if options["user"]:
            rows = rows.filter(user=user_named(options["user"]))
        bots = list(rows.defer("memory").order_by("user__email", "name"))
        if options["json"]:
            self.stdout.write(json.dumps([told_of(bot) for bot in bots], indent=1))
            return
        for bot in bots:
            self.stdout.write(line_of(bot))
        if not bots:
            self.stdout.write("No bots.")

    def _start(self, options: dict[str, Any]) -> None:
        bot = bot_start(bot=_bot(options["bot"]), exchanges=installed(), now=timezone.now())
        self.stdout.write(line_of(bot))

    def _stop(self, options: dict[str, Any]) -> None:
        bot = bot_stop(bot=_bot(options["bot"]), how=options["how"], now=timezone.now())
        self.stdout.write(line_of(bot))

    def _delete(self, options: dict[str, Any]) -> None:
        bot = _bot(options["bot"])
        bot_delete(bot=bot, exchanges=installed(), now=timezone.now())
        self.stdout.write(f"{bot.name} was deleted.")


def line_of(bot: Bot) -> str:
    state = bot.get_status_display() if bot.status != "active" else bot.get_phase_display()
    place = f"{bot.mode:7} {bot.exchange} {bot.ticker}"
    return f"{bot.pk}  {bot.bot_type:8} {place}  {state}  {bot.user.email}  {bot.name}"


def told_of(bot: Bot) -> dict[str, Any]:
    """Numbers as decimal strings, in the quote where they are money."""
    amounts = ("position_amount", "position_cost", "cash", "pnl", "funded")
    words = ("name", "bot_type", "mode", "exchange", "ticker", "status", "phase", "phase_why", "total_trades")
    return {
        "id": str(bot.pk),
        "account": str(bot.account_id),
        **{name: getattr(bot, name) for name in words},
        **{name: f"{getattr(bot, name).normalize():f}" for name in amounts},
    }


def _account(number: UUID) -> ExchangeAccount:
    account = in_use().select_related("user").filter(pk=number).first()
    if account is None:
        raise CommandError("--account: there is no such exchange account.", returncode=WRONG_INPUT)
    return account


def _bot(number: UUID) -> Bot:
    bot = Bot.objects.select_related("user", "account").filter(pk=number, hidden_at__isnull=True).first()
    if bot is None:
        raise CommandError("There is no such bot; list shows their ids.", returncode=WRONG_INPUT)
    return bot
