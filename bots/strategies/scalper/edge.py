"""What a win brings and a loss costs once fees and slippage are paid, and how many must win."""

from decimal import Decimal

from bots.strategies.scalper.settings import ScalperSettings
from orders.matching import BPS
from orders.records import Frozen
from orders.rules import HUNDRED, ONE, ZERO, FeeIn, Market, ceil_to

PROFIT_STEP_PCT = Decimal("0.01")
WIDTH_MARGIN_BPS = Decimal(2)


class Edge(Frozen):
    """`win` and `loss` as fractions of what a deal spends; a loss is positive."""

    win: Decimal
    loss: Decimal

    @property
    def wins_needed_pct(self) -> Decimal | None:
        """Percent of deals that must win to lose nothing; None where a win brings nothing."""
        return self.loss / (self.win + self.loss) * HUNDRED if self.win > 0 and self.loss > 0 else None


def entry_fee(settings: ScalperSettings, market: Market) -> Decimal:
    """What the entry pays, a fraction; only post only is sure to make."""
    return market.maker_fee if settings.post_only else max(market.maker_fee, market.taker_fee)


def target_fee(settings: ScalperSettings, market: Market) -> Decimal:
    return entry_fee(settings, market)


def net_edge(settings: ScalperSettings, market: Market) -> Edge:
    """W = (1+TP)(1−f)/(1+f) − 1 and L = 1 − (1−SL)(1−f)/(1+f), each leg with its own fee.

    With a fee in what is received the buy keeps (1−f) in place of 1/(1+f). The slippage limit
    worsens both once for each leg at market: the stop always is, the entry when it is chosen so.
    """
    kept, slip = _kept(settings, market), settings.max_slippage_pct / HUNDRED
    entry_slip = slip if settings.at_market else ZERO
    gain = ONE + settings.take_profit_pct / HUNDRED
    return Edge(
        win=gain * (ONE - target_fee(settings, market)) * kept - ONE - entry_slip,
        loss=ONE - (ONE - settings.stop_fraction) * (ONE - market.taker_fee) * kept + entry_slip + slip,
    )


def _kept(settings: ScalperSettings, market: Market) -> Decimal:
    """What a unit of quote buys, at a price of 1, after the entry's fee."""
    fee = entry_fee(settings, market)
    return ONE - fee if market.fee_in is FeeIn.RECEIVED else ONE / (ONE + fee)


def least_profit_pct(settings: ScalperSettings, market: Market) -> Decimal:
    """The smallest take profit, to two places, whose win is more than nothing."""
    slip = settings.max_slippage_pct / HUNDRED if settings.at_market else ZERO
    even = ((ONE + slip) / ((ONE - target_fee(settings, market)) * _kept(settings, market)) - ONE) * HUNDRED
    least = ceil_to(even, PROFIT_STEP_PCT)
    return least if least > even else least + PROFIT_STEP_PCT


def least_width_bps(settings: ScalperSettings, market: Market) -> Decimal:
    """Both fees of a spread capture and a margin."""
    fees = entry_fee(settings, market) + target_fee(settings, market)
    return fees * BPS + WIDTH_MARGIN_BPS


def width(settings: ScalperSettings, market: Market) -> Decimal:
    """The quote's width as a fraction of the fair value."""
    return (settings.quote_width_bps or least_width_bps(settings, market)) / BPS
