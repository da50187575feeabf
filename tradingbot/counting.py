"""The cache as all processes count in it: none loses an addition, and those of a request are made at once."""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol, cast

from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache

# How much is added, and for how many seconds from now the count is kept.
Amount = tuple[int, int]

# KEYS[1] holds at least ARGV[1], for ARGV[2] seconds from when it was raised.
RAISE = """
local held = tonumber(redis.call('GET', KEYS[1]) or '0')
if held < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
"""


class Counts(Protocol):
    def count(self, amounts: Mapping[str, Amount]) -> Mapping[str, int]:
        """Adds every amount to its count, and returns where each stands then; nothing comes between. An
        amount of 0 only reads, and what is not counted yet stands at 0."""

    def raise_to(self, key: str, value: int, timeout_s: int) -> None:
        """From now on the count is at least `value`."""


def shared_counts() -> Counts:
    """Those of the cache: of this process when embedded, of all when grown."""
    return cast(Counts, cache)


class CountingMemory(LocMemCache):
    """Memory of one process, which its threads share."""

    _lock: Lock
    _cache: OrderedDict[str, bytes]
    _set: Callable[[str, bytes, int], None]
    _has_expired: Callable[[str], bool]

    def count(self, amounts: Mapping[str, Amount]) -> Mapping[str, int]:
        names = {self.make_and_validate_key(key): key for key in amounts}
        with self._lock:
            stands = {name: self._held(name) + amounts[key][0] for name, key in names.items()}
            for name, key in names.items():
                amount, timeout_s = amounts[key]
                if amount:
                    self._set(name, pickle.dumps(stands[name], self.pickle_protocol), timeout_s)
        return {names[name]: value for name, value in stands.items()}

    def raise_to(self, key: str, value: int, timeout_s: int) -> None:
        name = self.make_and_validate_key(key)
        with self._lock:
            if self._held(name) < value:
                self._set(name, pickle.dumps(value, self.pickle_protocol), timeout_s)

    def _held(self, name: str) -> int:
        if self._has_expired(name):
            return 0
        self._cache.move_to_end(name, last=False)  # what is in use is culled last
        return int(pickle.loads(self._cache[name]))  # noqa: S301  # this process has written it itself


class CountingRedis(RedisCache):
    """A server that all processes share; each of these is one round trip."""

    def count(self, amounts: Mapping[str, Amount]) -> Mapping[str, int]:
        with self._cache.get_client(None, write=True).pipeline(transaction=True) as pipeline:
            for key, (amount, timeout_s) in amounts.items():
                name = self.make_and_validate_key(key)
                if amount:
                    pipeline.incrby(name, amount)
                    pipeline.expire(name, timeout_s)
                else:
                    pipeline.get(name)
            answers = iter(pipeline.execute())
        stands = {}
        for key, (amount, _) in amounts.items():
            stands[key] = int(next(answers) or 0)
            if amount:
                next(answers)  # what `expire` said
        return stands

    def raise_to(self, key: str, value: int, timeout_s: int) -> None:
        client = self._cache.get_client(None, write=True)
        client.eval(RAISE, 1, self.make_and_validate_key(key), value, timeout_s)
