"""What happens to an open deal: ordered by the user, moved by fills, watched by price and time."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.additions import Added, unfilled
from bots.strategies.base import Command, CommandKind, Seen, marked
from bots.strategies.exits import left_by_tries
from bots.strategies.momentum.entry import cost_factor, room
from bots.strategies.momentum.exits import held_until, next_stop, next_trail, stop_under, target_part
from bots.strategies.momentum.memory import EXITING, HOLDING, OPENING, Deal, MomentumMemory, Target
from bots.strategies.momentum.settings import MomentumSettings
from bots.strategies.momentum.signals import LEAVE
from orders.records import Frozen, replace
from orders.rules import BUY, ONE, SELL, ZERO, Market


class Look(Frozen):
    """One look at an open deal; what is worth telling goes to `reasons`. `fresh`: the candle seen
    has not been looked at before."""

    settings: MomentumSettings
    market: Market
    seen: Seen
    fresh: bool
    reasons: list[str]

    def sellable(self, memory: MomentumMemory, deal: Deal) -> Decimal:
        return self.market.amount(deal.held.amount + memory.dust.amount)

    def ordered(self, memory: MomentumMemory, deal: Deal) -> Deal:
        """The deal after the user's commands and the ends of its exit's tries."""
        for command in self.seen.commands:
            if command.kind is CommandKind.CLOSE_NOW:
                deal = self._leaving(deal, "closed by hand")
            elif command.kind is CommandKind.ADD_FUNDS:
                deal = self._funded(memory, deal, command)
        if self.seen.closing:
            deal = self._leaving(deal, "the bot sells all")
        if self.seen.closed and deal.phase is EXITING:
            for left in left_by_tries(deal.slot_of("exit"), self.seen.closed):
                deal = replace(deal, attempts=deal.attempts + 1)
                rest = words.base(left, self.market)
                self.reasons.append(f"Exit try {deal.attempts} of deal {deal.number} left {rest} unsold.")
        return deal

    def _funded(self, memory: MomentumMemory, deal: Deal, command: Command) -> Deal:
        """The deal with a buy of `command.quote` more, when the budget has room for it."""
        wanted = words.quote(command.quote, self.market)
        if deal.phase is not HOLDING:
            state = "being sold" if deal.phase is EXITING else "still being opened"
            self.reasons.append(f"{wanted} not added: deal {deal.number} is {state}.")
            return deal
        ask, stop = self.seen.ask, deal.stop or ZERO
        fraction = min(max(ONE - stop / ask, ZERO), ONE)
        amount = self.market.sized(command.quote / ask, ask, fraction)
        if amount is None:
            self.reasons.append(f"{wanted} not added: it is under the market's minimum.")
            return deal
        awaited = amount + unfilled(deal.added)
        left = room(self.settings, memory, self.seen.cash)
        if awaited * ask * cost_factor(self.settings, self.market, True) > left:
            free = words.quote(max(left, ZERO), self.market)
            self.reasons.append(f"{wanted} not added: with its fee it is over the {free} left to spend.")
            return deal
        self.reasons.append(f"Adding {wanted} to deal {deal.number}.")
        return replace(deal, added=(*deal.added, Added(len(deal.added) + 1, amount)))

    def moved(self, memory: MomentumMemory, deal: Deal) -> Deal:
        """The deal in the phase its fills have brought it to, with a target for what it holds."""
        entry = deal.entry
        if deal.phase is OPENING and deal.slot_of("entry") not in self.seen.live:
            deal = self._opened(memory, deal, entry)
            if deal.phase is EXITING:
                return deal
        if self._sold_out(memory, deal):
            return replace(deal, phase=EXITING)
        target = self._target(memory, deal, entry)
        return deal if target is deal.target else replace(deal, target=target)

    def _sold_out(self, memory: MomentumMemory, deal: Deal) -> bool:
        """Whether the target has sold all that can be sold."""
        if deal.target is None or not deal.target.sold or deal.slot_of("target") in self.seen.live:
            return False
        return not self.market.enough(self.sellable(memory, deal), deal.target.price)

    def _opened(self, memory: MomentumMemory, deal: Deal, entry: Decimal) -> Deal:
        if not self.market.enough(self.sellable(memory, deal), entry):
            return self._leaving(deal, "too little of its entry filled")
        bought, at = words.base(deal.bought, self.market), words.price(entry, self.market)
        stop = words.price(stop_under(self.settings, entry, memory.atr), self.market)
        self.reasons.append(f"Deal {deal.number} opened: {bought} at {at}, stop at {stop}.")
        return replace(deal, phase=HOLDING)

    def _target(self, memory: MomentumMemory, deal: Deal, entry: Decimal) -> Target | None:
        part = target_part(self.settings, deal, self.seen.now)
        if part is None:
            return None
        price, amount = self.market.price(SELL, entry * part), self.sellable(memory, deal)
        old = deal.target
        if old is None:
            return Target(price, amount)
        bought = any(fill.side is BUY for fill in self.seen.fills)
        if old.price == price and not bought and old.left <= amount:
            return old
        if old.price != price:
            told = words.price(price, self.market)
            self.reasons.append(f"Deal {deal.number}: the target is now {told}.")
        return Target(price, amount)

    def watched(self, memory: MomentumMemory, deal: Deal) -> Deal:
        """The deal after a look at its candle, its age, its stop and its trails."""
        if deal.phase is EXITING or not deal.held.amount:
            return deal
        deal = self._followed(memory, deal)
        candle, until = self.seen.candle, held_until(self.settings, deal)
        if self.fresh and self.settings.exit_on_cross and candle is not None and marked(candle.values[LEAVE]):
            deal = self._leaving(deal, "the candle closed with the entry's opposite")
        if until is not None and self.seen.now >= until:
            deal = self._leaving(deal, f"held for {self.settings.max_hold_candles} candles")
        return deal

    def _followed(self, memory: MomentumMemory, deal: Deal) -> Deal:
        last, entry, peak = self.seen.last, deal.entry, deal.peak
        if last > peak or entry > peak:
            peak = max(entry, last, peak)
        stop = next_stop(self.settings, deal, entry, peak, memory.atr)
        trail = next_trail(self.settings, deal, entry, peak)
        if peak is not deal.peak or stop is not deal.stop or trail is not deal.trail:
            deal = replace(deal, peak=peak, stop=stop, trail=trail)
        if trail is not None and last <= trail and trail >= stop:
            at = words.price(trail, self.market)
            return self._leaving(
                deal, f"profit trail at {at} under its peak {words.price(peak, self.market)}"
            )
        if last <= stop:
            at, price = words.price(stop, self.market), words.price(last, self.market)
            return replace(self._leaving(deal, f"stop at {at}, price {price}"), stopped=True)
        return deal

    def _leaving(self, deal: Deal, why: str) -> Deal:
        if deal.phase is EXITING:
            return deal
        self.reasons.append(f"Selling deal {deal.number}: {why}.")
        return replace(deal, phase=EXITING)

    def over(self, memory: MomentumMemory, deal: Deal) -> bool:
        """Flat but for dust, and nothing of it can fill any more."""
        if deal.phase is not EXITING or self.seen.live:
            return False
        return not self.market.enough(self.sellable(memory, deal), self.seen.bid)

    def farewell(self, memory: MomentumMemory, deal: Deal) -> str:
        dust = deal.held.amount + memory.dust.amount
        return words.farewell(deal.number, deal.held.realised, dust, self.market)
