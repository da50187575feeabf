"""`python -m tests.faults`: sets up Django for the seeded runs of `tests/faults/runs`, and begins them."""

import os
import sys
from importlib import import_module

import django

from tests.servers import prepare_environment

prepare_environment(os.environ)
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()
sys.exit(import_module("tests.faults.runs.console").main())
