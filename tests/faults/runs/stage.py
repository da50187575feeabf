"""Where a run plays: time that leaps, the exchange's prices, two people, their accounts and twenty bots."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
from django.utils import timezone

from accounts.keys import Credentials
from accounts.models import Environment, ExchangeAccount, User
from bots.models import Bot, BotSettings, Mode
from bots.strategies.base import Candles
from bots.strategies.registry import read_settings
from orders.gateways.base import Exchanges, NotYet, Unreachable
from orders.gateways.exchange.adapters import ADAPTERS
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.gateway import ExchangeGateway, age_by_database
from orders.gateways.exchange.markets import load_markets
from orders.gateways.exchange.venue import ExchangeVenue
from orders.matching import Quote
from tests.exchange import Exchange
from tests.exchange.venue import MONEY
from tests.faults.points import At, WatchedGateway
from tests.gateways.exchange.conftest import KEYS, live_account
from tests.gateways.exchange.public import NAME
from tradingbot.clock import TIMEFRAMES_S

# Five seconds past a minute; a leap ends there too, so that what a run takes does not move its candles.
BEGAN_MS = 1_767_614_405_000
LEAP_MS = 10_000
# With each leap the clients' own clock goes on so far that they ask the exchange for its time again.
CLIENTS_LEAP_S = 301
BOTS_PER_ACCOUNT = 10
PEOPLE = ("alice", "bob")
PRICES = {"BTC/USDT": Decimal(50_000), "ETH/USDT": Decimal(2_500), "SOL/USDT": Decimal(100)}
OFF: dict[str, Any] = {
    "max_daily_loss_pct": 0,
    "max_drawdown_pct": 0,
    "loss_guard_count": 0,
    "max_slippage_pct": 0,
    "investment": "4000",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "grid": {"lines": 9},
    "dca": {
        "base_order_volume": "200",
        "safety_order_volume": "150",
        "safety_order_step_pct": "0.3",
        "take_profit_pct": "0.4",
        "cooldown_s": 7,
    },
    "dip": {
        **{"timeframe": "1m", "lookback": 3, "dip_pct": "0.2", "rsi_period": 0, "rebound_pct": 0},
        **{"rearm_pct": 0, "knife_candles": 0, "knife_drop_pct": 0, "entry_order": "market"},
        **{"buy_amount": "150", "buy_weights": ["1"], "max_buys": 2, "rebuy_drop_pct": "0.4"},
        **{"take_profits": [{"profit_pct": "0.5", "share_pct": "100"}], "trail_arm_pct": 0, "trail_pct": 0},
        **{"stop_loss_pct": "3", "cooldown_s": 7},
    },
    "momentum": {
        **{"timeframe": "1m", "entry": "breakout", "breakout_lookback": 2, "rsi_period": 0, "adx_period": 0},
        **{"trend_sma": 0, "stop": "percent", "stop_pct": "0.6", "take_profit_pct": "0.5", "amount": "200"},
        **{"cooldown_candles": 0, "profit_trail_pct": 0, "cooldown_s": 7},
    },
    "scalper": {
        **{"order_amount": "120", "refresh_s": 27, "max_spread_bps": 0, "max_trades_per_hour": 0},
        **{"max_consecutive_losses": 0, "cooldown_s": 1},
    },
}


@dataclass
class MarketTime:
    """The exchange's clock: real time goes on, and in between it leaps."""

    ms: int = BEGAN_MS
    leaps: int = 0
    _since: float = field(default_factory=time.monotonic)

    def __call__(self) -> int:
        return self.ms + int((time.monotonic() - self._since) * 1000)

    def reset(self) -> None:
        self.ms, self.leaps, self._since = BEGAN_MS, 0, time.monotonic()

    def leap(self, tens_of_seconds: int) -> float:
        """To so many whole steps further on; returns how many seconds that were."""
        now = self()
        target = now - (now - BEGAN_MS) % LEAP_MS + tens_of_seconds * LEAP_MS
        self.ms += target - now
        self.leaps += 1
        return (target - now) / 1000

    def of_clients(self) -> float:
        return float(self.leaps * CLIENTS_LEAP_S)


