"""The orders of one account, as its exchange tells of them."""

import asyncio
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

from accounts.models import ExchangeAccount
from orders.gateways.base import Unreachable
from orders.gateways.exchange.client import Client
from orders.gateways.exchange.orders import found
from orders.gateways.exchange.spoken import Overrides
from orders.gateways.exchange.streams.drops import Drops
from orders.gateways.exchange.streams.heard import feeds_of, heard
from orders.gateways.exchange.streams.kept import Pace
from orders.gateways.exchange.streams.watching import watched
from orders.gateways.streaming import Ear, Told
from orders.states import FINAL

LOOK_EVERY_S = 1.0


class AccountStream:
    def __init__(
        self,
        account: ExchangeAccount,
        *,
        clients: Callable[[ExchangeAccount], Client],
        overrides: Mapping[str, Overrides],
        ear: Ear,
        drops: Drops,
        pace: Pace,
        subscribed_s: float,
    ) -> None:
        """`subscribed_s` after a socket has opened what we want to hear on it is surely told, and what came
        before is asked for."""
        self.account, self._subscribed_s = account, subscribed_s
        self._clients, self._overrides, self._ear = clients, overrides, ear
        self._drops, self._pace = drops, pace
        self._seen: dict[tuple[str, str], tuple[Any, Any]] = {}
        # Monotonic; None while no socket is open.
        self.heard_at_s: float | None = None

    @property
    def name(self) -> str:
        return f"{self.account.exchange}: orders of {self.account.pk}"

    def rest(self) -> Client:
        return self._clients(self.account)

    def heard(self, rest: Client) -> Any:
        return heard(rest, self._overrides.get(rest.adapter.exchange, {}), self._drops, self._opened)

    def lost(self) -> None:
        self.heard_at_s = None

    async def listen(self, pro: Any, rest: Client) -> None:
        self._seen = {}
        await watched(getattr(pro, feeds_of(rest).orders), lambda: self._take(pro), LOOK_EVERY_S)

    def _take(self, pro: Any) -> None:
        """What has changed among the orders that ccxt remembers, which are not many."""
        orders = {(str(order.get("symbol")), str(order.get("id"))): order for order in pro.orders or ()}
        seen = {key: (order.get("status"), order.get("filled")) for key, order in orders.items()}
        news = [order for key, order in orders.items() if self._seen.get(key) != seen[key]]
        self._seen = seen
        if news:
            self.heard_at_s = monotonic()
            self._pace.steady()
        told = [one for order in news if (one := self._told(order)) is not None]
        if told:
            self._ear.told(self.account.pk, told)

    def _told(self, order: Mapping[str, Any]) -> Told | None:
        try:
            known = found(order)
        except Unreachable:
            self._drops.count("an order that cannot be")
            return None
        ours = known.client_id.replace("-", "").lower()
        return Told(str(order.get("symbol")), known.order_id, ours, known.status in FINAL, known.filled)

    def _opened(self) -> None:
        self.heard_at_s = monotonic()
        asyncio.get_running_loop().call_later(self._subscribed_s, self._ear.missed, self.account.pk)
