"""Replay: what a bot remembers follows from what it saw.

The journal keeps each decision's `seen` and a snapshot of the memory now and then; deciding again
from there must give the very memory that is stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bots.engine.look import strategy_of
from bots.models import Bot, Decision
from bots.strategies.base import Seen
from bots.strategies.registry import dump_memory, fingerprint, load_memory
from orders.records import loaded

DECISIONS_PER_READ = 500


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A decision whose memory is not what replaying the journal gives."""

    bot: Bot
    number: int
    what: str

    def __str__(self) -> str:
        return f"I19 bot {self.bot.pk} ({self.bot.name}) decision {self.number}: {self.what}"


def replayed(bot: Bot) -> Iterator[tuple[Decision, dict[str, Any]]]:
    """Every decision with the memory that deciding it again gives, as JSON carries it. What another version
    of the strategy has decided is taken as it was kept: replay goes on from its snapshots."""
    stored: dict[str, Any] | None = None
    known = False
    rows = Decision.objects.filter(bot=bot).order_by("number")
    for row in rows.iterator(chunk_size=DECISIONS_PER_READ):
        if not known and row.number > 1:
            # What came before is pruned: the first snapshot is where replay begins.
            stored, known = row.memory, row.memory is not None
            continue
        seen = loaded(Seen, row.seen)
        strategy = strategy_of(bot.pk, bot.bot_type, row.settings_version, seen.market)
        if row.strategy_version != strategy.version:
            stored, known = row.memory, row.memory is not None
            continue
        known = True
        plan = strategy.decide(load_memory(strategy, stored), seen)
        stored = dump_memory(plan.memory)
        yield row, stored


def replay_breaches(bot: Bot) -> Iterator[Mismatch]:
    """Where the journal and the stored memory disagree (I19); nothing for a sound bot."""
    memory: dict[str, Any] | None = None
    number = 0
    for row, memory in replayed(bot):
        number = row.number
        if fingerprint(memory) != row.memory_hash:
            yield Mismatch(bot, row.number, "replaying what it saw gives another memory")
            return
    if number != bot.decisions_made:
        return  # the last of them are of another version
    if bot.memory is not None and memory is not None and fingerprint(bot.memory) != fingerprint(memory):
        yield Mismatch(bot, number, "the stored memory is not the journal's last")
