"""The project's settings on throw-away servers and files.

pytest-django reads the settings before any conftest, so what they depend on is made here.
"""

import os
import sys
from pathlib import Path

from tests.servers import prepare_environment

prepare_environment(os.environ)

from tradingbot.settings import *  # noqa: E402, F403 - the variables above must be set first

# Hashing a password slowly on purpose would be most of the time of many tests.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# Nothing is collected for tests; the finders serve the files where they lie.
STATIC_ROOT = None
# A child that answers at once, for all that is not about its numbers.
PREVIEW_ARGV = [sys.executable, str(Path(__file__).parent / "previews" / "fake_child.py")]
# Exchanges that are asked nothing outside: each key says in its name what it may do.
EXCHANGES = "tests.venues.exchanges"
