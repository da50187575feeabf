"""What can be traded, and by which filters an order is judged."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

D = Decimal
ORDER_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET")
STOP = "STOP_LOSS_LIMIT"
# Amounts of money are told with eight digits after the point.
ASSET_DIGITS = 8


def text(number: Decimal) -> str:
    """A number as the wire tells it: plain, eight digits after the point."""
    return f"{number:.{ASSET_DIGITS}f}"


@dataclass(frozen=True)
class Symbol:
    """A market's rules. They change only as a whole: `ledger.change_symbol(name, tick=…)`."""

    base: str
    quote: str
    tick: Decimal = Decimal("0.01")
    step: Decimal = Decimal("0.0001")
    min_price: Decimal = Decimal("0.01")
    max_price: Decimal = Decimal(1_000_000)
    min_quantity: Decimal = Decimal("0.0001")
    max_quantity: Decimal = Decimal(9_000)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    max_orders: int = 200
    max_algo_orders: int = 5
    takes_stops: bool = True
    multiplier_up: Decimal = Decimal(5)
    multiplier_down: Decimal = Decimal("0.2")
    status: str = "TRADING"

    def __post_init__(self) -> None:
        # A trade's cost must be told exactly, or the balances could not add up to the last digit.
        digits = -sum(int(number.normalize().as_tuple().exponent) for number in (self.tick, self.step))
        if digits > ASSET_DIGITS:
            raise ValueError(f"{self.name}: tick times step has more than {ASSET_DIGITS} digits")

    @property
    def name(self) -> str:
        return self.base + self.quote

    def filters(self) -> list[dict[str, Any]]:
        up, down = str(self.multiplier_up), str(self.multiplier_down)
        lots = {
            "minQty": text(self.min_quantity),
            "maxQty": text(self.max_quantity),
            "stepSize": text(self.step),
        }
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": text(self.min_price),
                "maxPrice": text(self.max_price),
                "tickSize": text(self.tick),
            },
            {"filterType": "LOT_SIZE", **lots},
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {"filterType": "MARKET_LOT_SIZE", **lots, "stepSize": text(D(0)), "minQty": text(D(0))},
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": up,
                "bidMultiplierDown": down,
                "askMultiplierUp": up,
                "askMultiplierDown": down,
                "avgPriceMins": 5,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": text(self.min_notional),
                "applyMinToMarket": True,
                "maxNotional": text(self.max_notional),
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_orders},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": self.max_algo_orders},
        ]

    def told(self) -> dict[str, Any]:
        """The symbol's entry in exchangeInfo."""
        return {
            "symbol": self.name,
            "status": self.status,
            "baseAsset": self.base,
            "baseAssetPrecision": ASSET_DIGITS,
            "quoteAsset": self.quote,
            "quotePrecision": ASSET_DIGITS,
            "quoteAssetPrecision": ASSET_DIGITS,
            "baseCommissionPrecision": ASSET_DIGITS,
            "quoteCommissionPrecision": ASSET_DIGITS,
            "orderTypes": [*ORDER_TYPES, *([STOP] if self.takes_stops else [])],
            "icebergAllowed": False,
            "ocoAllowed": False,
            "otoAllowed": False,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": False,
            "cancelReplaceAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": "NONE",
            "allowedSelfTradePreventionModes": ["NONE"],
        }


SYMBOLS: dict[Symbol, Decimal] = {
    Symbol("BTC", "USDT", step=D("0.00001"), min_quantity=D("0.00001")): D(50_000),
    Symbol("ETH", "USDT"): D(2_500),
    Symbol("SOL", "USDT", step=D("0.001"), min_quantity=D("0.001"), max_quantity=D(90_000)): D(100),
    Symbol("BNB", "USDT", step=D("0.001"), min_quantity=D("0.001"), max_quantity=D(90_000)): D(500),
    Symbol(
        "ETH",
        "BTC",
        tick=D("0.00001"),
        step=D("0.001"),
        min_price=D("0.00001"),
        min_quantity=D("0.001"),
        min_notional=D("0.0001"),
        takes_stops=False,
    ): D("0.05"),
}
