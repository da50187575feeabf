"""How many requests may still leave: counted by all processes together, in the exchange's own weight.

A request is counted first and looked at then: what does not fit is taken back. So no two of them are let out
on the same rest. Cancels and exits may use everything, others leave room for them, and none of the accounts
that share an address may use so much that another's cancel has none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from orders.gateways.exchange.limits import Limit, Limits
from tradingbot.counting import Amount, Counts

# Requests of no account: markets and prices, which all of them need.
PUBLIC = "public"


class Lane(StrEnum):
    """URGENT: cancels, exits, and what has become of an order. USUAL: entries, looks at what rests, prices.
    IDLE: downloads of candles."""

    URGENT = "urgent"
    USUAL = "usual"
    IDLE = "idle"


ROOM_PCT = {Lane.URGENT: 100, Lane.USUAL: 80, Lane.IDLE: 50}
# Rather than to refuse, a window that turns so soon is waited for.
PATIENCE_S = {Lane.URGENT: 2.0, Lane.USUAL: 1.0, Lane.IDLE: 2.0}
# Of what the accounts behind an address divide equally, the rest is for those that have not asked yet. Among
# very many each still has enough to end an order.
KNOWN_PCT = 90
LEAST_PCT = 2
# The exchange's own count holds requests of ours that are on their way: so much more is no sign of others.
NOISE_PCT = 2
# Near a turn of the window nobody knows to which of the two a request, or what the exchange told, belongs.
EDGE_MS = 1_500


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit as it stands in one window. `who`: whose part of it is looked at; "": nobody has a part."""

    limit: Limit
    name: str
    window: int
    amount: int
    who: str = ""

    @property
    def total(self) -> str:
        return f"{self.name}:{self.window}"

    @property
    def others(self) -> str:
        """Used by others than we: told by the exchange, beyond what we have counted."""
        return f"{self.total}:others"

    @property
    def mine(self) -> str:
        return f"{self.total}:of:{self.who}"

    @property
    def mine_urgent(self) -> str:
        return f"{self.mine}:urgent"

    @property
    def active(self) -> str:
        """How many accounts have asked in this window."""
        return f"{self.total}:active"

    @property
    def active_before(self) -> str:
        return f"{self.name}:{self.window - 1}:active"

    def amounts(self, lane: Lane) -> dict[str, Amount]:
        """What is added, and with 0 what is looked at."""
        kept_s = self.kept_s
        amounts = {self.total: (self.amount, kept_s), self.others: (0, kept_s)}
        if self.who:
            urgent = self.amount if lane is Lane.URGENT else 0
            amounts |= {self.mine: (self.amount, kept_s), self.mine_urgent: (urgent, kept_s)}
            amounts |= {self.active: (0, kept_s), self.active_before: (0, kept_s)}
        return amounts

    @property
    def kept_s(self) -> int:
        """The window before is looked at as well."""
        return 2 * self.limit.window_ms // 1000 + 2

    def full(self, lane: Lane, stands: Mapping[str, int]) -> bool:
        """Whether this request, which is counted already, is too much. What is alone in its window always
        fits: else it never would."""
        used = stands[self.total] + stands[self.others]
        if used > self._room(lane) and used > self.amount:
            return True
        return bool(self.who) and not self._within_part(lane, stands)

    def _within_part(self, lane: Lane, stands: Mapping[str, int]) -> bool:
        if stands[self.mine] <= max(self._part(self._room(lane), stands), self.amount):
            return True
        # Its own entries do not keep it from its cancels.
        kept = self._room(Lane.URGENT) - self._room(Lane.USUAL)
        return lane is Lane.URGENT and stands[self.mine_urgent] <= self._part(kept, stands)

    def _room(self, lane: Lane) -> int:
        return self.limit.most * ROOM_PCT[lane] // 100

    def _part(self, room: int, stands: Mapping[str, int]) -> int:
        """Of so much, what one account may use: even when each uses its part, who comes next has some."""
        accounts = max(stands[self.active], stands[self.active_before], 1)
        return max(room * KNOWN_PCT // 100 // accounts, self.limit.most * LEAST_PCT // 100)

    def turns_in_s(self, now_ms: int) -> float:
        return ((self.window + 1) * self.limit.window_ms - now_ms) / 1000


@dataclass(slots=True)
class Budget:
    """What one account may still ask. `place` is the exchange as one address sees it; its client asks one
    thing at a time. Times are ms UTC by the exchange's clock."""

    place: str
    who: str
    limits: Limits
    counts: Counts
    _taken: list[tuple[Meter, int, int]] = field(default_factory=list)

    def take(self, lane: Lane, weight: int, now_ms: int, *, order: bool = False) -> float:
        """Count a request that is about to leave: 0, or in how many seconds it may try again, and then
        nothing was counted. `order`: it places a new one."""
        meters = self._meters(weight, now_ms, order=order)
        amounts = _amounts(meters, lane)
        stands = self.counts.count(amounts)
        full = [meter for meter in meters if meter.full(lane, stands)]
        if full:
            self.counts.count({key: (-amount, kept_s) for key, (amount, kept_s) in amounts.items() if amount})
            return max(meter.turns_in_s(now_ms) for meter in full)
        newly = [meter for meter in meters if meter.who and stands[meter.mine] == meter.amount]
        if newly:
            self.counts.count({meter.active: (1, meter.kept_s) for meter in newly})
        self._taken = [(meter, stands[meter.total], now_ms) for meter in meters]
        return 0.0

    def wait_s(self, lane: Lane, weight: int, now_ms: int, *, order: bool = False) -> float:
        """The same, with nothing counted."""
        meters = self._meters(weight, now_ms, order=order)
        amounts = _amounts(meters, lane)
        held = self.counts.count({key: (0, kept_s) for key, (_, kept_s) in amounts.items()})
        stands = {key: held[key] + amount for key, (amount, _) in amounts.items()}
        return max((meter.turns_in_s(now_ms) for meter in meters if meter.full(lane, stands)), default=0.0)

    def heard(self, headers: Mapping[str, str], now_ms: int) -> None:
        """What the exchange counts itself: others behind our address, or with our key, ask as well."""
        for meter, counted, taken_ms in self._taken:
            told, length = headers.get(meter.limit.told) or "", meter.limit.window_ms
            edge_ms = min(EDGE_MS, length // 10)
            if not told.isdecimal() or (taken_ms - edge_ms) // length != (now_ms + edge_ms) // length:
                continue
            beyond = int(told) - counted
            if beyond > meter.limit.most * NOISE_PCT // 100:
                self.counts.raise_to(meter.others, beyond, meter.kept_s)

    def no_more_orders(self, now_ms: int) -> None:
        """The exchange has told that it takes no new order now: none is tried until the window turns."""
        for meter in self._order_meters(now_ms)[:1]:
            self.counts.raise_to(meter.total, meter.limit.most + 1, meter.kept_s)

    def _meters(self, weight: int, now_ms: int, *, order: bool) -> list[Meter]:
        """Those that a request moves."""
        who = "" if self.who == PUBLIC else self.who
        meters = _moved(self.limits.address, f"{self.place}:address", weight, now_ms, who)
        meters += _moved(self.limits.account, f"{self.place}:{self.who}", weight, now_ms)
        return meters + self._order_meters(now_ms) if order else meters

    def _order_meters(self, now_ms: int) -> list[Meter]:
        """The shortest window first."""
        return _moved(self.limits.orders, f"{self.place}:{self.who}:orders", 1, now_ms)


def _moved(limits: Sequence[Limit], name: str, weight: int, now_ms: int, who: str = "") -> list[Meter]:
    meters = []
    for limit in limits:
        amount = 1 if limit.by_request else weight
        if amount:
            named = f"budget:{name}:{limit.window_ms}"
            meters.append(Meter(limit, named, now_ms // limit.window_ms, amount, who))
    return meters


def _amounts(meters: Sequence[Meter], lane: Lane) -> dict[str, Amount]:
    return {key: amount for meter in meters for key, amount in meter.amounts(lane).items()}
