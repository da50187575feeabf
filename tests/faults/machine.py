"""The order protocol as a state machine: Hypothesis drives bots, their exchange and the deaths between them.

The exchange is one in memory that keeps books of its own; the engine, the database and the invariants are the
real ones. What is never cleaned away between two runs belongs to other people, and is not looked at.
"""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import count

from django.db.models import F
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from accounts.models import ExchangeAccount, User
from bots.engine import claims
from bots.engine.replay import replay_breaches
from bots.engine.turn import run_turn
from bots.models import Bot, BotStatus, StopRequest
from bots.services import bot_create, bot_start, bot_stop
from orders.gateways.base import Exchanges, Report
from orders.invariants import breaches
from orders.models import Market, Order, Trade
from orders.money import deposit
from orders.services import cancel_request, order_settle
from orders.states import FINAL, LIVE, UNSETTLED, OrderStatus, may_move
from tests.engine.conftest import NOW
from tests.engine.exchanges import NAME, Killed
from tests.faults.points import WatchedGateway, statements_watched
from tests.faults.remote import Remote, WatchedPrices
from tests.faults.runs.hand import Hand
from tests.faults.sums import fifo_agrees, flat_adds_up, oracle_agrees

TICKER, LOT = "BTC/USDT", Decimal("0.0001")
SETTINGS = {
    "investment": "1000",
    "base_order_volume": "100",
    "safety_order_volume": "100",
    "max_safety_orders": 2,
    "active_safety_orders": 2,
    "safety_order_step_pct": "1",
    "take_profit_pct": "1",
    "cooldown_s": 0,
    "max_slippage_pct": "0",
    "max_daily_loss_pct": 0,
    "max_drawdown_pct": 0,
    "loss_guard_count": 0,
}
BOTS = 2
QUIET_ROUNDS_MAX = 30
# Over the longest watch between two looks for an order that was given up.
LONG_S = 22_000
CREATE_FATES = ("lose_answer", "lose_request", "refuse", "misname", "fills_later")
CANCEL_FATES = ("lose_answer", "lose_request", "fills_first")
_numbers = count(1)


