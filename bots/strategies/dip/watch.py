"""What happens to an open deal: ordered by the user, moved by fills, watched by price and time."""

from bots.strategies import words
from bots.strategies.additions import Added
from bots.strategies.base import Command, CommandKind, Seen
from bots.strategies.dip.buying import most_cost, room, stop_fraction
from bots.strategies.dip.memory import Deal, DipMemory, Phase
from bots.strategies.dip.settings import DipSettings
from bots.strategies.dip.targets import arming_price, exit_legs, roi_step, stop_price, terms
from bots.strategies.exits import left_by_tries
from bots.strategies.legs import unsold
from orders.records import Frozen, replace
from orders.rules import ZERO, Market, Side


class Look(Frozen):
    """One look at an open deal; what is worth telling goes to `reasons`."""

    settings: DipSettings
    market: Market
    seen: Seen
    reasons: list[str]

    def ordered(self, memory: DipMemory, deal: Deal) -> Deal:
        """The deal after the user's commands and the ends of its exit's tries."""
        for command in self.seen.commands:
            if command.kind == CommandKind.CLOSE_NOW:
                deal = self._leaving(deal, "closed by hand")
            elif command.kind == CommandKind.ADD_FUNDS:
                deal = self._funded(replace(memory, deal=deal), deal, command)
        if self.seen.closing:
            deal = self._leaving(deal, "the bot sells all")
        for left in left_by_tries(f"{deal.slot}/exit", self.seen.closed):
            deal = replace(deal, attempts=deal.attempts + 1)
            rest = words.base(left, self.market)
            self.reasons.append(f"Exit try {deal.attempts} of deal {deal.number} left {rest} unsold.")
        return deal

    def _funded(self, memory: DipMemory, deal: Deal, command: Command) -> Deal:
        """The deal with a buy of `command.quote` more, when the budget has room for it."""
        wanted = words.quote(command.quote, self.market)
        if deal.phase is not Phase.HOLDING or deal.stepped:
            self.reasons.append(f"{wanted} not added: deal {deal.number} is being sold.")
            return deal
        ask = self.seen.ask
        amount = self.market.sized(command.quote / ask, ask, stop_fraction(self.settings))
        if amount is None:
            self.reasons.append(f"{wanted} not added: it is under the market's minimum.")
            return deal
        left = room(self.settings, memory, self.seen)
        if most_cost(self.settings, self.market, amount, ask, limit=False) > left:
            free = words.quote(max(left, ZERO), self.market)
            self.reasons.append(f"{wanted} not added: with its fee it is over the {free} left to spend.")
            return deal
        self.reasons.append(f"Adding {wanted} to deal {deal.number}.")
        return replace(deal, added=(*deal.added, Added(len(deal.added) + 1, amount)))

    def moved(self, memory: DipMemory, deal: Deal) -> Deal:
        """The deal in the phase its fills have brought it to, with targets for what it holds."""
        if deal.phase is Phase.EXITING:
            return deal
        if any(fill.side is Side.BUY and fill.amount for fill in self.seen.fills):
            bought, at = words.base(deal.amount, self.market), words.price(deal.average, self.market)
            self.reasons.append(f"Deal {deal.number} has bought {bought} at {at} on average.")
        if deal.phase is Phase.HOLDING and self._sold_out(deal):
            deal = replace(deal, phase=Phase.WINDING)
        if deal.phase is Phase.HOLDING and self._too_little(memory, deal):
            return self._leaving(deal, "too little of its buy filled")
        roi = roi_step(self.settings, deal, self.seen.now)
        wanted = terms(self.settings, roi)
        if deal.held.amount and self._exit_is_old(memory, deal, wanted):
            legs = exit_legs(self.settings, self.market, deal, memory.dust.amount, roi)
            deal = replace(deal, legs=legs, terms=wanted)
        return deal

    def _too_little(self, memory: DipMemory, deal: Deal) -> bool:
        """Nothing rests, nothing more is bought, and what is held cannot be sold."""
        if memory.ordered is not None or deal.stepped or self.seen.live:
            return False
        if any(self.market.enough(one.rest, self.seen.ask) for one in deal.added):
            return False
        amount = self.market.amount(deal.held.amount + memory.dust.amount)
        return not self.market.enough(amount, deal.average)

    def _exit_is_old(self, memory: DipMemory, deal: Deal, wanted: str) -> bool:
        if not deal.legs or deal.terms != wanted:
            return True
        if any(fill.side is Side.BUY for fill in self.seen.fills):
            return True
        return unsold(deal.legs) > self.market.amount(deal.held.amount + memory.dust.amount)

    def _sold_out(self, deal: Deal) -> bool:
        """Whether the targets have sold all that can be sold."""
        if not any(leg.sold for leg in deal.legs):
            return False
        return not self.market.enough(unsold(deal.legs), deal.legs[-1].price)

    def watched(self, deal: Deal) -> Deal:
        """The deal after a look at its trail, its stop and its age."""
        if deal.phase is Phase.EXITING or not deal.held.amount:
            return deal
        deal = self._trailed(deal)
        stop, last = stop_price(self.settings, deal), self.seen.last
        if stop is not None and last <= stop:
            name = "stop loss" if deal.peak is None or stop < deal.average else "trailing stop"
            at, price = words.price(stop, self.market), words.price(last, self.market)
            return self._leaving(deal, f"{name} at {at}, price {price}")
        held = self.settings.max_hold_candles
        if held and self.seen.now >= deal.opened_at + held * self.settings.candle_ms:
            return self._leaving(deal, f"held for {held} candles")
        return deal

    def _trailed(self, deal: Deal) -> Deal:
        last = self.seen.last
        if not self.settings.trails:
            return deal if deal.peak is None else replace(deal, peak=None)
        if deal.peak is not None:
            return replace(deal, peak=last) if last > deal.peak else deal
        if last < arming_price(self.settings, deal):
            return deal
        away = words.plain(self.settings.trail_pct)
        self.reasons.append(
            f"Deal {deal.number}: trailing by {away} % from {words.price(last, self.market)}."
        )
        return replace(deal, peak=last)

    def _leaving(self, deal: Deal, why: str) -> Deal:
        if deal.phase is Phase.EXITING:
            return deal
        self.reasons.append(f"Selling deal {deal.number}: {why}.")
        return replace(deal, phase=Phase.EXITING)

    def over(self, memory: DipMemory, deal: Deal) -> bool:
        """Flat but for dust, and nothing of it can fill any more."""
        if deal.phase is Phase.HOLDING or self.seen.live:
            return False
        price = self.seen.bid
        if deal.phase is Phase.WINDING and deal.legs:
            price = deal.legs[-1].price
        return not self.market.enough(self.market.amount(deal.held.amount + memory.dust.amount), price)

    def farewell(self, memory: DipMemory, deal: Deal) -> str:
        dust = deal.held.amount + memory.dust.amount
        return words.farewell(deal.number, deal.held.realised, dust, self.market)
