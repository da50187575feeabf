"""Typed readers of the environment: a wrong variable stops the process with one sentence.

Each reader takes the environment as an argument, names the variable it could not read and
says what to write instead. An empty value counts as unset, as in most deployment tools.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Environment = Mapping[str, str]

ROOT_DIR = Path(__file__).resolve().parent.parent
TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
# A leading dot stands for every name below it; brackets for an IPv6 address.
HOST = re.compile(r"\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]|[0-9a-f:]*:[0-9a-f:.]+", re.IGNORECASE)
# First words of the site's other addresses, which would hide the operators' pages.
TAKEN_PATHS = frozenset(
    {"accounts", "activity", "backtests", "bots", "exchanges", "healthz", "orders", "static"}
)
FALSE_WORDS = frozenset({"0", "false", "no", "off"})


class WrongSetting(SystemExit):
    """Stops the process; Python prints the sentence without a traceback and exits with 1."""


def text(environ: Environment, name: str, default: str) -> str:
    return environ.get(name, "").strip() or default


def var_dir(environ: Environment) -> Path:
    """Where this installation keeps its files."""
    return Path(text(environ, "VAR_DIR", str(ROOT_DIR / "var"))).absolute()


def needed(environ: Environment, name: str, why: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise WrongSetting(f"{name} is not set: {why}")
    return value


def flag(environ: Environment, name: str, default: bool) -> bool:
    word = environ.get(name, "").strip().lower()
    if not word:
        return default
    if word not in TRUE_WORDS | FALSE_WORDS:
        raise WrongSetting(f"{name} is {word!r}: write 1 for yes or 0 for no.")
    return word in TRUE_WORDS


def whole(environ: Environment, name: str, default: int, *, least: int, most: int) -> int:
    value = environ.get(name, "").strip()
    if not value:
        return default
    # isdecimal() also accepts digits of other scripts, which int() reads, so ask for ASCII too.
    if not (value.isascii() and value.isdecimal() and least <= int(value) <= most):
        raise WrongSetting(f"{name} is {value!r}: write a whole number from {least} to {most}.")
    return int(value)


def choice(environ: Environment, name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = environ.get(name, "").strip() or default
    if value not in allowed:
        raise WrongSetting(f"{name} is {value!r}: write one of {', '.join(allowed)}.")
    return value


def words(environ: Environment, name: str, default: list[str]) -> list[str]:
    """Reads a comma-separated list; blanks around the commas do not count."""
    found = [word.strip() for word in environ.get(name, "").split(",")]
    return [word for word in found if word] or default


def kept(environ: Environment, names: tuple[str, ...]) -> dict[str, str]:
    """Those of the variables that are set."""
    return {name: environ[name] for name in names if name in environ}


def hosts(environ: Environment, name: str, default: list[str]) -> list[str]:
    """Reads names of hosts. `*` is refused: with it pages of other sites may open our websocket."""
    found = words(environ, name, default)
    for host in found:
        if not HOST.fullmatch(host):
            raise WrongSetting(f"{name} has {host!r}: write names such as bots.example.org, apart by commas.")
    return found


def time_zone(environ: Environment, name: str, default: str) -> str:
    value = text(environ, name, default)
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise WrongSetting(f"{name} is {value!r}: write a time zone such as Europe/Berlin or UTC.") from None
    return value


def url(value: str, name: str, schemes: tuple[str, ...]) -> SplitResult:
    """Splits an address. The value itself is not repeated in the sentence: it may hold a password."""
    example = f"write an address such as {schemes[0]}://host/"
    try:
        parts = urlsplit(value)
        port_is_wrong = parts.port == 0
    except ValueError:
        raise WrongSetting(f"{name} is not an address: {example}") from None
    if parts.scheme not in schemes or not parts.hostname or port_is_wrong:
        raise WrongSetting(f"{name} is not an address of the kind {' or '.join(schemes)}: {example}")
    return parts


def database(value: str, name: str = "DATABASE_URL") -> dict[str, str | int]:
    """Turns `postgres://user:password@host:port/name` into Django's connection settings."""
    parts = url(value, name, ("postgres", "postgresql"))
    database_name = unquote(parts.path.lstrip("/"))
    if not database_name:
        raise WrongSetting(f"{name} names no database: write postgres://user:password@host:5432/database")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database_name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or 5432,
    }


def path(environ: Environment, name: str, default: str) -> str:
    """Reads the first part of an address on this site, such as `operate/`."""
    value = text(environ, name, default).strip("/")
    if not (value.isascii() and value.replace("-", "").replace("_", "").isalnum()):
        raise WrongSetting(f"{name} is {value!r}: write letters, digits and hyphens, such as operate/")
    if value in TAKEN_PATHS:
        raise WrongSetting(f"{name} is {value!r}: the site has other pages there; choose another word.")
    return f"{value}/"


def overrides(environ: Environment, name: str) -> dict[str, dict[str, Any]]:
    """Reads options of exchanges' clients as JSON, `{"binance": {…}}`. Its value may hold a password of a
    proxy, so the sentence does not repeat it."""
    value = text(environ, name, "{}")
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(options, dict) for options in found.values()):
        raise WrongSetting(f'{name} is no JSON of options by exchange: write {{"binance": {{…}}}}.')
    return found
