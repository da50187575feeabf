"""A module here as a program inside an installation: `python -m tests.faults.program MODULE WORD …`.

The module's `PROGRAM` names what can be asked of it. Django is set up before its import: models need that.
"""

import os
import sys
from importlib import import_module

import django


def main() -> int | None:
    module, word, *rest = sys.argv[1:]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradingbot.settings")
    django.setup()
    status: int | None = import_module(f"tests.faults.{module}").PROGRAM[word](*rest)
    return status


if __name__ == "__main__":
    sys.exit(main())