@dataclass
class LedgerPrices:
    """The prices on the exchange's books, as a stream would have left them; `silent` and `old_s` are
    faults."""

    exchange: Exchange
    silent: bool = False
    old_s: float = 0.0

    def quotes(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        if self.silent:
            return {}
        found = {}
        for ticker in tickers:
            market = self.exchange.ledger.markets[ticker.replace("/", "")]
            bid, ask = market.best(buys=False), market.best(buys=True)
            if bid is not None and ask is not None:
                found[ticker] = Quote(bid, ask, market.price, self.exchange.now())
        return found

    def ask(self, tickers: Collection[str]) -> Mapping[str, Quote]:
        if self.silent:
            raise Unreachable("no price now")
        return self.quotes(tickers)

    def candles(self, *, ticker: str, timeframe: str, until: int, count: int) -> Candles:
        if self.silent:
            raise NotYet("not listed yet")
        market, step = self.exchange.ledger.markets[ticker.replace("/", "")], TIMEFRAMES_S[timeframe] * 1000
        end = until // step * step
        opened = range(end - count * step, end, step)
        bars = [market.bar(at, at + step) for at in opened]
        opening, high, low, close = (
            np.array([float(getattr(bar, name)) for bar in bars]) for name in ("open", "high", "low", "close")
        )
        volume = np.full(count, 10.0)
        return Candles(np.array(opened, dtype=np.int64), opening, high, low, close, volume)

    def age_s(self, quote: Quote) -> float:
        return self.old_s

    def hold(self, ticker: str, quote: Quote) -> bool:
        return True


@dataclass
class Stage:
    exchange: Exchange
    time: MarketTime
    chance: Random
    prices: LedgerPrices
    people: list[User] = field(default_factory=list)
    accounts: dict[UUID, str] = field(default_factory=dict)  # the exchange's key of each account
    # How many requests had arrived each time that time had passed: who was told to wait has waited then.
    leaps: list[int] = field(default_factory=list)

    def process(self, at: At) -> Exchanges:
        """What a new process reaches; `at` is told of each point that it passes."""
        options = {**self.exchange.overrides(), "enableRateLimit": False, "timeout": 2_000}
        clients = ProcessClients(overrides={NAME: options}, keys=KEYS, clock=self.time.of_clients)
        gateway = WatchedGateway(ExchangeGateway(ADAPTERS[NAME], clients, age_by_database), at)
        return Exchanges(
            gateways={(NAME, Environment.LIVE): gateway},
            prices={NAME: self.prices},
            venues={NAME: ExchangeVenue(NAME, clients)},
        )

    def uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)


def staged(exchange: Exchange, market_time: MarketTime, chance: Random) -> Stage:
    """Fresh books, and two people with ten stopped bots each; the database must be empty."""
    market_time.reset()
    exchange.reset()
    exchange.ledger.open_account("bob-key", "bob-secret", **MONEY)
    stage = Stage(exchange, market_time, chance, LedgerPrices(exchange))
    options = {**exchange.overrides(), "enableRateLimit": False}
    clients = ProcessClients(overrides={NAME: options}, keys=KEYS)
    load_markets(clients.master(NAME), now=timezone.now())
    for name in PEOPLE:
        _person(stage, name)
    return stage


def _person(stage: Stage, name: str) -> None:
    user = User.objects.create_user(f"{name}@example.com")
    credentials = Credentials(f"{name}-key", f"{name}-secret")
    account = live_account(user, credentials, label=name, number=stage.uuid())
    stage.people.append(user)
    stage.accounts[account.pk] = credentials.key
    tickers, kinds = list(PRICES), list(SETTINGS)
    for place in range(BOTS_PER_ACCOUNT):
        kind = kinds[place % len(kinds)]
        _bot(stage, account, kind, tickers[(place + place // len(kinds)) % len(tickers)], place)


def _bot(stage: Stage, account: ExchangeAccount, kind: str, ticker: str, place: int) -> None:
    """Made by hand, not by the service, so that its id is the seed's: bots take their turns by id."""
    bot = Bot.objects.create(
        pk=stage.uuid(),
        user=account.user,
        account=account,
        name=f"{account.label} {kind} {place}",
        bot_type=kind,
        exchange=NAME,
        ticker=ticker,
        mode=Mode.LIVE,
    )
    values = read_settings(kind, values_of(kind, PRICES[ticker])).model_dump(mode="json")
    BotSettings.objects.create(user=account.user, bot=bot, version=1, values=values, made_at=timezone.now())


def values_of(kind: str, price: Decimal, **changes: Any) -> dict[str, Any]:
    """Settings of this kind with which a bot trades at once, on a market at `price`."""
    reach = {}
    if kind == "grid":
        reach = {"lower_price": f"{price * Decimal('0.97'):f}", "upper_price": f"{price * Decimal('1.03'):f}"}
    return OFF | SETTINGS[kind] | reach | changes
