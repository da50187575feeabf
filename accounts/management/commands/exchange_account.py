"""`manage.py exchange_account`: what the pages of exchange accounts do, at a terminal.

A key comes from standard input or a file, as JSON with `key`, `secret` and, where the exchange has one,
`password`; never from the command line, which others on the machine can read.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.keys import Credentials
from accounts.models import AccountState, Environment, ExchangeAccount
from accounts.services import (
    Wanted,
    account_add,
    account_delete,
    account_rename,
    account_replace_key,
    account_test,
    deleted_in_words,
    on_real_exchanges,
    paper_account_add,
    user_named,
)
from bots.services import ServiceRefused
from orders.gateways.installed import installed
from orders.gateways.offers import OFFERS

WRONG_INPUT = 2
PARTS = ("key", "secret", "password")
HOW = (
    'write JSON such as {"key": "…", "secret": "…"} to standard input, or name a file of it with --key-file.'
)


class Command(BaseCommand):
    help = "Adds, lists, tests, renames and deletes exchange accounts, and replaces their keys."
    stealth_options = ("stdin",)

    def add_arguments(self, parser: ArgumentParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True)
        add = ways.add_parser(
            "add", help="a new account, its key read from standard input as JSON; on paper it has none"
        )
        add.add_argument("--user", required=True, help="its owner's e-mail address")
        add.add_argument("--exchange", required=True, choices=OFFERS)
        add.add_argument("--environment", required=True, choices=("paper", "sandbox", "live"))
        add.add_argument("--label", required=True, help="how the owner will know it")
        _with_key_file(add)
        listing = ways.add_parser("list", help="accounts on real exchanges")
        listing.add_argument("--user", help="only this person's")
        of_one = {
            "test": "ask its exchange what the key may do",
            "rename": "give it another label",
            "replace-key": "another key, read from standard input as JSON",
            "delete": "forget the key and hide the account",
        }
        for way, told in of_one.items():
            one = ways.add_parser(way, help=told)
            one.add_argument("account", type=UUID, help="the id that list shows")
            if way == "rename":
                one.add_argument("label")
            if way == "replace-key":
                _with_key_file(one)

    def handle(self, *_: Any, **options: Any) -> None:
        ways: dict[str, Callable[[dict[str, Any]], None]] = {
            "add": self._add,
            "list": self._list,
            "test": self._test,
            "rename": self._rename,
            "replace-key": self._replace_key,
            "delete": self._delete,
        }
        try:
            ways[options["way"]](options)
        except ServiceRefused as refused:
            raise CommandError(str(refused), returncode=WRONG_INPUT) from None

    def _add(self, options: dict[str, Any]) -> None:
        if options["environment"] == Environment.PAPER:
            self._add_on_paper(options)
            return
        wanted = Wanted(
            exchange=options["exchange"],
            environment=options["environment"],
            label=options["label"],
            credentials=_credentials(options),
            consent=options["consent"],
        )
        account = account_add(user=user_named(options["user"]), wanted=wanted, **_outside())
        self.stdout.write(line_of(account))

    def _add_on_paper(self, options: dict[str, Any]) -> None:
        if options["key_file"] or options["consent"]:
            raise CommandError("An account on paper has no key: leave that out.", returncode=WRONG_INPUT)
        account = paper_account_add(
            user=user_named(options["user"]),
            exchange=options["exchange"],
            label=options["label"],
            exchanges=installed(),
            now=timezone.now(),
        )
        self.stdout.write(line_of(account))

    def _list(self, options: dict[str, Any]) -> None:
        rows = on_real_exchanges().select_related("user").order_by("user__email", "label")
        if options["user"]:
            rows = rows.filter(user=user_named(options["user"]))
        for account in rows:
            self.stdout.write(line_of(account))
        if not rows:
            self.stdout.write("No exchange accounts.")

    def _test(self, options: dict[str, Any]) -> None:
        found = account_test(account=_account(options), **_outside())
        self.stdout.write(line_of(found))
        if found.state != AccountState.WORKING:
            raise CommandError(found.state_reason)

    def _rename(self, options: dict[str, Any]) -> None:
        account = account_rename(account=_account(options), label=options["label"], now=timezone.now())
        self.stdout.write(line_of(account))

    def _replace_key(self, options: dict[str, Any]) -> None:
        account = account_replace_key(
            account=_account(options),
            credentials=_credentials(options),
            consent=options["consent"],
            **_outside(),
        )
        self.stdout.write(line_of(account))

    def _delete(self, options: dict[str, Any]) -> None:
        account = _account(options)
        account_delete(account=account, now=timezone.now())
        self.stdout.write(deleted_in_words(account))


def line_of(account: ExchangeAccount) -> str:
    place = f"{account.exchange:9} {account.environment:7} {account.state:9}"
    return f"{account.pk}  {place} …{account.key_hint:4}  {account.user.email}  {account.label}"


def _with_key_file(parser: ArgumentParser) -> None:
    parser.add_argument("--key-file", type=Path, help="read the key from this file, not from standard input")
    parser.add_argument(
        "--consent", action="store_true", help="it was looked up: the key may neither withdraw nor transfer"
    )


def _outside() -> dict[str, Any]:
    return {"exchanges": installed(), "keys": settings.ENCRYPTION_KEYS, "now": timezone.now()}


def _account(options: dict[str, Any]) -> ExchangeAccount:
    account = on_real_exchanges().filter(pk=options["account"]).first()
    if account is None:
        raise CommandError("There is no such account; list shows their ids.", returncode=WRONG_INPUT)
    return account


def _credentials(options: dict[str, Any]) -> Credentials:
    text = _read(options["key_file"], options.get("stdin") or sys.stdin)
    found = _json(text)
    if not isinstance(found, dict) or not set(found) <= set(PARTS) or not {"key", "secret"} <= set(found):
        raise CommandError(f"The key cannot be read: {HOW}", returncode=WRONG_INPUT)
    if not all(isinstance(part, str) for part in found.values()):
        raise CommandError(f"A part of the key is no text: {HOW}", returncode=WRONG_INPUT)
    return Credentials(found["key"], found["secret"], found.get("password", ""))


def _json(text: str) -> Any:
    """None for what is no JSON. The error that says so holds the whole text, so it ends here."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _read(file: Path | None, stdin: IO[str]) -> str:
    try:
        return file.read_text() if file else stdin.read()
    except (OSError, UnicodeDecodeError) as fault:
        name = type(fault).__name__
        raise CommandError(f"--key-file cannot be read ({name}).", returncode=WRONG_INPUT) from None
