"""Secrets that are looked for afterwards, and everything that might have kept them."""

import base64
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, quote_plus

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.signals import got_request_exception
from django.db import connection
from django.views.debug import ExceptionReporter

from accounts.models import ExchangeAccount
from tradingbot.logs import Blotter

LOGGERS = (
    *("ccxt", "ccxt.base.exchange", "urllib3", "requests", "asyncio", "aiohttp", "celery", "websockets"),
    *("django", "django.request", "django.db.backends", "django.security", "django.template"),
    *("accounts", "bots", "orders", "activity", "tradingbot"),
)


def forms_of(secret: str) -> set[str]:
    """How it may be written: as it is, for an address, as bytes in hexadecimal, and in base64 wherever it
    begins within a longer text."""
    raw = secret.encode()
    encoded = set[str]()
    for before in range(3):
        whole = base64.b64encode(b"." * before + raw).decode()
        # The first and the last letters mix with what stands beside them.
        encoded.add(whole[-(-before * 8 // 6) : -4])
    return {secret, quote(secret, safe=""), quote_plus(secret), raw.hex(), repr(secret)[1:-1], *encoded}


@dataclass
class Keeper(logging.Handler):
    """Keeps what a log would show of each record, its traceback too."""

    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(Blotter(secrets=[]))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    __hash__ = logging.Handler.__hash__


@dataclass
class Watch:
    """All that was written while it was kept. `reports`: as Django would tell its operators of a failure."""

    keeper: Keeper = field(default_factory=Keeper)
    texts: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)

    def said(self, *words: Any) -> None:
        self.texts += [str(word) for word in words]

    def failed(self, error: BaseException) -> None:
        self.texts += ["".join(traceback.format_exception(error)), repr(error)]

    def everything(self) -> str:
        return "\n".join([*self.keeper.lines, *self.texts, *self.reports, stored(), files()])

    def _report(self, sender: Any, request: Any = None, **_: Any) -> None:
        kind, error, trace = sys.exc_info()
        reporter = ExceptionReporter(request, kind, error, trace, is_email=True)
        self.reports += [reporter.get_traceback_text(), reporter.get_traceback_html()]


@contextmanager
def watched() -> Iterator[Watch]:
    """Everybody logs all they have, statements with their values too."""
    watch = Watch()
    loggers = [logging.getLogger(name) for name in ("", *LOGGERS)]
    levels = [logger.level for logger in loggers]
    logged_statements = connection.force_debug_cursor
    root = loggers[0]
    root.addHandler(watch.keeper)
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    connection.force_debug_cursor = True
    got_request_exception.connect(watch._report)
    try:
        yield watch
    finally:
        got_request_exception.disconnect(watch._report)
        connection.force_debug_cursor = logged_statements
        root.removeHandler(watch.keeper)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def files() -> str:
    """Every file of the installation, the database among them: what was deleted may still stand there."""
    kept = sorted(path for path in settings.VAR_DIR.rglob("*") if path.is_file())
    return "\n".join(path.read_bytes().decode("latin-1") for path in kept)


def stored() -> str:
    """Every column of every table but sealed keys, and sessions as they read when opened."""
    rows = [list(model._default_manager.values()) for model in apps.get_models()]
    text = repr(rows) + repr([session.get_decoded() for session in Session.objects.all()])
    for sealed in ExchangeAccount.objects.values_list("sealed_key", flat=True):
        text = text.replace(repr(sealed), "") if sealed else text
    return text
