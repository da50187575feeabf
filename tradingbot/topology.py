"""The two topologies: embedded (one process, files) and grown (PostgreSQL, Redis, many processes).

`DATABASE_URL` and `REDIS_URL` choose; everything that differs between the two is built here.
"""

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradingbot import env
from tradingbot.installation import secrets_of

SQLITE_TIMEOUT_S = 20
# Less than the lease of a bot; no transaction of ours waits for anybody outside.
IDLE_TRANSACTION_MAX_S = 15
REDIS_CONNECT_TIMEOUT_S = 3
REDIS_CONNECTIONS_MAX = 50
ENCRYPTION_KEY_BYTES = 32
SECRET_KEY_LENGTH_MIN = 50
MEMORY_POLLING_INTERVAL_S = 0.01
MEMORY_ENTRIES_MAX = 20_000

WHY_KEY = "with DATABASE_URL each process needs the same one; write 50 or more random characters."
WHY_ENCRYPTION_KEYS = (
    "with DATABASE_URL each process needs the same ones; "
    "write 32 random bytes as URL-safe base64, the newest key first."
)
WHY_PUBLIC_URL = "with DATABASE_URL write the address people use, such as https://bots.example.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    grown: bool
    secret_key: str
    encryption_keys: list[str]
    public_url: str
    database: dict[str, Any]
    cache: dict[str, Any]
    channel_layer: dict[str, Any]
    broker_url: str
    broker_transport_options: dict[str, Any]


def topology_of(environ: env.Environment, var_dir: Path) -> Topology:
    database_url = env.text(environ, "DATABASE_URL", "")
    redis_url = env.text(environ, "REDIS_URL", "")
    if bool(database_url) != bool(redis_url):
        missing, given = ("REDIS_URL", "DATABASE_URL") if database_url else ("DATABASE_URL", "REDIS_URL")
        raise env.WrongSetting(f"{missing} is not set but {given} is: set both, or neither to run embedded.")
    if database_url:
        return _grown(environ, database_url, redis_url)
    return _embedded(environ, var_dir)


def _embedded(environ: env.Environment, var_dir: Path) -> Topology:
    kept = secrets_of(var_dir)
    return Topology(
        grown=False,
        secret_key=_secret_key(env.text(environ, "SECRET_KEY", kept["secret_key"])),
        encryption_keys=_keys(env.words(environ, "ENCRYPTION_KEYS", kept["encryption_keys"])),
        public_url=_origin(env.text(environ, "PUBLIC_URL", "http://127.0.0.1:8000")),
        database={
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(var_dir / "tradingbot.sqlite3"),
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": SQLITE_TIMEOUT_S,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON",
            },
            # Threads on a shared in-memory database fail with "table is locked", so tests use a file as well.
            "TEST": {"NAME": str(var_dir / "tests.sqlite3")},
        },
        cache={
            "BACKEND": "tradingbot.counting.CountingMemory",
            # Django's 300 would forget a ban for the prices of so many markets.
            "OPTIONS": {"MAX_ENTRIES": MEMORY_ENTRIES_MAX},
        },
        channel_layer={"BACKEND": "tradingbot.channel_layer.ThreadSafeChannelLayer"},
        broker_url="memory://",
        # The default of one second would cost that second at every dispatch.
        broker_transport_options={"polling_interval": MEMORY_POLLING_INTERVAL_S},
    )


def _grown(environ: env.Environment, database_url: str, redis_url: str) -> Topology:
    env.url(redis_url, "REDIS_URL", ("redis", "rediss"))
    pool_max = env.whole(environ, "DATABASE_POOL_MAX", 10, least=1, most=200)
    database: dict[str, Any] = {
        **env.database(database_url),
        "CONN_MAX_AGE": 0,  # the pool keeps connections, so Django must not
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "pool": {"min_size": 1, "max_size": pool_max, "timeout": 10},
            # A process that is stopped in the midst of a transaction would hold its rows for as long.
            "options": f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_MAX_S}s",
        },
    }
    return Topology(
        grown=True,
        secret_key=_secret_key(env.needed(environ, "SECRET_KEY", WHY_KEY)),
        encryption_keys=_keys(_needed_words(environ, "ENCRYPTION_KEYS", WHY_ENCRYPTION_KEYS)),
        public_url=_origin(env.needed(environ, "PUBLIC_URL", WHY_PUBLIC_URL)),
        database=database,
        cache={
            "BACKEND": "tradingbot.counting.CountingRedis",
            "LOCATION": redis_url,
            "KEY_PREFIX": "tradingbot",
        },
        channel_layer={
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "hosts": [{"address": redis_url, "max_connections": REDIS_CONNECTIONS_MAX}],
                "prefix": "tradingbot:channels",
            },
        },
        broker_url=redis_url,
        broker_transport_options={
            "global_keyprefix": "tradingbot:celery:",
            "socket_connect_timeout": REDIS_CONNECT_TIMEOUT_S,
        },
    )


def _secret_key(key: str) -> str:
    if len(key) < SECRET_KEY_LENGTH_MIN:
        raise env.WrongSetting(
            f"SECRET_KEY has {len(key)} characters: write {SECRET_KEY_LENGTH_MIN} or more random ones."
        )
    return key


def _needed_words(environ: env.Environment, name: str, why: str) -> list[str]:
    env.needed(environ, name, why)
    return env.words(environ, name, [])


def _keys(keys: list[str]) -> list[str]:
    for position, key in enumerate(keys, start=1):
        try:
            length = len(base64.urlsafe_b64decode(key))
        except (binascii.Error, ValueError):
            length = 0
        if length != ENCRYPTION_KEY_BYTES:
            raise env.WrongSetting(
                f"ENCRYPTION_KEYS: key {position} is not 32 bytes of URL-safe base64 (44 characters)."
            )
    return keys


def _origin(address: str) -> str:
    parts = env.url(address, "PUBLIC_URL", ("https", "http"))
    is_host = env.HOST.fullmatch(parts.hostname or "")
    if not is_host or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise env.WrongSetting(
            "PUBLIC_URL is not just scheme and host: write it like https://bots.example.org"
        )
    return f"{parts.scheme}://{parts.netloc}"
