"""DCA: a base order, safety orders under it, and one exit over the average."""

from bots.strategies.dca.memory import DcaMemory
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.dca.strategy import Dca

__all__ = ["Dca", "DcaMemory", "DcaSettings"]
