"""When a fall is armed, when it is given up, and when the next may begin."""

from decimal import Decimal

from bots.strategies.base import Seen
from bots.strategies.dip.memory import DipMemory, Episode
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.signals import Signal
from bots.strategies.exits import above, below
from orders.records import replace
from orders.rules import HUNDRED


def after_candle(settings: DipSettings, memory: DipMemory, signal: Signal, *, sent: bool) -> DipMemory:
    """The memory after a closed candle: an old episode moved or ended, and perhaps a new one armed.
    `sent`: the entry that is wanted is on its way or rests."""
    memory = replace(memory, episode=_moved(settings, memory, signal))
    if memory.deal is not None:
        return memory
    memory = _unsent(settings, memory, sent=sent)
    episode = memory.episode
    if episode is not None and (episode.armed or episode.spent):
        return memory
    if not signal.dips or signal.refusal or signal.high is None:
        return memory
    if episode is not None and episode.high_at != signal.high_at:
        return memory
    return replace(memory, episode=Episode(signal.high_at, signal.high, signal.low, signal.at))


def _moved(settings: DipSettings, memory: DipMemory, signal: Signal) -> Episode | None:
    episode = memory.episode
    if episode is None:
        return None
    fresh = signal.high is not None and signal.high_at > episode.high_at and signal.high >= episode.high
    if fresh or signal.top > episode.high:
        return None
    if episode.armed and signal.at >= episode.armed_at + settings.lookback * settings.candle_ms:
        episode = replace(episode, armed=False, spent=True)
    if not episode.armed and memory.deal is None and not settings.rearm_pct:
        return None
    # The candle's top is held against the low before it: within a candle nobody knows which came first.
    if not episode.armed and settings.rearm_pct and signal.top >= recovery(settings, episode):
        return None
    return replace(episode, low=min(episode.low, signal.low))


def _unsent(settings: DipSettings, memory: DipMemory, *, sent: bool) -> DipMemory:
    """An entry held back since the last candle is not sent on an old signal; a resting limit has its
    own lifetime, and ends with its episode."""
    ordered, episode = memory.ordered, memory.episode
    if episode is None:
        return replace(memory, ordered=None)
    if ordered is not None and episode.armed and (sent or ordered.price is not None):
        return memory
    if episode.armed and not settings.rebound_pct:
        episode = replace(episode, armed=False)
    return replace(memory, ordered=None, episode=episode)


def recovery(settings: DipSettings, episode: Episode) -> Decimal:
    """Where `rearm_pct` of the fall from the high to the low is made good."""
    return episode.low + (episode.high - episode.low) * settings.rearm_pct / HUNDRED


def lowered(memory: DipMemory, seen: Seen) -> DipMemory:
    """The low between candles, followed while the rebound is waited for."""
    episode = memory.episode
    if episode is None or not episode.armed or seen.last >= episode.low:
        return memory
    return replace(memory, episode=replace(episode, low=seen.last))


def trigger(settings: DipSettings, episode: Episode) -> Decimal:
    """The lowest price at which an armed episode is bought: the rebound, and no deeper than allowed."""
    deepest = below(episode.high, settings.max_dip_pct)
    if not settings.rebound_pct:
        return deepest
    return max(above(episode.low, settings.rebound_pct), deepest)


def over(memory: DipMemory) -> DipMemory:
    """The episode was bought: it arms no more."""
    if memory.episode is None or not memory.episode.armed:
        return memory
    return replace(memory, episode=replace(memory.episode, armed=False, spent=True))
