"""The grid: buys rest below the price and sells above it, and each fill places its opposite.

`Grid` decides; `GridSettings` is what the user chooses; `GridMemory` what it knows in between.
"""

from bots.strategies.grid.memory import GridMemory
from bots.strategies.grid.settings import GridSettings
from bots.strategies.grid.strategy import Grid

__all__ = ["Grid", "GridMemory", "GridSettings"]
