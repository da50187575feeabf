"""Logs go to standard error, one line a record, with this installation's secrets blotted out."""

import logging
import re
from typing import Any

BLOT = "[secret]"
SECRET_LENGTH_MIN = 6  # a shorter one would blot out ordinary words
# Whoever reads the address of a request to an exchange could send it once more.
SIGNED = re.compile(r"(?i)\b(signature|apikey|api_key|api-key)(=|%3D)[^&\s\"']+")


class Blotter(logging.Formatter):
    """Formats a record, then replaces each known secret and each signature, in its traceback too."""

    def __init__(self, *, secrets: list[str]) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", style="{")
        # Longest first: a secret that is part of another would leave the rest of it readable.
        found = {secret for secret in secrets if len(secret) >= SECRET_LENGTH_MIN}
        self.secrets = sorted(found, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        for secret in self.secrets:
            line = line.replace(secret, BLOT)
        return SIGNED.sub(rf"\1\2{BLOT}", line)


def logging_of(*, level: str, secrets: list[str]) -> dict[str, Any]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": Blotter, "secrets": secrets}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # Django's own configuration gives these handlers that know no blotter.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # One line for each connection and each ring says nothing an operator needs.
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # scanners; they get a 400
            "daphne": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.consumer": {"level": "WARNING"},
            "kombu": {"level": "ERROR"},
            "asyncio": {"level": "WARNING"},
        },
    }
