"""A cache whose server can be away."""

from threading import Event
from typing import Any

from redis.exceptions import ConnectionError as NoRedis

from tradingbot.counting import CountingMemory

is_away = Event()


class AwayCache(CountingMemory):
    """Memory, and what Redis's client raises while `is_away`."""

    def make_and_validate_key(self, key: str, version: int | None = None) -> str:
        if is_away.is_set():
            raise NoRedis("Error 111 connecting to 127.0.0.1:6379. Connection refused.")
        made: str = super().make_and_validate_key(key, version)
        return made


def backend() -> dict[str, Any]:
    return {"default": {"BACKEND": f"{__name__}.AwayCache", "LOCATION": "rows"}}
