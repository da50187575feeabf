"""The backtest at a terminal, without Django: `python -m bots.backtest`, and `manage.py backtest`."""

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from bots.backtest.arguments import add_arguments, request_of
from bots.backtest.outcome import Outcome, Progress, outcome_of
from bots.backtest.request import BacktestRefused
from bots.backtest.sheets import write_sheets
from bots.backtest.told import refused_of, remarks_of, told_of
from bots.backtest.words import About, report_of
from bots.strategies.registry import BOT_TYPES

DONE, FAILED, WRONG_INPUT = 0, 1, 2
BAR_AFTER_S = 1.0
BAR = "{l_bar}{bar}| {remaining}"


def main(words: Sequence[str], *, root: Path, out: TextIO, error: TextIO) -> int:
    """Read, run and print; the exit status. `root` is the candle store's."""
    parser = ArgumentParser(prog="backtest", description="What a bot would have done on past candles.")
    add_arguments(parser)
    return run(parser.parse_args(words), root=root, out=out, error=error)


def run(options: Namespace, *, root: Path, out: TextIO, error: TextIO) -> int:
    try:
        outcome = _with_bar(options, root, error)
        if options.output is not None:
            write_sheets(outcome.record, options.output)
    except BacktestRefused as wrong:
        if options.json:
            print(json.dumps(refused_of(wrong.problems), indent=1), file=out)
        else:
            print("\n".join(f"{one.field}: {one.message}" for one in wrong.problems), file=error)
        return WRONG_INPUT
    except OSError as fault:
        print(f"--output: {options.output} cannot be written: {fault.strerror or fault}.", file=error)
        return FAILED
    print(json.dumps(told_of(outcome)) if options.json else in_words(outcome), file=out)
    return DONE


def in_words(outcome: Outcome) -> str:
    inputs = outcome.inputs
    about = About(
        title=BOT_TYPES[outcome.request.bot_type].title,
        timeframe=inputs.timeframe,
        position=outcome.position,
        settings=_settings_words(outcome),
        seconds=outcome.phases,
        remarks=remarks_of(outcome),
        figures=outcome.figures,
    )
    return report_of(outcome.record, outcome.statistics, outcome.yardsticks, about)


def _settings_words(outcome: Outcome) -> str:
    """What was chosen otherwise than the defaults."""
    chosen = outcome.inputs.settings.model_dump(mode="json", exclude_defaults=True)
    return ", ".join(f"{name} {value}" for name, value in chosen.items())


def _with_bar(options: Namespace, root: Path, error: TextIO) -> Outcome:
    """The outcome, with a bar for who watches a long run."""
    request = request_of(options, root)
    if options.json or not error.isatty():
        return outcome_of(request)
    with tqdm(total=1.0, delay=BAR_AFTER_S, file=error, leave=False, bar_format=BAR) as bar:
        return outcome_of(request, _moves(bar))


def _moves(bar: "tqdm[None]") -> Progress:
    def to(part: float) -> None:
        bar.update(part - bar.n)

    return to
