"""The Celery application; `celery -A tradingbot worker` and `beat` find it here."""

import os

from celery import Celery

import tradingbot.chimes  # noqa: F401 - connects its signal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")

QUEUES = ("bots", "orders", "backtests", "notifications")

app = Celery("tradingbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Otherwise only the thread that imported this would know it; pages are served by others.
app.set_default()
