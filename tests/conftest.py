"""What every test may use: the databases' throw-away servers and the choice of tests for each pass."""

import decimal
import os
import secrets
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from tests.servers import GROWN_SECRETS, child_environment, is_grown, redis_address, start_valkey

hypothesis_settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, print_blob=False
)
hypothesis_settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))

TOUCHES_DATABASE = frozenset({"db", "transactional_db", "live_server", "grown_environment"})
MARKS_OF_SECOND_PASS = ("django_db", "postgres_only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only tests that touch the database run; on SQLite all but those for PostgreSQL alone."""
    if is_grown(os.environ):
        chosen = [
            item for item in items if _touches_database(item) and not item.get_closest_marker("sqlite_only")
        ]
    elif os.environ.get("TEST_SECOND_PASS") == "follows":
        chosen = [item for item in items if not item.get_closest_marker("postgres_only")]
    else:
        why = os.environ.get("TEST_SECOND_PASS") or "runs with TEST_DATABASE=postgres"
        for item in items:
            if item.get_closest_marker("postgres_only"):
                item.add_marker(pytest.mark.skip(reason=f"needs PostgreSQL: {why}"))
        return
    left = set(items) - set(chosen)
    config.hook.pytest_deselected(items=[item for item in items if item in left])
    items[:] = chosen


def _touches_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return not TOUCHES_DATABASE.isdisjoint(fixtures) or any(
        item.get_closest_marker(name) for name in MARKS_OF_SECOND_PASS
    )


@pytest.fixture(autouse=True)
def _own_decimals() -> None:
    """ccxt, used bare, leaves a thread rounding in its own way; the next test begins as a thread does."""
    decimal.setcontext(decimal.DefaultContext.copy())


@pytest.fixture(scope="session")
def valkey_url() -> str:
    """A real Valkey, one for each worker; its database 0 belongs to the settings when they are grown."""
    if is_grown(os.environ):
        return redis_address(os.environ["REDIS_URL"], 15)
    return start_valkey()


@pytest.fixture
def grown_environment() -> Iterator[dict[str, str]]:
    """The variables of a grown installation on an empty PostgreSQL database and a Valkey of its own.

    For tests marked `postgres_only` that start the services as processes.
    """
    name = f"grown_{secrets.token_hex(6)}"
    with _server() as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = settings.DATABASES["default"]
    signature = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    yield child_environment(
        **GROWN_SECRETS,
        DATABASE_URL=f"postgres://{signature}/{name}",
        REDIS_URL=start_valkey(),
    )
    with _server() as server:
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _server() -> "psycopg.Connection[tuple[object, ...]]":
    database = settings.DATABASES["default"]
    return psycopg.connect(
        dbname="postgres",
        user=database["USER"],
        password=database["PASSWORD"],
        host=database["HOST"],
        port=database["PORT"],
        autocommit=True,
    )
