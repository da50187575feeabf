"""The rules of the markets, the coins, and what a key may do (`/sapi`)."""

from typing import Any

from tests.exchange.call import Call
from tests.exchange.prices import names
from tests.exchange.symbols import text
from tests.exchange.wire import D


def exchange_info(call: Call) -> dict[str, Any]:
    """All symbols, or those of `symbol` or `symbols`."""
    found, _ = names(call)
    return {
        "timezone": "UTC",
        "serverTime": call.now,
        "rateLimits": call.rate_limits,
        "exchangeFilters": [],
        "symbols": [call.ledger.symbol(name).told() for name in found],
    }


def no_contracts(call: Call) -> dict[str, Any]:
    """The futures markets: there are none, but clients that load everything ask."""
    return {
        "timezone": "UTC",
        "serverTime": call.now,
        "rateLimits": [],
        "exchangeFilters": [],
        "assets": [],
        "symbols": [],
    }


def no_pairs(call: Call) -> list[dict[str, Any]]:
    """Margin pairs: none."""
    return []


def subscribed(call: Call) -> dict[str, Any]:
    """A user stream may begin; the connection adds its `subscriptionId`."""
    return {}


def system_status(call: Call) -> dict[str, Any]:
    return {"status": 0, "msg": "normal"}


def account_status(call: Call) -> dict[str, Any]:
    return {"data": "Normal"}


def api_restrictions(call: Call) -> dict[str, Any]:
    return {"createTime": call.now, **call.account.rights}


def coins(call: Call) -> list[dict[str, Any]]:
    """Every asset that a symbol or the account has; deposits and withdrawals are closed."""
    symbols = call.ledger.symbols.values()
    names = {symbol.base for symbol in symbols} | {symbol.quote for symbol in symbols}
    return [_coin(call, name) for name in sorted(names | set(call.account.balances))]


def _coin(call: Call, name: str) -> dict[str, Any]:
    balance = call.account.balances[name]
    nothing = text(D(0))
    return {
        "coin": name,
        "name": name,
        "depositAllEnable": False,
        "withdrawAllEnable": False,
        "free": text(balance.free),
        "locked": text(balance.locked),
        "freeze": nothing,
        "withdrawing": nothing,
        "ipoing": nothing,
        "ipoable": nothing,
        "storage": nothing,
        "isLegalMoney": False,
        "trading": True,
        "networkList": [
            {
                "network": name,
                "coin": name,
                "name": name,
                "isDefault": True,
                "depositEnable": False,
                "withdrawEnable": False,
                "withdrawIntegerMultiple": "0.00000001",
                "withdrawFee": nothing,
                "withdrawMin": "0.00000001",
                "withdrawMax": "9999999.00000000",
                "minConfirm": 1,
                "unLockConfirm": 0,
            }
        ],
    }
