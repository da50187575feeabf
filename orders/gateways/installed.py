"""The exchanges this installation reaches."""

from functools import cache

from accounts.models import Environment
from orders.gateways.base import Exchanges
from orders.gateways.listed import EXCHANGE
from orders.gateways.paper import PaperGateway
from orders.gateways.simulated import SimulatedPrices


@cache
def installed() -> Exchanges:
    prices = SimulatedPrices()
    return Exchanges(
        gateways={(EXCHANGE, Environment.PAPER): PaperGateway(prices)}, prices={EXCHANGE: prices}
    )
