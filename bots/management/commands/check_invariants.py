"""Whether everything in the database still agrees with everything else."""

from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bots.engine.replay import Mismatch, replay_breaches
from bots.models import Bot
from orders.invariants import examine

BOTS_PER_READ = 100


class Command(BaseCommand):
    help = "Checks every invariant, and replays every journal; exits with 1 when something does not hold."

    def handle(self, *_: Any, **__: Any) -> None:
        examined = examine()
        found = [*examined.breaches, *_replayed()]
        for breach in found:
            self.stdout.write(str(breach))
        rows = ", ".join(f"{count:,} {noun}" for noun, count in sorted(examined.counted.items()))
        self.stdout.write(f"Checked {rows or 'nothing'}.")
        if found:
            verb = "invariant does" if len(found) == 1 else "invariants do"
            raise CommandError(f"{len(found)} {verb} not hold.", returncode=1)


def _replayed() -> Iterator[Mismatch]:
    for bot in Bot.objects.order_by("id").iterator(chunk_size=BOTS_PER_READ):
        yield from replay_breaches(bot)
