"""The simulated exchange driven without threads or a clock on the wall, and killed where asked."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django.db.models.functions import Now

from accounts.models import User
from bots.engine import claims
from bots.engine.market_step import market_step
from bots.engine.turn import run_turn
from bots.models import Bot
from bots.services import bot_create, bot_start, paper_account
from orders.gateways.base import Exchanges, Report
from orders.gateways.listed import EXCHANGE
from orders.gateways.paper import PaperGateway
from orders.gateways.simulated import SimulatedPrices, now_of, open_exchange
from orders.models import Order, SimulatedMarket, Trade
from tests.engine.exchanges import Killed

BEGAN = datetime(2026, 1, 5, tzinfo=UTC)
TICKER = "BTC/USDT"
MINUTE_MS = 60_000
STEPS_MAX = 5_000


@dataclass
class Assassin:
    """Kills the process at each of the given counts of chances; says nothing in between."""

    at: set[int] = field(default_factory=set)
    chances: int = 0

    def chance(self) -> None:
        self.chances += 1
        if self.chances in self.at:
            raise Killed


class DeadlyGateway(PaperGateway):
    """A paper exchange on whose doorstep the process may die, before or after an order is placed."""

    def __init__(self, assassin: Assassin) -> None:
        super().__init__(SimulatedPrices())
        self._assassin = assassin

    def create(self, order: Order) -> Report:
        self._assassin.chance()
        report = super().create(order)
        self._assassin.chance()
        return report

    def cancel(self, order: Order) -> Report:
        self._assassin.chance()
        return super().cancel(order)


@dataclass
class Simulation:
    """One user's bots on the simulated exchange."""

    user: User
    assassin: Assassin = field(default_factory=Assassin)
    token: UUID = field(default_factory=uuid4)
    deaths: int = 0

    def __post_init__(self) -> None:
        open_exchange(now=BEGAN)
        self.account = paper_account(user=self.user, now=BEGAN)
        gateway = DeadlyGateway(self.assassin)
        self.exchanges = Exchanges({(EXCHANGE, "paper"): gateway}, {EXCHANGE: SimulatedPrices()})

    def start(self, bot_type: str, values: dict[str, Any], ticker: str = TICKER) -> Bot:
        bot = bot_create(
            user=self.user,
            account=self.account,
            name=bot_type,
            bot_type=bot_type,
            ticker=ticker,
            values=values,
            now=BEGAN,
        )
        return bot_start(bot=bot, exchanges=self.exchanges, now=BEGAN)

    def play(self, minutes: int, ticker: str = TICKER) -> None:
        """Let `minutes` of market time pass, rising again after every death."""
        row = SimulatedMarket.objects.get(ticker=ticker)
        until = now_of(row) + minutes * MINUTE_MS
        self._own(ticker)
        for _ in range(STEPS_MAX):
            try:
                if self._step(ticker, until):
                    return
            except Killed:
                self.deaths += 1
                claims.release_all_leases()
                self._own(ticker)
        raise AssertionError("the simulation does not come to its end")

    def _own(self, ticker: str) -> None:
        SimulatedMarket.objects.filter(ticker=ticker).update(owner_token=self.token, owner_until=Now())

    def _step(self, ticker: str, until: int) -> bool:
        step = market_step(ticker=ticker, token=self.token, until=until, now=BEGAN)
        self.assassin.chance()
        if step.restless or step.woken:
            run_turn(claims.due_ids(), exchanges=self.exchanges, now=BEGAN)
            return False
        return step.move is None or not step.move.event

    def outcome(self, bot: Bot) -> dict[str, Any]:
        """All that two runs of the same market must have in common. The journal is not in it: a death
        between claim and answer leaves a row more."""
        bot = Bot.objects.get(pk=bot.pk)
        trades = Trade.objects.filter(bot=bot).order_by("number")
        orders = Order.objects.filter(bot=bot, status="open").order_by("slot")
        return {
            "trades": list(
                trades.values_list("slot", "side", "quantity", "price", "fee", "pnl", "executed_at")
            ),
            "resting": list(orders.values_list("slot", "side", "amount", "price")),
            "money": (bot.cash, bot.position_amount, bot.position_cost, bot.pnl),
            "memory": bot.memory,
        }


def tight_grid(price: Decimal) -> dict[str, Any]:
    low, high = (str(int(price * factor)) for factor in (Decimal("0.97"), Decimal("1.03")))
    return {"investment": "2000", "lower_price": low, "upper_price": high, "lines": 25}


BUSY_DCA: dict[str, Any] = {
    "investment": "250",
    "safety_order_step_pct": "0.3",
    "take_profit_pct": "0.4",
    "cooldown_s": 0,
}
