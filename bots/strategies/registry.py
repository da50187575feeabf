"""The bots there are. A sixth is one file and one line here."""

import difflib
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from bots.strategies.base import Strategy
from bots.strategies.dca import Dca, DcaSettings
from bots.strategies.dip import Dip, DipSettings
from bots.strategies.grid import Grid, GridSettings
from bots.strategies.guard import guarded
from bots.strategies.momentum import Momentum, MomentumSettings
from bots.strategies.scalper import Scalper, ScalperSettings
from bots.strategies.settings import Problem, Settings
from orders.records import Frozen, dumped, loaded
from orders.rules import Market


class BotType(Frozen):
    """One kind of bot: what people read of it, its settings, and the strategy they make.

    `deals` is false for a bot that never is flat between two trades.
    """

    name: str
    title: str
    summary: str
    settings: type[Settings]
    strategy: Any
    deals: bool = True

    def build(self, settings: Settings, market: Market) -> Strategy[Any]:
        """The strategy as every body runs it: inside its protective settings."""
        return guarded(self.strategy(settings, market), deals=self.deals)


BOT_TYPES: Mapping[str, BotType] = {
    kind.name: kind
    for kind in (
        BotType(
            "grid",
            "Grid",
            "Buys low and sells high between price lines, over and over.",
            GridSettings,
            Grid,
            deals=False,
        ),
        BotType(
            "dca",
            "DCA",
            "Buys in steps as the price falls and sells the whole at a profit over the average.",
            DcaSettings,
            Dca,
        ),
        BotType(
            "momentum",
            "Momentum",
            "Buys strength when a candle closes with a signal, and follows the price with its stop.",
            MomentumSettings,
            Momentum,
        ),
        BotType(
            "dip",
            "Dip",
            "Buys a fall from a recent high, more if it falls further, and sells in parts as it recovers.",
            DipSettings,
            Dip,
        ),
        BotType(
            "scalper",
            "Scalper",
            "Makes many small trades, each with a near target, a near stop and a time limit.",
            ScalperSettings,
            Scalper,
        ),
    )
}


class SettingsRefused(ValueError):
    """Settings that cannot be; `problems` names each field and its fix."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


def read_settings(bot_type: str, raw: Mapping[str, Any]) -> Settings:
    """Validate `raw` for `bot_type`; raises `SettingsRefused` with one sentence a field."""
    model = BOT_TYPES[bot_type].settings
    try:
        settings = model.model_validate(dict(raw))
    except ValidationError as error:
        raise SettingsRefused([_problem(model, found) for found in error.errors()]) from None
    problems = [problem for problem in settings.problems() if not problem.warning]
    if problems:
        raise SettingsRefused(problems)
    return settings


def _problem(model: type[Settings], found: Any) -> Problem:
    name = str(found["loc"][0]) if found["loc"] else ""
    if found["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, model.model_fields, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        return Problem("unknown_setting", name, f"There is no setting {name}.{hint}", near[0] if near else "")
    field = model.model_fields.get(name)
    title = field.title if field and field.title else name
    reason = str(found["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    if found["type"] == "missing":
        return Problem("required", name, f"{title} is required.")
    return Problem("invalid", name, f"{title} {reason[0].lower()}{reason[1:]}.", "")


def dump_memory(memory: Any) -> dict[str, Any]:
    """A memory as JSON carries it; `load_memory` gives the very same back."""
    stored: dict[str, Any] = dumped(memory)
    return stored


def load_memory(strategy: Strategy[Any], stored: Mapping[str, Any] | None) -> Any:
    if stored is None:
        return strategy.first_memory()
    return loaded(strategy.memory_type, stored)


def fingerprint(stored: Mapping[str, Any]) -> str:
    """A short hash of a dumped memory, the same wherever and whenever it is made."""
    text = json.dumps(stored, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
