"""Dip: buys a fall from a high, buys more if it falls further, and sells in parts over the average."""

from bots.strategies.dip.memory import DipMemory
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.strategy import Dip

__all__ = ["Dip", "DipMemory", "DipSettings"]
