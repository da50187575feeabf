"""The engine's side of `live_path`: bots with stops on a live account, and prices that reach them.

Each tick stands under every stop: the bots are woken and sell at market, which is the first order on the
wire; then their next deals begin with a purchase, so that the next tick finds them in a deal again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.keys import Credentials, seal
from accounts.models import Environment, ExchangeAccount, User
from bots.engine.claims import due_ids
from bots.engine.reached import passed
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start
from bots.services.room import room_for
from orders.gateways.exchange.clients import ProcessClients
from orders.gateways.exchange.markets import load_markets
from orders.gateways.exchange.prices import ExchangePrices
from orders.gateways.installed import installed
from orders.matching import Quote
from tests.exchange.process import ExchangeProcess

NAME, TICKER, SYMBOL = "binance", "BTC/USDT", "BTCUSDT"
TICK, START = Decimal("0.01"), Decimal(50_000)
FALL = Decimal("0.99")
MONEY = {"USDT": "1000000", "BTC": "10"}
# An order more than the account's ten seconds take would be a wait for the exchange's limit.
ORDERS_AT_ONCE = 80
ORDERS_WINDOW_S = 10.5
MINUTE_S = 60.0
# So often a worker looks for who is due.
RING_S, CROWD_MAX_S = 2.0, 60.0
SETTINGS = {
    "investment": "2000",
    "base_order_volume": "100",
    "max_safety_orders": 0,
    # A trailed target does not rest, so a stop has nothing to cancel before it sells.
    "take_profit_pct": "50",
    "trailing_deviation_pct": "1",
    "stop_loss_pct": "0.5",
    "cooldown_s": 0,
    "loss_guard_count": 0,
    "max_daily_loss_pct": 0,
    "max_drawdown_pct": 0,
    "max_slippage_pct": "0",
}


@dataclass
class Bench:
    """A person's account on the exchange, and the price of its only market."""

    exchange: ExchangeProcess
    user: User
    price: Decimal = START
    clients: ProcessClients = field(init=False)

    def __post_init__(self) -> None:
        self.clients = ProcessClients(overrides=settings.EXCHANGE_OVERRIDES, keys=settings.ENCRYPTION_KEYS)
        self.move(self.price)
        load_markets(self.clients.master(NAME), now=timezone.now())

    def account(self, name: str) -> ExchangeAccount:
        key, secret, number = f"{name}-key-of-the-bench", f"{name}-secret-of-the-bench", uuid4()
        self.exchange.do("account", key=key, secret=secret, money=MONEY)
        sealed = seal(
            Credentials(key, secret),
            user_id=self.user.pk,
            account_id=number,
            keys=settings.ENCRYPTION_KEYS,
        )
        return ExchangeAccount.objects.create(
            pk=number,
            user=self.user,
            exchange=NAME,
            label=name,
            environment=Environment.LIVE,
            sealed_key=sealed,
        )

    def bots(self, account: ExchangeAccount, count: int) -> None:
        """So many in a deal. Their first orders are paced: the exchange takes so many in ten seconds."""
        room = room_for(account, installed(), timezone.now())
        for number in range(count):
            bot = bot_create(
                user=self.user,
                account=account,
                name=f"{account.label} {number}",
                bot_type="dca",
                ticker=TICKER,
                values=SETTINGS,
                now=timezone.now(),
            )
            bot_start(bot=bot, exchanges=installed(), now=timezone.now(), room=room)
        self.settle()

    def settle(self) -> None:
        """Turns until nobody has anything to do: all are in a deal."""
        while waiting := due_ids():
            self.keep()
            run_turn(waiting[:ORDERS_AT_ONCE], exchanges=installed(), now=timezone.now())
            if due_ids():
                time.sleep(ORDERS_WINDOW_S / 4)

    def move(self, price: Decimal) -> None:
        self.price = price.quantize(TICK)
        self.exchange.do("move", symbol=SYMBOL, price=str(self.price))

    def keep(self) -> Quote:
        """The price as a stream would leave it."""
        quote = Quote(self.price - TICK, self.price + TICK, self.price, int(time.time() * 1000))
        ExchangePrices(NAME, self.clients).keep({TICKER: quote})
        return quote

    def arrive(self) -> list[UUID]:
        """A price arrives, and whoever it reaches is woken: a stream's part of the way."""
        return passed(exchange=NAME, ticker=TICKER, quote=self.keep(), now=timezone.now())

    def turn(self, woken: list[UUID]) -> None:
        """A worker's part of it."""
        run_turn(woken, exchanges=installed(), now=timezone.now())

    def tick(self) -> None:
        self.turn(self.arrive())

    def creates(self) -> list[int]:
        """When each order reached the exchange, in ms UTC."""
        return [seen["time"] for seen in self.exchange.state()["creates"]]

    def sold(self, since: float) -> list[float]:
        """When each sale since then (s UTC) was on the wire, in ms after it."""
        creates = self.exchange.state()["creates"]
        sales = [seen["time"] for seen in creates if seen["params"]["side"] == "SELL"]
        return [at - since * 1000 for at in sales if at >= int(since * 1000)]

    def requests(self) -> list[tuple[int, str]]:
        asked = self.exchange.state()["requests"]
        return [(seen["time"], f"{seen['method']} {seen['path']}") for seen in asked]


