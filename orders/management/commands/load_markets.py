"""`manage.py load_markets`: the spot markets of an exchange and their rules, as it lists them now."""

from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError
from django.utils import timezone

from orders.gateways.base import GatewayError
from orders.gateways.exchange.adapters import SOURCES
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.markets import Loaded, load_markets

WRONG_INPUT = 2
NAMED_MAX = 10


class Command(BaseCommand):
    help = "Asks an exchange for its spot markets; changed rules are a new version, nothing is deleted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--exchange", required=True, help=f"one of {', '.join(sorted(SOURCES))}")

    def handle(self, *_: Any, **options: Any) -> None:
        exchange: str = options["exchange"]
        if exchange not in SOURCES:
            known = ", ".join(sorted(SOURCES))
            raise CommandError(
                f"--exchange: {exchange!r} is not known, use one of {known}.", returncode=WRONG_INPUT
            )
        clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=())
        try:
            loaded = load_markets(clients.anew(exchange), now=timezone.now())
        except GatewayError as fault:
            raise CommandError(f"The markets were not loaded: {fault}. Nothing has changed.") from None
        except IntegrityError:
            raise CommandError(
                "Somebody else loads the same markets at this moment. Nothing was changed: run it again."
            ) from None
        for line in report(exchange, loaded):
            self.stdout.write(line)


def report(exchange: str, loaded: Loaded) -> list[str]:
    """What has become of the markets, for a person to read."""
    lines = [f"{exchange}: {loaded.active:,} markets can be traded."]
    for told, tickers in (
        ("new", loaded.new),
        ("with changed rules", loaded.changed),
        ("back", loaded.back),
        ("gone or halted", loaded.gone),
    ):
        lines.append(f"  {len(tickers):,} {told}{_named(tickers)}")
    return lines


def _named(tickers: Sequence[str]) -> str:
    if not tickers:
        return ""
    more = f" and {len(tickers) - NAMED_MAX:,} more" if len(tickers) > NAMED_MAX else ""
    return f": {', '.join(tickers[:NAMED_MAX])}{more}"
