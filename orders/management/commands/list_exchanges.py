"""`manage.py list_exchanges`: those that ccxt has market data for, and whether our table is up to date."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.gateways.exchange.listing import listed
from orders.gateways.others import TABLE, written


class Command(BaseCommand):
    help = "Lists the exchanges that can be offered on paper, as the installed ccxt tells of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write the table that the platform reads")

    def handle(self, *_: Any, **options: Any) -> None:
        offered, missing = listed()
        for other in offered:
            self.stdout.write(f"{other.exchange}: {other.name}, {other.quote}")
        self.stdout.write(f"{len(offered)} can be offered on paper. The others lack something:")
        for exchange, why in missing.items():
            self.stdout.write(f"{exchange}: {why}")
        table = written(offered)
        if options["write"]:
            TABLE.write_bytes(table)
        elif table != TABLE.read_bytes():
            raise CommandError(f"{TABLE.name} is not what ccxt tells. Write it anew with --write.")
