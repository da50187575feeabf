"""`manage.py candles`: what the candle store holds, and forgetting a series of it."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from orders.gateways.candle_store import BrokenMonth, CandleStore, Series, WrongName
from tradingbot.clock import TIMEFRAMES_S, moment_of

WRONG_INPUT = 2
MB = 1_000_000


class Command(BaseCommand):
    help = "Lists the candles in the store; --delete with a series forgets it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--exchange", help="only this exchange's")
        parser.add_argument("--ticker", help="only this market's, such as BTC/USDT")
        parser.add_argument("--timeframe", choices=TIMEFRAMES_S, help="only this timeframe's")
        parser.add_argument("--delete", action="store_true", help="forget the one series that is named")

    def handle(self, *_: Any, **options: Any) -> None:
        store = CandleStore(settings.VAR_DIR / "candles")
        try:
            lines = self._delete(store, options) if options["delete"] else self._list(store, options)
        except (BrokenMonth, WrongName) as wrong:
            raise CommandError(str(wrong), returncode=WRONG_INPUT) from None
        for line in lines:
            self.stdout.write(line)

    def _list(self, store: CandleStore, options: dict[str, Any]) -> list[str]:
        wanted = {name: options[name] for name in ("exchange", "ticker", "timeframe") if options[name]}
        found = [
            series
            for series in store.series()
            if all(getattr(series, name) == value for name, value in wanted.items())
        ]
        if not found:
            return [
                "No candles are stored. import_candles puts a file's there, download_candles an exchange's."
            ]
        return [line_of(series) for series in found]

    def _delete(self, store: CandleStore, options: dict[str, Any]) -> list[str]:
        missing = [f"--{name}" for name in ("exchange", "ticker", "timeframe") if not options[name]]
        if missing:
            raise CommandError(
                f"--delete forgets one series: name it with {', '.join(missing)} too.", returncode=WRONG_INPUT
            )
        name = f"{options['ticker']} {options['timeframe']} on {options['exchange']}"
        months = store.delete(
            exchange=options["exchange"], ticker=options["ticker"], timeframe=options["timeframe"]
        )
        if not months:
            raise CommandError(f"The store has no candles of {name}.", returncode=WRONG_INPUT)
        return [f"Deleted {name}: {months} month{'' if months == 1 else 's'}."]


def line_of(series: Series) -> str:
    span = f"{moment_of(series.first):%Y-%m-%d %H:%M} to {moment_of(series.last):%Y-%m-%d %H:%M} UTC"
    return (
        f"{series.exchange:12} {series.ticker:12} {series.timeframe:>4} {series.rows:>11,} candles  {span}  "
        f"{series.size_bytes / MB:,.1f} MB"
    )