class OrderMachine(RuleBasedStateMachine):
    """Two bots of one account in one market."""

    @initialize()
    def begin(self) -> None:
        user = User.objects.create_user(f"alice-{next(_numbers)}@example.com")
        self.account = ExchangeAccount.objects.create(
            user=user, exchange=NAME, label="Remote", environment="paper"
        )
        deposit(account=self.account, currency="USDT", amount=Decimal(10_000), now=NOW)
        steps = {"tick": Decimal("0.01"), "lot": LOT, "min_amount": LOT, "min_cost": Decimal(5)}
        fees = {"maker_fee": Decimal("0.001"), "taker_fee": Decimal("0.001"), "loaded_at": NOW}
        Market.objects.get_or_create(exchange=NAME, ticker=TICKER, defaults=steps | fees)
        self.prices = WatchedPrices()
        self.remote = Remote(self.prices)
        self.reborn()
        self.before: dict[str, tuple[str, Decimal]] = {}
        self.epochs: dict[str, int] = {}
        self.thefts = 0
        for number in range(BOTS):
            made = bot_create(
                user=user,
                account=self.account,
                name=f"Bot {number}",
                bot_type="dca",
                ticker=TICKER,
                values=SETTINGS,
                now=NOW,
            )
            bot_start(bot=made, exchanges=self.exchanges, now=timezone.now())

    # -- what happens ------------------------------------------------------------------------------------

    @rule(which=st.integers(0, BOTS), fate=st.sampled_from(("", "", *CREATE_FATES)))
    def turn(self, which: int, fate: str) -> None:
        """One bot, or all: what they want is placed, and `fate` befalls the first of it."""
        self.remote.then = [fate] if fate else []
        ids = [bot.pk for bot in self.bots()]
        self.live(ids if which == BOTS else [ids[which]])

    @rule(tenths=st.integers(-30, 30))
    def price_moves(self, tenths: int) -> None:
        """Resting orders that it reaches fill, and bots look."""
        self.prices.price = max(Decimal(100) + Decimal(tenths) / 10, Decimal(1))
        self.prices.at += 1_000
        for order in self.on_books():
            price = order.price or Decimal(0)
            if price >= self.prices.price if order.side == "buy" else price <= self.prices.price:
                self.remote.fill_rest(order)
        self.bots_look()

    @rule(tenths=st.integers(1, 9), which=st.integers(0, 9))
    def part_fills(self, tenths: int, which: int) -> None:
        resting = self.on_books()
        if resting:
            order = resting[which % len(resting)]
            part = (self.remote.rest_of(order) * tenths / 10 / LOT).to_integral_value() * LOT
            if 0 < part < self.remote.rest_of(order):
                self.remote.fill(order, amount=part)

    @rule(which=st.integers(0, 9), fills=st.integers(0, 3))
    def old_news_is_told_again(self, which: int, fills: int) -> None:
        """A stream tells what was known long ago, or what a look has just brought, once more."""
        known = [order for order in self.orders() if order.client_id in self.remote.books]
        known = [order for order in known if order.status in {OrderStatus.OPEN, *FINAL}]
        if known:
            order = known[which % len(known)]
            told = self.remote.books[order.client_id]
            old = Report(
                told.client_id, OrderStatus.OPEN, told.at, told.exchange_order_id, told.fills[:fills]
            )
            order_settle(order=order, report=old, now=timezone.now())

    @rule(fate=st.sampled_from(("", *CANCEL_FATES)), which=st.integers(0, 9))
    def cancel(self, fate: str, which: int) -> None:
        resting = [order for order in self.orders() if order.status == OrderStatus.OPEN]
        if resting:
            self.remote.then_cancel = [fate] if fate else []
            cancel_request(orders=[resting[which % len(resting)]], now=timezone.now())
            self.live([bot.pk for bot in self.bots()])

    @rule(which=st.integers(0, BOTS - 1), how=st.sampled_from(StopRequest.values))
    def bot_stops_or_starts(self, which: int, how: str) -> None:
        bot = self.bots()[which]
        if bot.status == BotStatus.ACTIVE:
            bot_stop(bot=bot, now=timezone.now(), how=how)
        else:
            bot_start(bot=bot, exchanges=self.exchanges, now=timezone.now())

    @rule(silent=st.booleans(), muddles=st.booleans())
    def looks_go_wrong(self, silent: bool, muddles: bool) -> None:
        self.remote.lookup_fails, self.remote.muddles = silent, muddles

    @precondition(lambda self: self.remote.lost)
    @rule()
    def a_lost_request_arrives(self) -> None:
        self.remote.arrive(next(iter(self.remote.lost)))

    @rule(points=st.integers(1, 60))
    def crash(self, points: int) -> None:
        """The process dies when it has passed so many points of its next turn."""
        self.hand.left = points
        self.live([bot.pk for bot in self.bots()])
        self.hand.left = None

    @rule(points=st.integers(1, 4))
    def lease_is_stolen(self, points: int) -> None:
        """The process sleeps past its lease, at a look or amid a question, and another takes over."""
        self.hand.left, self.hand.sleeps, self.hand.meanwhile = points, True, self.taken_over
        self.live([bot.pk for bot in self.bots()])
        self.hand.left, self.hand.sleeps = None, False

    @rule(seconds=st.sampled_from((1, 6, 40, 400)))
    def time_passes(self, seconds: int) -> None:
        self.later(seconds)

    @rule(seconds=st.sampled_from((-3600, -1, 60, 7200)))
    def clock_jumps(self, seconds: int) -> None:
        """The market's clock, which drives no lease and no look-up."""
        self.prices.at += seconds * 1000

    # -- what always holds -------------------------------------------------------------------------------

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert len(self.remote.creates) == len(set(self.remote.creates))

    @invariant()
    def orders_only_go_on(self) -> None:
        """I6, I8: along the table, an end is an end, and what has filled stays filled."""
        for order in self.orders():
            status, filled = self.before.get(order.client_id, (order.status, Decimal(0)))
            assert status == order.status or _leads(OrderStatus(status), OrderStatus(order.status))
            assert order.filled >= filled
            self.before[order.client_id] = (order.status, order.filled)

    @invariant()
    def epochs_only_rise(self) -> None:
        for bot in self.bots():
            assert bot.epoch >= self.epochs.get(bot.name, 0)
            self.epochs[bot.name] = bot.epoch

    @invariant()
    def rows_agree(self) -> None:
        """I1 to I20 as far as rows tell them, P1 and P3; and P2, P4 by sums of our own."""
        mine = Bot.objects.filter(account=self.account)
        found = [str(one) for one in breaches(mine)]
        assert found == [], found
        for bot in mine:
            fifo_agrees(bot, self.prices.price)
            flat_adds_up(bot)

    def teardown(self) -> None:
        """Healed, all comes to rest in bounded time, and both books are one."""
        self.remote.then, self.remote.then_cancel = [], []
        self.remote.lookup_fails, self.hand.left = False, None
        self.quiet()
        self.later(LONG_S)
        self.quiet()
        for bot in self.bots():
            assert list(replay_breaches(bot)) == []
            bot_stop(bot=bot, now=timezone.now(), how=StopRequest.CANCEL_ORDERS)
        self.quiet()
        assert not [order for order in self.orders() if order.status in LIVE]
        oracle_agrees(self.orders(), Trade.objects.filter(order__account=self.account), self.remote)
        self.rows_agree()

    # -- the process -------------------------------------------------------------------------------------

    def reborn(self) -> None:
        self.hand = self.prices.passes = Hand()
        gateway = WatchedGateway(self.remote, self.hand)
        self.exchanges = Exchanges(gateways={(NAME, "paper"): gateway}, prices={NAME: self.prices})

    def live(self, ids: Sequence[object]) -> None:
        """A turn, which the process may not live to see the end of."""
        try:
            with statements_watched(self.hand):
                run_turn(ids, exchanges=self.exchanges, now=timezone.now())  # type: ignore[arg-type]  # ids
        except Killed:
            self.reborn()
            Bot.objects.filter(account=self.account).update(lease_token=None, lease_until=None)

    def taken_over(self) -> None:
        self.thefts += 1
        self.later(60)
        calm = Exchanges(gateways={(NAME, "paper"): self.remote}, prices={NAME: self.prices})
        run_turn([bot.pk for bot in self.bots()], exchanges=calm, now=timezone.now())

    def later(self, seconds: float) -> None:
        aged = timedelta(seconds=seconds)
        for name in ("claimed_at", "look_again_at"):
            rows = Order.objects.filter(account=self.account, **{f"{name}__isnull": False})
            rows.update(**{name: F(name) - aged})
        for name in ("lease_until", "retry_at"):
            rows_of_bots = Bot.objects.filter(account=self.account, **{f"{name}__isnull": False})
            rows_of_bots.update(**{name: F(name) - aged})

    def quiet(self) -> None:
        for _ in range(QUIET_ROUNDS_MAX):
            self.later(40)
            run_turn([bot.pk for bot in self.bots()], exchanges=self.exchanges, now=timezone.now())
            doubt = [order for order in self.orders() if order.status in UNSETTLED or self._ending(order)]
            due = set(claims.due_ids()) & {bot.pk for bot in self.bots()}
            if not doubt and not due:
                return
        raise AssertionError(f"not quiet after {QUIET_ROUNDS_MAX} rounds: {doubt} {due}")

    def _ending(self, order: Order) -> bool:
        return order.status == OrderStatus.OPEN and order.cancel_requested_at is not None

    def bots_look(self) -> None:
        Bot.objects.filter(account=self.account, status=BotStatus.ACTIVE).update(events=F("events") + 1)

    def bots(self) -> list[Bot]:
        return list(Bot.objects.filter(account=self.account).order_by("name"))

    def orders(self) -> list[Order]:
        return list(Order.objects.filter(account=self.account).order_by("planned_at", "slot", "client_id"))

    def on_books(self) -> list[Order]:
        """What rests on the exchange."""
        books = self.remote.books
        open_ids = {client_id for client_id, told in books.items() if told.status is OrderStatus.OPEN}
        return [order for order in self.orders() if order.client_id in open_ids]


def _leads(old: OrderStatus, new: OrderStatus) -> bool:
    """Whether moves of the table lead from one to the other; a turn may make several."""
    reached, waiting = {old}, [old]
    while waiting:
        status = waiting.pop()
        fresh = {one for one in OrderStatus if may_move(status, one)} - reached
        reached |= fresh
        waiting += fresh
    return new in reached - {old}
