"""`manage.py rotate_keys`: every exchange key under the first of ENCRYPTION_KEYS.

Row by row, each by itself: interrupted, it goes on where it was, and run again it finds nothing to do.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.services import keys_to_rotate, rotate_key

UNREADABLE = 2
TOLD_EVERY = 100


class Command(BaseCommand):
    help = "Seals every stored exchange key with the first of ENCRYPTION_KEYS; safe to repeat."

    def handle(self, *_: Any, **__: Any) -> None:
        keys = settings.ENCRYPTION_KEYS
        left = list(keys_to_rotate(keys))
        self.stdout.write(f"{len(left)} exchange keys to seal with the first of ENCRYPTION_KEYS.")
        unreadable = []
        for number, account in enumerate(left, start=1):
            if not rotate_key(account=account, keys=keys):
                unreadable.append(account.pk)
            if number % TOLD_EVERY == 0:
                self.stdout.write(f"{number} of {len(left)}.")
        remain = keys_to_rotate(keys).count()
        self.stdout.write(f"Done: {len(left) - len(unreadable)}. {remain} remain.")
        if unreadable:
            raise CommandError(
                f"These accounts have keys that cannot be opened: {', '.join(map(str, unreadable))}. Put the "
                "encryption key they were sealed with back behind the first of ENCRYPTION_KEYS and run this "
                "again, or ask their owners to replace their exchange keys.",
                returncode=UNREADABLE,
            )
