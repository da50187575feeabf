"""Closed candles from an exchange into the store, from where backtests and replays take them."""

import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from bots.backtest.arguments import moment
from bots.backtest.command import BAR, BAR_AFTER_S
from bots.management.commands.import_candles import GAPS_SHOWN_MAX, gap_line, shown
from orders.gateways.base import GatewayError
from orders.gateways.candle_store import BrokenMonth, CandleStore, WrongName
from orders.gateways.exchange.adapters import SOURCES
from orders.gateways.exchange.budget import Lane
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.download import Download, Patience
from orders.gateways.exchange.history import Endless, Wanted, missing
from orders.gateways.exchange.prices import closed_until
from orders.gateways.exchange.spoken import now_ms
from tradingbot.clock import TIMEFRAMES_S

FAILED, WRONG_INPUT, INTERRUPTED = 1, 2, 130
NEAREST_MAX = 3
ALIKE_MIN = 0.5
PAUSE_TOLD_S = 5.0
AGAIN = "What came is stored; the same command goes on from there."


class Command(BaseCommand):
    help = (
        "Downloads closed candles of a market into the store; what is there already is not asked for again."
    )
    requires_system_checks: list[str] = []
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--exchange", required=True, help=f"one of {', '.join(sorted(SOURCES))}")
        parser.add_argument("--ticker", required=True, help="the market, such as BTC/USDT")
        parser.add_argument("--timeframe", required=True, help=f"one of {', '.join(TIMEFRAMES_S)}")
        parser.add_argument("--since", type=moment, required=True, metavar="DATE", help="start here (UTC)")
        parser.add_argument("--until", type=moment, metavar="DATE", help="end before this; else now")

    def handle(self, *_: Any, **options: Any) -> None:
        check_arguments(options)
        clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=())
        try:
            client = clients.master(options["exchange"]).at(Lane.IDLE)
            check_market(client, options)
            with self._bar() as moved:
                download = self._download(client, options, moved)
                stopped = stop_of(download)
            lines = report(download)
        except GatewayError as fault:
            raise CommandError(f"Nothing was downloaded: {fault}.", returncode=FAILED) from None
        except (BrokenMonth, WrongName) as wrong:
            raise CommandError(str(wrong), returncode=WRONG_INPUT) from None
        except OSError as fault:
            raise CommandError(
                f"The candles cannot be stored: {fault}. Make room, then run it again."
            ) from None
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. {AGAIN}", returncode=INTERRUPTED) from None
        for line in lines:
            self.stdout.write(line)
        if stopped:
            raise CommandError(f"It stopped before its end: {stopped}. {AGAIN}", returncode=FAILED)

    def _download(self, client: Client, options: dict[str, Any], moved: Callable[[float], None]) -> Download:
        wanted = wanted_of(client, options)
        span = wanted.end - wanted.start
        return Download(
            client=client,
            store=CandleStore(settings.VAR_DIR / "candles"),
            ticker=options["ticker"],
            timeframe=options["timeframe"],
            wanted=wanted,
            patience=Patience(self._pause),
            moved=lambda at: moved((at - wanted.start) / span),
        )

    def _pause(self, seconds: float) -> None:
        if seconds >= PAUSE_TOLD_S:
            self.stderr.write(f"Waiting for {seconds:.0f} s, as the exchange wants it.")
        self.sleep(seconds)

    @contextmanager
    def _bar(self) -> Iterator[Callable[[float], None]]:
        """Is told which part is done; shown to who watches."""
        watched = sys.stderr.isatty()
        with tqdm(total=1.0, delay=BAR_AFTER_S, leave=False, bar_format=BAR, disable=not watched) as bar:
            yield lambda part: bar.update(part - bar.n)


def stop_of(download: Download) -> str:
    """Run it; why it stopped before its end, or nothing."""
    try:
        download.run()
    except (GatewayError, Endless) as fault:
        return str(fault)
    return ""


