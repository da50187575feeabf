"""Scalper: many small trades, each with a near target, a near stop and a time limit."""

from bots.strategies.scalper.memory import ScalperMemory
from bots.strategies.scalper.settings import ScalperSettings
from bots.strategies.scalper.strategy import Scalper

__all__ = ["Scalper", "ScalperMemory", "ScalperSettings"]
