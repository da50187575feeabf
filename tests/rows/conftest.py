"""The floor of the exchange's tests."""

from tests.gateways.exchange.conftest import floor, served

__all__ = ["floor", "served"]
