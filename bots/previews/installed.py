"""The children of this process, one pool for all its requests."""

import atexit
from functools import cache

from django.conf import settings

from bots.jobs.child import Program
from bots.previews.pool import Pool


def installed_pool() -> Pool:
    return _pool(tuple(settings.PREVIEW_ARGV))


@cache
def _pool(argv: tuple[str, ...]) -> Pool:
    program = Program(argv, settings.ROOT_DIR, settings.CHILD_ENVIRONMENT)
    pool = Pool(program, children=settings.PREVIEW_CHILDREN)
    atexit.register(pool.close)
    return pool
