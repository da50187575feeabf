"""Momentum: buys strength on a closed candle's signal, and follows it up with a stop.

`Momentum` decides; `MomentumSettings` is what the user chooses; `MomentumMemory` what it knows in between.
"""

from bots.strategies.momentum.memory import MomentumMemory
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.momentum.strategy import Momentum

__all__ = ["Momentum", "MomentumMemory", "MomentumSettings"]
