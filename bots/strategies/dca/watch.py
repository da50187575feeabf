"""What happens to an open deal: ordered by the user, moved by fills, watched by price and time."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.additions import Added, unfilled
from bots.strategies.base import Command, CommandKind, Seen
from bots.strategies.dca.choices import StopAction
from bots.strategies.dca.entry import buying_cost, room, stop_fraction, volume
from bots.strategies.dca.legs import exit_legs, stop_price
from bots.strategies.dca.memory import DcaMemory, Deal, Phase
from bots.strategies.dca.settings import DcaSettings
from bots.strategies.exits import below, left_by_tries
from bots.strategies.legs import unsold
from orders.records import Frozen, replace
from orders.rules import ZERO, Market, Side


class Look(Frozen):
    """One look at an open deal; what is worth telling goes to `reasons`."""

    settings: DcaSettings
    market: Market
    seen: Seen
    reasons: list[str]

    def ordered(self, memory: DcaMemory, deal: Deal) -> tuple[DcaMemory, Deal]:
        """The deal after the user's commands and the ends of its exit's tries."""
        for command in self.seen.commands:
            if command.kind == CommandKind.CLOSE_NOW:
                deal = self._leaving(deal, "closed by hand")
            elif command.kind == CommandKind.ADD_FUNDS:
                deal = self._funded(memory, deal, command)
        if self.seen.closing:
            deal = self._leaving(deal, "the bot sells all")
        for left in left_by_tries(f"{deal.slot}/exit", self.seen.closed):
            deal = replace(deal, attempts=deal.attempts + 1)
            rest = words.base(left, self.market)
            self.reasons.append(f"Exit try {deal.attempts} of deal {deal.number} left {rest} unsold.")
        return memory, deal

    def _funded(self, memory: DcaMemory, deal: Deal, command: Command) -> Deal:
        """The deal with a buy of `command.quote` more, when the budget has room for it."""
        wanted = words.quote(command.quote, self.market)
        if deal.phase not in (Phase.OPENING, Phase.HOLDING) or deal.stepped:
            self.reasons.append(f"{wanted} not added: deal {deal.number} is being sold.")
            return deal
        ask = self.seen.ask
        amount = self.market.sized(command.quote / ask, ask, stop_fraction(self.settings))
        if amount is None:
            self.reasons.append(f"{wanted} not added: it is under the market's minimum.")
            return deal
        left = room(self.settings, memory, self.seen.cash) - self._awaited(deal)
        if buying_cost(self.market, self.settings, amount, ask) > left:
            free = words.quote(max(left, ZERO), self.market)
            self.reasons.append(f"{wanted} not added: with its fee it is over the {free} left to spend.")
            return deal
        self.reasons.append(f"Adding {wanted} to deal {deal.number}.")
        return replace(deal, added=(*deal.added, Added(len(deal.added) + 1, amount)))

    def _awaited(self, deal: Deal) -> Decimal:
        """What additions not yet filled may still cost."""
        return buying_cost(self.market, self.settings, unfilled(deal.added), self.seen.ask)

    def moved(self, memory: DcaMemory, deal: Deal, terms: str) -> Deal:
        """The deal in the phase its fills have brought it to, with an exit for what it holds."""
        if deal.phase is Phase.OPENING:
            deal = self._opened(memory, deal)
        if deal.phase in (Phase.HOLDING, Phase.WINDING):
            if deal.phase is Phase.HOLDING and self._sold_out(deal):
                deal = replace(deal, phase=Phase.WINDING)
            if self._exit_is_old(memory, deal, terms):
                deal = self._with_exit(memory, deal, terms)
        return deal

    def _opened(self, memory: DcaMemory, deal: Deal) -> Deal:
        if f"{deal.slot}/base" in self.seen.live:
            return deal
        price = deal.reference
        amount = self.market.amount(deal.held.amount + memory.dust.amount)
        if self.market.enough(amount, price):
            bought = words.base(deal.base_amount, self.market)
            at = words.price(price, self.market)
            raised = deal.base_value > volume(self.settings, memory) * Decimal("1.02")
            why = ", raised to the market's minimum" if raised else ""
            self.reasons.append(f"Deal {deal.number} opened: {bought} at {at}{why}.")
            return replace(deal, phase=Phase.HOLDING)
        rest = volume(self.settings, memory) - deal.base_value
        ask = self.seen.ask
        if rest > 0 and self.market.sized(rest / ask, ask, stop_fraction(self.settings)):
            return deal
        return self._leaving(deal, "too little of its base order filled")

    def _exit_is_old(self, memory: DcaMemory, deal: Deal, terms: str) -> bool:
        if not deal.legs or deal.terms != terms:
            return deal.held.amount > 0
        if not self.seen.fills or not deal.held.amount:
            return False
        if any(fill.side is Side.BUY for fill in self.seen.fills):
            return True
        return unsold(deal.legs) > self.market.amount(deal.held.amount + memory.dust.amount)

    def _with_exit(self, memory: DcaMemory, deal: Deal, terms: str) -> Deal:
        legs = exit_legs(self.settings, self.market, deal, memory.dust.amount)
        if deal.legs and legs:
            average = words.price(deal.held.average, self.market)
            target = words.price(legs[-1].price, self.market)
            self.reasons.append(f"Deal {deal.number}: average {average}, target {target}.")
        bought = any(fill.side is Side.BUY and fill.amount for fill in self.seen.fills)
        # A fee told late moves no average, so the trail goes on.
        peak = None if bought or deal.terms != terms else deal.peak
        return replace(deal, legs=legs, terms=terms, peak=peak)

    def _sold_out(self, deal: Deal) -> bool:
        """Whether the target has sold all that can be sold."""
        if not any(leg.sold for leg in deal.legs):
            return False
        prefix = f"{deal.slot}/target"
        return not self.market.enough(unsold(deal.legs), deal.legs[-1].price) and not any(
            slot.startswith(prefix) for slot in self.seen.live
        )

    def watched(self, deal: Deal) -> Deal:
        """The deal after a look at its stop, its age and its trailing target."""
        if deal.phase is Phase.EXITING or not deal.held.amount:
            return deal
        deal = self._stopped(deal)
        age = self.settings.close_after_s
        if age and self.seen.now >= deal.opened_at + age * 1000:
            deal = self._leaving(deal, f"it is {age} s old")
        if self.settings.trailing_deviation_pct and deal.legs and deal.phase is not Phase.EXITING:
            deal = self._trailed(deal)
        return deal

    def _stopped(self, deal: Deal) -> Deal:
        stop = stop_price(self.settings, self.market, deal)
        if stop is None or self.seen.last > stop:
            return deal if deal.under_since is None else replace(deal, under_since=None)
        since = self.seen.now if deal.under_since is None else deal.under_since
        if self.seen.now < since + self.settings.stop_loss_timeout_s * 1000:
            return deal if since == deal.under_since else replace(deal, under_since=since)
        even = self.settings.breakeven_after_first_step and deal.stepped
        last, at = words.price(self.seen.last, self.market), words.price(stop, self.market)
        name = "break-even stop" if even else "stop loss"
        ends = self.settings.stop_loss_action is StopAction.CLOSE_AND_STOP and not even
        return replace(self._leaving(deal, f"{name} at {at}, price {last}"), stops_bot=ends)

    def _trailed(self, deal: Deal) -> Deal:
        """The peak is followed from the target on; the deal is sold a deviation under it."""
        last, away = self.seen.last, self.settings.trailing_deviation_pct
        if deal.peak is None:
            if last < deal.legs[-1].price:
                return deal
            at = words.price(last, self.market)
            self.reasons.append(f"Deal {deal.number} reached its target at {at}: trailing by {away:f} %.")
            return replace(deal, peak=last)
        if last > deal.peak:
            return replace(deal, peak=last)
        if last <= below(deal.peak, away):
            peak = words.price(deal.peak, self.market)
            return self._leaving(deal, f"fell {away:f} % from its peak {peak}")
        return deal

    def _leaving(self, deal: Deal, why: str) -> Deal:
        if deal.phase is Phase.EXITING:
            return deal
        self.reasons.append(f"Selling deal {deal.number}: {why}.")
        return replace(deal, phase=Phase.EXITING, why=why)

    def over(self, memory: DcaMemory, deal: Deal) -> bool:
        """Flat but for dust, and nothing of it can fill any more."""
        if deal.phase not in (Phase.WINDING, Phase.EXITING) or self.seen.live:
            return False
        price = self.seen.bid
        if deal.phase is Phase.WINDING and deal.legs:
            price = deal.legs[-1].price
        return not self.market.enough(self.market.amount(deal.held.amount + memory.dust.amount), price)

    def farewell(self, memory: DcaMemory, deal: Deal) -> str:
        dust = deal.held.amount + memory.dust.amount
        return words.farewell(deal.number, deal.held.realised, dust, self.market)
