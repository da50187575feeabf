"""Which exchanges ccxt has what market data needs for, read out of ccxt itself; nobody outside is asked."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.markets import FEE_MAX
from orders.gateways.exchange.quotes import QUOTES, USUAL_QUOTE
from orders.gateways.others import Other
from orders.rules import FeeIn

ANY = "BTC/USDT"
SINCE_MS = 1_700_000_000_000
PAGE_UNTOLD, PAGE_MAX = 100, 1000
FEE_UNTOLD = Decimal("0.0025")


class _Left(Exception):
    """A request was about to leave."""


class _Deaf:
    """Mixed into a ccxt class: nothing leaves, and what would have is kept."""

    def sign(self, path: str, api: Any = "public", *rest: Any, **named: Any) -> Any:
        self.needs_key = "private" in str(api).lower()
        return super().sign(path, api, *rest, **named)  # type: ignore[misc]  # ccxt's, mixed in

    def fetch(self, url: str, *_: Any, **__: Any) -> Any:
        raise _Left(urlsplit(url).netloc)


def listed() -> tuple[tuple[Other, ...], dict[str, str]]:
    """Those that can be offered on paper, and why others cannot; without those that have an adapter."""
    ccxt = import_module("ccxt")
    offered, missing = list[Other](), dict[str, str]()
    for exchange in sorted(set(ccxt.exchanges) - ADAPTERS.keys()):
        options = {"enableRateLimit": False, "options": {"defaultType": "spot"}}
        instance = type(exchange, (_Deaf, getattr(ccxt, exchange)), {})(options)
        why = lacks(instance)
        if why:
            missing[exchange] = why
        else:
            offered.append(_other(instance))
    return tuple(offered), missing


def lacks(ccxt: Any) -> str:
    """What market data needs and this exchange has not; nothing when it has all."""
    if not ccxt.has.get("spot"):
        return "no spot markets"
    if not (ccxt.has.get("fetchOHLCV") and (ccxt.timeframes or {}).get("1m")):
        return "no candles of a minute"
    asked: dict[str, Callable[[], Any]] = {
        "its markets": ccxt.fetch_markets,
        "its prices": lambda: _prices(ccxt),
        "its candles": lambda: ccxt.fetch_ohlcv(ANY, "1m", SINCE_MS, PAGE_UNTOLD),
    }
    for what, ask in asked.items():
        why = _cannot(ccxt, ask)
        if why:
            return f"{what} {why}"
        ccxt.set_markets([_any_market(ccxt)])
    return ""


def _prices(ccxt: Any) -> None:
    if ccxt.has.get("fetchTickers"):
        ccxt.fetch_tickers([ANY])
    else:
        ccxt.fetch_ticker(ANY)


def _cannot(ccxt: Any, ask: Callable[[], Any]) -> str:
    """Why this cannot be asked by somebody without a key, in the way in which all are asked."""
    ccxt.needs_key = False
    try:
        ask()
    except _Left:
        pass
    except Exception as trouble:  # noqa: BLE001  # it says no in a hundred ways
        return "need a key" if ccxt.needs_key else f"are not told ({type(trouble).__name__})"
    return "need a key" if ccxt.needs_key else ""


def _any_market(ccxt: Any) -> Any:
    flags = dict.fromkeys(("swap", "future", "option", "contract", "margin", "stock"), False)
    names = {"id": "1", "baseId": "1", "quoteId": "2", "base": "BTC", "quote": "USDT", "symbol": ANY}
    return ccxt.safe_market_structure({**flags, **names, "type": "spot", "spot": True, "info": {}})


def _other(ccxt: Any) -> Other:
    trading = (ccxt.fees or {}).get("trading") or {}
    return Other(
        exchange=ccxt.id,
        name=ccxt.name,
        quote=QUOTES.get(ccxt.id, USUAL_QUOTE),
        hosts=tuple(sorted(set(_hosts(ccxt.urls["api"], ccxt.hostname or "")))),
        options={"defaultType": "spot"} | _only_spot(ccxt.options.get("fetchMarkets")),
        page=_page(ccxt),
        fee=_fee(trading.get("taker")),
        fee_in=FeeIn.QUOTE if trading.get("feeSide") == "quote" else FeeIn.RECEIVED,
    )


def _hosts(urls: Any, hostname: str) -> Iterator[str]:
    """Those of its requests, not of its streams."""
    if isinstance(urls, str) and urls.startswith("https://"):
        yield urlsplit(urls.replace("{hostname}", hostname)).netloc
    elif isinstance(urls, Mapping):
        for one in urls.values():
            yield from _hosts(one, hostname)


def _only_spot(asked: Any) -> dict[str, Any]:
    """Its option that leaves the other kinds of markets out, where it has one."""
    types = asked.get("types") if isinstance(asked, Mapping) else None
    if isinstance(types, list):
        return {"fetchMarkets": {"types": ["spot"]}}
    return {"fetchMarkets": {"types": _off(types)}} if isinstance(types, Mapping) else {}


def _off(kinds: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: _off(wanted) if isinstance(wanted, Mapping) else kind == "spot"
        for kind, wanted in kinds.items()
    }


def _page(ccxt: Any) -> int:
    told = ((ccxt.features or {}).get("spot") or {}).get("fetchOHLCV") or {}
    return min(int(told.get("limit") or PAGE_UNTOLD), PAGE_MAX)


def _fee(told: Any) -> Decimal:
    fee = Decimal(str(told)) if isinstance(told, float | int | str) else Decimal(0)
    return fee if 0 < fee < FEE_MAX else FEE_UNTOLD
