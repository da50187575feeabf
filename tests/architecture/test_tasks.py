"""Every ring finds a task, and every task a worker."""

from typing import Any

import pytest
from django.conf import settings

from tradingbot.celery import QUEUES, app

app.loader.import_default_modules()
OWN_TASKS = sorted(name for name in app.tasks if not name.startswith("celery."))


@pytest.mark.parametrize("entry", settings.CELERY_BEAT_SCHEDULE.values(), ids=lambda entry: entry["task"])
def test_a_ring_finds_its_task_and_dies_with_its_period(entry: dict[str, Any]) -> None:
    assert entry["task"] in OWN_TASKS
    assert entry["options"]["expires"] == entry["schedule"]
    assert entry["options"]["ignore_result"] is True


@pytest.mark.parametrize("name", OWN_TASKS)
def test_every_task_goes_to_a_queue_that_workers_serve(name: str) -> None:
    assert app.amqp.router.route({}, name)["queue"].name in QUEUES


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("bots.tasks.run_bots", "bots"),
        ("bots.tasks.run_backtests", "backtests"),
        ("bots.tasks.ring_backtests", "bots"),
        ("orders.tasks.send", "orders"),
        ("accounts.tasks.check_due_keys", "orders"),
        ("activity.tasks.deliver", "notifications"),
    ],
)
def test_a_task_goes_to_the_queue_of_its_app(name: str, queue: str) -> None:
    assert app.amqp.router.route({}, name)["queue"].name == queue
