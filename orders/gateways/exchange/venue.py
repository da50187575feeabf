"""What an account's key may do, and what the account holds."""

from collections.abc import Mapping

from accounts.keys import Credentials
from accounts.models import Environment, ExchangeAccount
from orders.gateways.base import Holding, Permissions, Unreachable
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.client import NotOffered
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.orders import number


class ExchangeVenue:
    def __init__(self, exchange: str, clients: ProcessClients) -> None:
        self._exchange, self._clients = exchange, clients

    def permissions(self, credentials: Credentials, environment: str) -> Permissions:
        """Where there is no such question, as in most sandboxes and behind an operator's own addresses, it is
        enough that the key is one; nothing is told then."""
        client = self._clients.by_key(self._exchange, environment, credentials)
        try:
            return client.ask(ADAPTERS[self._exchange].permissions)
        except NotOffered:
            pass
        except Unreachable:
            if environment != Environment.SANDBOX:
                raise
        client.ask(lambda ccxt: ccxt.fetch_balance())
        return Permissions()

    def holdings(self, account: ExchangeAccount) -> Mapping[str, Holding]:
        client = self._clients.of(account)
        told = client.ask(lambda ccxt: ccxt.fetch_balance())
        holdings = {
            currency: Holding(number(total, currency), number(told["free"].get(currency) or "0", currency))
            for currency, total in told["total"].items()
            if total is not None
        }
        return {currency: held for currency, held in holdings.items() if held.total}