@dataclass
class Run:
    """When each began (s UTC), how many ms later its first order was on the wire, and its CPU ms."""

    name: str
    began: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @contextmanager
    def measured(self) -> Iterator[None]:
        self.began.append(time.time())
        cpu_s = time.process_time()
        yield
        self.cpu_ms.append((time.process_time() - cpu_s) * 1000)

    def read(self, creates: list[int]) -> None:
        ends = [*self.began[1:], time.time()]
        for began, end in zip(self.began, ends, strict=True):
            # The record is in whole ms: an order that took less than one may seem to come before its tick.
            mine = [at for at in creates if int(began * 1000) <= at < end * 1000]
            self.first_ms.append(max(mine[0] + 0.5 - began * 1000, 0.5))

    @property
    def figures(self) -> tuple[float, float, float]:
        """p50 and p99 of the time to the wire, p50 of the CPU time; in ms."""
        return part(self.first_ms, 50), part(self.first_ms, 99), part(self.cpu_ms, 50)


def part(figures: list[float], percent: int) -> float:
    return sorted(figures)[min(len(figures) * percent // 100, len(figures) - 1)]


@contextmanager
def counted() -> Iterator[list[float]]:
    """When each question to the database within was asked, in ms UTC."""
    asked: list[float] = []

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(time.time() * 1000)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield asked


def bare(bench: Bench, times: int) -> Run:
    """ccxt alone, with a market of its own to trade on; each order is what a bot's would be."""
    ccxt = import_module("ccxt")
    key, secret = "bare-key-of-the-bench", "bare-secret-of-the-bench"
    bench.exchange.do("account", key=key, secret=secret, money=MONEY)
    options = {**bench.exchange.overrides(), "enableRateLimit": False}
    client = ccxt.binance({**options, "apiKey": key, "secret": secret})
    client.load_markets()
    run = Run("bare ccxt")
    for _ in range(times):
        pause_s()
        with run.measured():
            client.create_order(TICKER, "market", "sell", 0.002, params=named())
    run.read(bench.creates())
    return run


def named() -> dict[str, str]:
    return {"newClientOrderId": uuid4().hex}


def engine(bench: Bench, times: int) -> tuple[Run, Run]:
    """One bot: a tick, its turn, its order; from when a worker has the task, and from the price."""
    bench.bots(bench.account("one"), 1)
    told(bench)
    task, price = Run("a worker's turn"), Run("from the price")
    for _ in range(times):
        bench.settle()
        pause_s()
        bench.move(bench.price * FALL)
        with price.measured():
            woken = bench.arrive()
            with task.measured():
                bench.turn(woken)
    for run in (task, price):
        run.read(bench.creates())
    return task, price


def told(bench: Bench) -> None:
    """What one tick asks of the database and of the exchange, with its sale, its fills and a purchase."""
    bench.move(bench.price * FALL)
    began = time.time() * 1000
    with counted() as woke:
        woken = bench.arrive()
    with counted() as asked:
        bench.turn(woken)
    requests = [(at, name) for at, name in bench.requests() if at >= int(began)]
    first = next(at for at, name in requests if name == "POST /api/v3/order")
    before = sum(at <= first for at in asked)
    print(f"questions to the database: {len(woke)} to wake who is reached; in the worker's turn")
    print(f"{before} before its order is on the wire, {len(asked)} in all;")
    print(f"requests: {', '.join(name for _, name in requests)}")


def pause_s() -> None:
    """Apart, so that an account's limit of orders is not reached."""
    time.sleep(0.25)


def crowd(bench: Bench, count: int, single: Run) -> None:
    """All on one account, woken by one tick: when the last one's order is on the wire."""
    account = bench.account("many")
    Bot.objects.all().update(status="stopped")
    bench.bots(account, count)
    time.sleep(MINUTE_S - time.time() % MINUTE_S)  # all that may be asked in a minute, or in less, is there
    bench.move(bench.price * FALL)
    began, cpu_s = time.time(), time.process_time()
    bench.tick()
    cpu_s = time.process_time() - cpu_s
    sold = bench.sold(since=began)
    each = (sold[-1] - sold[0]) / max(len(sold) - 1, 1)
    print(f"{count} bots on one account, one tick: {len(sold)} sold in its turn, the first on the wire after")
    print(f"{sold[0]:.0f} ms, one each {each:.1f} ms, or {each / single.figures[0]:.2f} times one bot's p50;")
    print(f"{cpu_s:.1f} s of CPU, with the next purchases.")
    while len(sold) < count and time.time() < began + CROWD_MAX_S:
        time.sleep(RING_S)
        bench.keep()
        run_turn(due_ids(), exchanges=installed(), now=timezone.now())
        sold = bench.sold(since=began)
    last_s = sold[-1] / 1000
    print(f"An account may send 100 orders in ten seconds: all {len(sold)} were sold after {last_s:.1f} s.")


def run(exchange: ExchangeProcess, *, ticks: int, bots: int) -> None:
    call_command("migrate", verbosity=0)
    bench = Bench(exchange, User.objects.create_user("bench@example.org"))
    alone, (task, price) = bare(bench, ticks), engine(bench, ticks)
    print(f"{'':<16} {'p50 ms':>8} {'p99 ms':>8} {'CPU ms':>8}")
    for measured in (alone, task, price):
        print(f"{measured.name:<16}" + "".join(f" {figure:>8.1f}" for figure in measured.figures))
        ratios = [ours / theirs for ours, theirs in zip(measured.figures, alone.figures, strict=True)]
        print(f"{'  times bare':<16}" + "".join(f" {ratio:>8.1f}" for ratio in ratios))
    crowd(bench, bots, task)
