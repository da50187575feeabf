"""How each exchange is asked what a key may do; None where it does not say."""

from typing import Any

from orders.gateways.base import Permissions


def of_binance(ccxt: Any) -> Permissions:
    told = ccxt.sapiGetAccountApiRestrictions()
    moves = [told.get("enableInternalTransfer"), told.get("permitsUniversalTransfer")]
    return Permissions(
        trade=_flag(told.get("enableSpotAndMarginTrading")),
        withdraw=_flag(told.get("enableWithdrawals")),
        transfer=_any(moves),
        ip_restricted=_flag(told.get("ipRestrict")),
    )


def of_bybit(ccxt: Any) -> Permissions:
    told = ccxt.privateGetV5UserQueryApi()["result"]
    rights = told.get("permissions") or {}
    wallet = rights.get("Wallet")
    if not isinstance(wallet, list):
        return Permissions()
    moves = [str(right) for right in wallet]
    addresses = [address for address in told.get("ips") or [] if address != "*"]
    return Permissions(
        trade=str(told.get("readOnly")) == "0" and bool(rights.get("Spot")),
        withdraw=any("Withdraw" in right for right in moves),
        transfer=any("Transfer" in right for right in moves),
        ip_restricted=bool(addresses),
    )


def of_okx(ccxt: Any) -> Permissions:
    told = ccxt.privateGetAccountConfig()["data"][0]
    if not told.get("perm"):
        return Permissions()
    rights = [right.strip() for right in str(told["perm"]).split(",")]
    # One right covers both withdrawals and transfers there.
    moves = "withdraw" in rights
    return Permissions(
        trade="trade" in rights, withdraw=moves, transfer=moves, ip_restricted=bool(told.get("ip"))
    )


def of_kraken(ccxt: Any) -> Permissions:
    told = ccxt.privatePostGetApiKeyInfo()["result"]
    if not isinstance(told.get("permissions"), list):
        return Permissions()
    rights = [str(right).lower() for right in told["permissions"]]
    return Permissions(
        # "query-open-trades" is one that reads.
        trade=any("modify" in right for right in rights),
        withdraw=any("withdraw" in right and "query" not in right for right in rights),
        transfer=any("transfer" in right for right in rights),
        ip_restricted=bool(told.get("ipAllowlist")),
    )


def of_coinbase(ccxt: Any) -> Permissions:
    told = ccxt.v3PrivateGetBrokerageKeyPermissions()
    # It has one right for whatever leaves a portfolio.
    moves = _flag(told.get("can_transfer"))
    return Permissions(trade=_flag(told.get("can_trade")), withdraw=moves, transfer=moves)


def _flag(told: Any) -> bool | None:
    return told if isinstance(told, bool) else None


def _any(told: list[Any]) -> bool | None:
    flags = [_flag(one) for one in told]
    if any(flags):
        return True
    return None if None in flags else False
