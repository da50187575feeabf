"""What happens to an open deal: ordered by the user, watched by price and time, and its end."""

from decimal import Decimal

from bots.strategies import words
from bots.strategies.additions import Added, unfilled
from bots.strategies.base import Command, CommandKind, Seen
from bots.strategies.exits import left_by_tries
from bots.strategies.scalper.entry import cost_of, room
from bots.strategies.scalper.memory import Deal, ScalperMemory
from bots.strategies.scalper.settings import ScalperSettings
from bots.strategies.sizing import sized_to_sell
from orders.records import Frozen, replace
from orders.rules import SELL, ZERO, Market


def target_price(settings: ScalperSettings, market: Market, deal: Deal, now: int) -> Decimal:
    """Over the average fill price, on the tick."""
    return market.price(SELL, deal.average * settings.target_part(now - deal.opened_at))


def stop_price(settings: ScalperSettings, deal: Deal) -> Decimal:
    return deal.average * settings.stop_part


class Look(Frozen):
    """One look at an open deal; what is worth telling goes to `reasons`."""

    settings: ScalperSettings
    market: Market
    seen: Seen
    reasons: list[str]

    @property
    def sellable(self) -> Decimal:
        return self.market.amount(self.seen.position.amount)

    def ordered(self, deal: Deal) -> Deal:
        """The deal after the user's commands and the ends of its exit's tries."""
        for command in self.seen.commands:
            if command.kind is CommandKind.CLOSE_NOW:
                deal = self._leaving(deal, "closed by hand")
            elif command.kind is CommandKind.ADD_FUNDS:
                deal = self._funded(deal, command)
        if self.seen.closing:
            deal = self._leaving(deal, "the bot sells all")
        if self.seen.closed:
            for left in left_by_tries(deal.slot_of("exit"), self.seen.closed):
                deal = replace(deal, attempts=deal.attempts + 1)
                rest = words.base(left, self.market)
                self.reasons.append(f"Exit try {deal.attempts} of deal {deal.number} left {rest} unsold.")
        return deal

    def _funded(self, deal: Deal, command: Command) -> Deal:
        """The deal with a buy of `command.quote` more, when the budget has room for it."""
        wanted, ask = words.quote(command.quote, self.market), self.seen.ask
        if deal.leaving or deal.sold:
            self.reasons.append(f"{wanted} not added: deal {deal.number} is being sold.")
            return deal
        amount = sized_to_sell(self.market, command.quote / ask, ask, self.settings.stop_fraction)
        if amount is None:
            self.reasons.append(f"{wanted} not added: it is under the market's minimum.")
            return deal
        left = room(self.settings, self.seen) - self._awaited(deal)
        if cost_of(self.settings, self.market, amount, ask, slips=True) > left:
            free = words.quote(max(left, ZERO), self.market)
            self.reasons.append(f"{wanted} not added: with its fee it is over the {free} left to spend.")
            return deal
        self.reasons.append(f"Adding {wanted} to deal {deal.number}.")
        return replace(deal, added=(*deal.added, Added(len(deal.added) + 1, amount)))

    def _awaited(self, deal: Deal) -> Decimal:
        """What additions and the entry may still cost."""
        awaited = unfilled(deal.added)
        entry = self.seen.live.get(deal.slot_of("entry"))
        if entry is not None:
            awaited += entry.intent.amount - entry.filled
        return cost_of(self.settings, self.market, awaited, self.seen.ask, slips=True)

    def watched(self, deal: Deal) -> Deal:
        """The deal after a look at its stop and its age."""
        if deal.leaving:
            return deal
        stop, last = stop_price(self.settings, deal), self.seen.last
        if last <= stop:
            at, price = words.price(stop, self.market), words.price(last, self.market)
            return self._leaving(deal, f"stop loss at {at}, price {price}")
        age = self.settings.max_hold_s
        if age and self.seen.now >= deal.opened_at + age * 1000:
            return self._leaving(deal, f"it is {age} s old")
        return deal

    def _leaving(self, deal: Deal, why: str) -> Deal:
        if deal.leaving:
            return deal
        self.reasons.append(f"Selling deal {deal.number}: {why}.")
        return replace(deal, leaving=why)

    def over(self, deal: Deal) -> bool:
        """Flat but for dust, and nothing of it can fill any more."""
        if self.seen.live:
            return False
        price = self.seen.bid
        if not deal.leaving:
            price = target_price(self.settings, self.market, deal, self.seen.now)
        return not self.market.enough(self.sellable, price)

    def ended(self, memory: ScalperMemory, deal: Deal) -> ScalperMemory:
        """The memory once `deal` is over; losses in a row pause the entries."""
        result = self.seen.position.realised - memory.flat_realised
        self.reasons.append(words.farewell(deal.number, result, self.seen.position.amount, self.market))
        losses, pause_until = memory.losses, memory.pause_until
        if deal.sold:
            losses = losses + 1 if result < 0 else 0
        most = self.settings.max_consecutive_losses
        if most and losses >= most:
            losses, pause_until = 0, self.seen.now + self.settings.loss_pause_s * 1000
        return replace(
            memory,
            deal=None,
            quote=None,
            signal_at=None,
            flat_realised=self.seen.position.realised,
            losses=losses,
            pause_until=pause_until,
        )
