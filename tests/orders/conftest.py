"""The engine's own world, for what is booked while a turn is under way."""

from tests.engine.conftest import world

__all__ = ["world"]