def check_arguments(options: dict[str, Any]) -> None:
    """What can be told without asking the exchange."""
    exchange, since, until = options["exchange"], options["since"], options["until"]
    if exchange not in SOURCES:
        wrong("exchange", f"{exchange!r} is not known, use one of {', '.join(sorted(SOURCES))}.")
    if options["timeframe"] not in TIMEFRAMES_S:
        wrong("timeframe", f"{options['timeframe']!r} is none, use one of {', '.join(TIMEFRAMES_S)}.")
    if since < 0:
        wrong("since", f"{shown(since)} UTC is before 1970, name a later date.")
    if since >= now_ms():
        wrong("since", f"{shown(since)} UTC is in the future, name a date that has been.")
    if until is not None and until <= since:
        wrong("until", f"{shown(until)} UTC is not after --since, name a later date.")


def check_market(client: Client, options: dict[str, Any]) -> None:
    """What the exchange has."""
    exchange, ticker, timeframe = options["exchange"], options["ticker"], options["timeframe"]
    listed = [told["symbol"] for told in client.ccxt.markets.values() if told.get("spot")]
    if ticker not in listed:
        nearest = get_close_matches(ticker.upper(), listed, NEAREST_MAX, ALIKE_MIN)
        hint = f"the nearest are {', '.join(nearest)}" if nearest else "write it like BTC/USDT"
        wrong("ticker", f"{exchange} has no {ticker}; {hint}.")
    there = [name for name in TIMEFRAMES_S if name in client.ccxt.timeframes]
    if timeframe not in there:
        wrong("timeframe", f"{exchange} has no candles of {timeframe}, use one of {', '.join(there)}.")


def wanted_of(client: Client, options: dict[str, Any]) -> Wanted:
    """The closed candles of the span, without those that the exchange no longer has."""
    step = TIMEFRAMES_S[options["timeframe"]] * 1000
    closed = closed_until(client, options["timeframe"])
    newest = client.adapter.past.newest
    start = -(-options["since"] // step) * step
    end = closed if options["until"] is None else min(closed, -(-options["until"] // step) * step)
    if end <= start:
        wrong("since", f"no candle of {options['timeframe']} has closed in this span, name an earlier date.")
    if newest is None:
        return Wanted(start, end, step)
    first = closed - newest * step
    if end <= first:
        wrong(
            "until",
            f"{options['exchange']} gives its newest {newest} candles alone, which begin at {shown(first)} "
            "UTC: name a later date.",
        )
    return Wanted(max(start, first), end, step)


def report(download: Download) -> list[str]:
    """What came, what is missing and what was dropped, for a person to read."""
    wanted, exchange = download.wanted, download.client.adapter.exchange
    there, series = download.times(), f"{download.timeframe} for {download.ticker} on {exchange}"
    lines = [
        f"Downloaded {download.fetched:,} candles of {series}. "
        f"From {shown(wanted.start)} to {shown(wanted.end)} UTC the store has {len(there):,} of "
        f"{(wanted.end - wanted.start) // wanted.step:,}."
    ]
    newest = download.client.adapter.past.newest
    if newest is not None:
        lines.append(f"{exchange} gives its newest {newest} candles of a timeframe alone.")
    lines += _dropped(download.dropped)
    gaps = missing(there, wanted)
    if not gaps:
        return [*lines, "No gaps."]
    lost = sum(gap.missing for gap in gaps)
    minutes = lost * wanted.step // 60_000
    lines.append(f"{len(gaps):,} gaps, {lost:,} candles ({minutes:,} minutes) missing. The first:")
    return lines + [gap_line(gap) for gap in gaps[:GAPS_SHOWN_MAX]]


def _dropped(dropped: Counter[str]) -> list[str]:
    if not dropped:
        return []
    reasons = "; ".join(f"{count:,} × {reason.rstrip('.')}" for reason, count in dropped.most_common())
    return [f"Dropped {dropped.total():,} rows that are no candles: {reasons}."]


def wrong(name: str, sentence: str) -> NoReturn:
    raise CommandError(f"--{name}: {sentence}", returncode=WRONG_INPUT)
