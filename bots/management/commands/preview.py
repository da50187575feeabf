"""`manage.py preview`: what a bot would do at a price, without a database and without starting it."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bots.backtest.arguments import chosen, number
from bots.backtest.told import plain
from bots.strategies.base import Preflight
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from bots.strategies.settings import Problem
from orders.gateways.listed import EXCHANGE, LISTED
from orders.rules import HUNDRED, ZERO, FeeIn, Market

NOT_OK, WRONG_INPUT = 1, 2
COLUMNS = ("slot", "side", "type", "price", "amount", "cost")


class Command(BaseCommand):
    help = "Shows every order a bot would place at a price, what it needs, and what is wrong with it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("bot_type", choices=sorted(BOT_TYPES), metavar="TYPE", help=", ".join(BOT_TYPES))
        parser.add_argument(
            "--set", action="append", default=[], type=chosen, metavar="NAME=VALUE", dest="values"
        )
        parser.add_argument("--price", type=number, required=True, help="the market's price now, in quote")
        parser.add_argument("--exchange", default=EXCHANGE, choices=[EXCHANGE])
        parser.add_argument("--ticker", default="BTC/USDT", help="whose rules hold, such as BTC/USDT")
        parser.add_argument("--tick", type=number, help="price step in quote, instead of the market's")
        parser.add_argument("--lot", type=number, help="amount step in base")
        parser.add_argument("--min-cost", type=number, help="least value of an order in quote")
        parser.add_argument("--fee-pct", type=number, help="fee of maker and taker in percent, in quote")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        price = options["price"]
        if not price:
            raise CommandError("--price must be above 0.", returncode=WRONG_INPUT)
        market = market_of(options)
        try:
            settings = read_settings(options["bot_type"], dict(options["values"]))
        except SettingsRefused as refused:
            self._show(Preflight(problems=tuple(refused.problems)), market, options)
            raise SystemExit(WRONG_INPUT) from None
        found = BOT_TYPES[options["bot_type"]].build(settings, market).preflight(price)
        self._show(found, market, options)
        if not found.ok:
            raise SystemExit(NOT_OK)

    def _show(self, found: Preflight, market: Market, options: Mapping[str, Any]) -> None:
        told = told_of(found)
        self.stdout.write(json.dumps(told, indent=1) if options["json"] else in_words(told, market))


def market_of(options: Mapping[str, Any]) -> Market:
    """The listed market's rules, or those given one by one."""
    listed = LISTED.get(options["ticker"])
    own = {
        name: options[name] for name in ("tick", "lot", "min_cost", "fee_pct") if options[name] is not None
    }
    if listed and not own:
        return listed.rules
    if "/" not in options["ticker"]:
        raise CommandError("--ticker must read BASE/QUOTE, such as BTC/USDT.", returncode=WRONG_INPUT)
    missing = [f"--{name}" for name in ("tick", "lot") if not own.get(name)]
    if missing:
        why = "give them" if own else f"{options['ticker']} is not listed; give its rules"
        raise CommandError(f"{' and '.join(missing)} must be above 0: {why}.", returncode=WRONG_INPUT)
    fee = own.get("fee_pct", ZERO) / HUNDRED
    least = own.get("min_cost", ZERO)
    return Market(
        "custom", options["ticker"], own["tick"], own["lot"], own["lot"], least, fee, fee, FeeIn.QUOTE
    )


def told_of(found: Preflight) -> dict[str, Any]:
    """The preflight as JSON carries it: numbers are decimal strings without an exponent."""
    told: dict[str, Any] = plain(msgspec.to_builtins(found, builtin_types=(Decimal,)))
    for order in told["orders"]:
        order["type"] = order.pop("kind")
        if order["trigger"] is None:  # a stop alone has one
            del order["trigger"]
    told["problems"] = [_problem(problem) for problem in found.problems]
    return {"ok": found.ok, **told}


def _stop_in_words(order: Mapping[str, Any]) -> dict[str, Any]:
    return {**order, "type": "stop-limit", "price": f"{order['price']} (trigger {order['trigger']})"}


def _problem(problem: Problem) -> dict[str, Any]:
    told = {"code": problem.code, "field": problem.field, "message": problem.message, "fix": problem.fix}
    return {**told, "warning": problem.warning}


def in_words(told: Mapping[str, Any], market: Market) -> str:
    lines = [f"{problem['field']}: {problem['message']}" for problem in told["problems"]]
    lines.append("It may start." if told["ok"] else "It may not start like this.")
    for name in (
        "required_quote",
        "required_base",
        "break_even_price",
        "take_profit_price",
        "worst_case_loss",
    ):
        if told[name] is not None:
            unit = market.base if name == "required_base" else market.quote
            lines.append(f"{name.replace('_', ' '):20} {told[name]} {unit}")
    if not told["orders"]:
        return "\n".join(lines)
    shown = [_stop_in_words(order) if "trigger" in order else order for order in told["orders"]]
    rows = [COLUMNS, *([str(order[column]) for column in COLUMNS] for order in shown)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)
