"""Where safety orders rest and what each spends."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import accumulate, repeat

from orders.records import Frozen
from orders.rules import HUNDRED, ONE, ZERO, Market, Side


def _powers(scale: Decimal, count: int) -> Iterator[Decimal]:
    return accumulate(repeat(scale, count - 1), lambda power, factor: power * factor, initial=ONE)


class Rung(Frozen):
    """A safety order as it will be placed; amount in base, price in quote. `raised`: its amount is
    the market's minimum, more than was asked for."""

    price: Decimal
    amount: Decimal
    raised: bool = False


class Ladder(Frozen):
    """`deviations` in percent under the base order's price, `volumes` in quote, one an order."""

    deviations: tuple[Decimal, ...]
    volumes: tuple[Decimal, ...]

    @classmethod
    def of(
        cls,
        *,
        count: int,
        step_pct: Decimal,
        step_scale: Decimal,
        volume: Decimal,
        volume_scale: Decimal,
        chained: bool,
    ) -> "Ladder":
        """dev_k = d·Σ_{i<k} s^i; `chained` takes each step from the planned price before it.

        The volume of order k is SO·v^(k−1): the first is unscaled.
        """
        if not count:
            return cls((), ())
        steps = [step_pct * power for power in _powers(step_scale, count)]
        volumes = tuple(volume * power for power in _powers(volume_scale, count))
        if not chained:
            return cls(tuple(accumulate(steps)), volumes)
        factors = accumulate((ONE - step / HUNDRED for step in steps), lambda left, factor: left * factor)
        return cls(tuple((ONE - factor) * HUNDRED for factor in factors), volumes)

    @property
    def volume(self) -> Decimal:
        return sum(self.volumes, ZERO)

    def rungs(self, market: Market, reference: Decimal, stop_fraction: Decimal) -> tuple[Rung, ...]:
        """The orders under `reference` (the base order's average price), rounded.

        It ends before the first that this market cannot take, by its price or by its size.
        """
        rungs = []
        for deviation, volume in zip(self.deviations, self.volumes, strict=True):
            price = market.price(Side.BUY, reference * (ONE - deviation / HUNDRED))
            if price <= 0:
                break
            amount = market.sized(volume / price, price, stop_fraction)
            if amount is None:
                break
            rungs.append(Rung(price, amount, amount * price > volume))
        return tuple(rungs)
