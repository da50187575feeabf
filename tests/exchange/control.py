"""The control address of an exchange that runs as a process: JSON in, JSON out, for the test that drives it.

`GET /control/state` tells the books and what was asked; each verb below is `POST /control/<verb>` with a JSON
object of its arguments. Amounts and prices are texts, so that nothing is lost.
"""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from aiohttp import web

from tests.exchange.orders import Order, Wish
from tests.exchange.rejections import Rejection
from tests.exchange.symbols import text
from tests.exchange.venue import Venue
from tests.exchange.wire import my_trade, order_queried

D = Decimal


def state(venue: Venue) -> dict[str, Any]:
    """Balances, orders, trades and requests, as one consistent picture."""
    ledger = venue.ledger
    with ledger.lock:
        return {
            "now": venue.now(),
            "accounts": {
                account.key: {
                    asset: {"free": text(balance.free), "locked": text(balance.locked)}
                    for asset, balance in account.balances.items()
                }
                for account in ledger.accounts.values()
            },
            "prices": {name: text(market.price) for name, market in ledger.markets.items()},
            "orders": [{**order_queried(order), "account": order.account} for order in ledger.orders],
            "trades": [{**my_trade(trade), "account": trade.account} for trade in ledger.trades],
            "requests": [seen.told() for seen in venue.oracle.requests],
            "creates": [seen.told() for seen in venue.oracle.creates],
            "sent_twice": venue.oracle.sent_twice(),
        }


def _order(venue: Venue, asked: dict[str, Any]) -> Order:
    order = venue.ledger.find(
        asked["key"], asked["symbol"], order_id=asked.get("order_id"), client_id=asked.get("client_id", "")
    )
    if order is None:
        raise ValueError("no such order")
    return order


def account(venue: Venue, asked: dict[str, Any]) -> Any:
    """{key, secret, money: {asset: amount}}: opens an account."""
    venue.ledger.open_account(asked["key"], asked["secret"], **asked.get("money", {}))


def rights(venue: Venue, asked: dict[str, Any]) -> Any:
    """{key, revoked?, fee_asset?, maker_rate?, taker_rate?, rights?: {enableWithdrawals: true}}."""
    found = venue.ledger.accounts[asked["key"]]
    with venue.ledger.lock:
        found.revoked = asked.get("revoked", found.revoked)
        found.fee_asset = asked.get("fee_asset", found.fee_asset)
        found.maker_rate = D(asked.get("maker_rate", found.maker_rate))
        found.taker_rate = D(asked.get("taker_rate", found.taker_rate))
        found.rights.update(asked.get("rights", {}))


def move(venue: Venue, asked: dict[str, Any]) -> Any:
    """{symbol, price, quantity?}: the market trades at a price."""
    venue.ledger.move(asked["symbol"], asked["price"], asked.get("quantity", 1))


def deposit(venue: Venue, asked: dict[str, Any]) -> Any:
    """{key, asset, amount}: money in, or out if negative."""
    venue.ledger.deposit(asked["key"], asked["asset"], D(asked["amount"]))


def place(venue: Venue, asked: dict[str, Any]) -> Any:
    """{key, symbol, side, kind, client_id, quantity, price?, time_in_force?}: an order by hand."""
    wish = Wish(
        asked["symbol"],
        asked["side"],
        asked["kind"],
        asked["client_id"],
        D(asked["quantity"]),
        D(asked.get("price", 0)),
        asked.get("time_in_force", "GTC"),
    )
    return order_queried(venue.ledger.place(asked["key"], wish))


def cancel(venue: Venue, asked: dict[str, Any]) -> Any:
    """{key, symbol, order_id or client_id}: by hand, not by a request."""
    venue.ledger.cancel(_order(venue, asked))


def fill(venue: Venue, asked: dict[str, Any]) -> Any:
    """{key, symbol, order_id or client_id, quantity?, price?, over?}: fills a resting order."""
    quantity, price = asked.get("quantity"), asked.get("price")
    venue.ledger.fill(
        _order(venue, asked),
        None if quantity is None else D(quantity),
        None if price is None else D(price),
        over=bool(asked.get("over")),
    )


def symbol(venue: Venue, asked: dict[str, Any]) -> Any:
    """{symbol, status?, tick?, step?, min_notional?, …}: other rules from now on."""
    changes = {
        name: value if name == "status" else int(value) if name == "max_orders" else D(value)
        for name, value in asked.items()
        if name != "symbol"
    }
    return venue.ledger.change_symbol(asked["symbol"], **changes).told()


def fault(venue: Venue, asked: dict[str, Any]) -> Any:
    """The arguments of `faults.add`."""
    venue.faults.add(asked.pop("effect"), **asked)


def faults(venue: Venue, asked: dict[str, Any]) -> Any:
    """{clear?: true, release?: true}; tells the plan."""
    if asked.get("clear"):
        venue.faults.clear()
    if asked.get("release"):
        venue.faults.release()
    return [dataclasses.asdict(one) for one in venue.faults.plan]


def limits(venue: Venue, asked: dict[str, Any]) -> Any:
    """{weight_max?, orders_max?, patience?, ban_ms?}: narrower limits."""
    for name, value in asked.items():
        setattr(venue.limits, name, int(value))


def clock(venue: Venue, asked: dict[str, Any]) -> Any:
    """{skew_ms}: how far the exchange's clock is ahead."""
    venue.skew_ms = int(asked["skew_ms"])


def reset(venue: Venue, asked: dict[str, Any]) -> Any:
    venue.reset()


VERBS: dict[str, Callable[[Venue, dict[str, Any]], Any]] = {
    verb.__name__: verb
    for verb in (
        *(account, rights, move, deposit, place, cancel, fill, symbol),
        *(fault, faults, limits, clock, reset),
    )
}


class Control:
    def __init__(self, venue: Venue) -> None:
        self.venue = venue

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/control/state", self.state)
        app.router.add_post("/control/{verb}", self.verb)
        return app

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(state(self.venue))

    async def verb(self, request: web.Request) -> web.Response:
        verb = VERBS.get(request.match_info["verb"])
        if verb is None:
            return web.json_response({"error": f"one of {sorted(VERBS)}"}, status=404)
        try:
            told = verb(self.venue, await request.json())
        except (ValueError, KeyError, TypeError, Rejection) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response(told)
