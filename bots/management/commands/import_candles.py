"""Candles of a CSV or CSV.gz file into the store, from where backtests and replays take them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from orders.gateways.candle_file import CandleFile, CandlesRefused, Gap, read_candles
from orders.gateways.candle_store import BrokenMonth, CandleStore, WrongName
from tradingbot.clock import TIMEFRAMES_S, moment_of

GAPS_SHOWN_MAX = 5
WRONG_INPUT = 2


class Command(BaseCommand):
    help = "Imports candles: timestamp,open,high,low,close,volume, timestamps in ms UTC, oldest first."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a .csv or .csv.gz file")
        parser.add_argument("--exchange", required=True, help="whose candles these are, such as binance")
        parser.add_argument("--ticker", required=True, help="the market, such as BTC/USDT")
        parser.add_argument("--timeframe", choices=TIMEFRAMES_S, help="what the file must hold")
        parser.add_argument("--fill-gaps", action="store_true", help="flat candles of volume 0 into the gaps")

    def handle(self, *_: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            read = read_candles(file, fill_gaps=options["fill_gaps"])
            self._expect(read, file, options["timeframe"])
            store = CandleStore(settings.VAR_DIR / "candles")
            store.write(
                exchange=options["exchange"],
                ticker=options["ticker"],
                timeframe=read.timeframe,
                candles=read.candles,
            )
        except (CandlesRefused, WrongName, BrokenMonth) as refused:
            raise CommandError(f"{refused} Nothing was imported.", returncode=WRONG_INPUT) from None
        except OSError as fault:
            raise CommandError(
                f"The candles cannot be stored: {fault}. Make room, then import again."
            ) from None
        for line in report(read, f"{options['ticker']} on {options['exchange']}"):
            self.stdout.write(line)

    def _expect(self, read: CandleFile, file: Path, timeframe: str | None) -> None:
        if timeframe and read.timeframe != timeframe:
            raise CandlesRefused(
                f"{file.name} has candles of {read.timeframe}, not of {timeframe}: leave --timeframe out, "
                "or give the file that has them."
            )


def report(read: CandleFile, market: str) -> list[str]:
    """What was imported, for a person to read."""
    at = read.candles.at
    lines = [
        f"Imported {len(at):,} candles of {read.timeframe} for {market}, "
        f"{shown(int(at[0]))} to {shown(int(at[-1]))} UTC."
    ]
    if not read.gaps:
        return [*lines, "No gaps."]
    missing = sum(gap.missing for gap in read.gaps)
    done = "filled with flat candles" if read.filled else "left open; --fill-gaps fills them"
    lines.append(f"{len(read.gaps):,} gaps, {missing:,} candles missing, {done}. The longest:")
    longest = sorted(read.gaps, key=lambda gap: gap.missing, reverse=True)[:GAPS_SHOWN_MAX]
    return lines + [gap_line(gap) for gap in longest]


def gap_line(gap: Gap) -> str:
    return f"  {shown(gap.start)} to {shown(gap.end)} UTC: {gap.missing:,} missing"


def shown(ms: int) -> str:
    return f"{moment_of(ms):%Y-%m-%d %H:%M}"
