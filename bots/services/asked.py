"""What services ask before they act; each answer is there, or a `ServiceRefused` says why not."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from bots.models import Bot, BotSettings
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from bots.strategies.settings import Problem, Settings
from orders.gateways.base import Exchanges
from orders.matching import Quote
from orders.models import Market
from orders.queries import latest_markets


class ServiceRefused(Exception):
    """What was asked cannot be done; nothing was changed."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = list(problems)


def refused(code: str, field: str, message: str, fix: str = "") -> ServiceRefused:
    return ServiceRefused(Problem(code, field, message, fix))


def settings_from(bot_type: str, values: Mapping[str, Any]) -> Settings:
    if bot_type not in BOT_TYPES:
        raise refused("unknown_type", "bot_type", f"There is no bot type {bot_type}.")
    try:
        return read_settings(bot_type, values)
    except SettingsRefused as error:
        raise ServiceRefused(*error.problems) from None


def chosen_values(bot: Bot) -> Mapping[str, Any]:
    values: Mapping[str, Any] = BotSettings.objects.values_list("values", flat=True).get(
        bot=bot, version=bot.settings_version
    )
    return values


def market_of(exchange: str, ticker: str) -> Market:
    found = latest_markets({(exchange, ticker)}).get((exchange, ticker))
    if found is None or not found.active:
        raise refused(
            "unknown_market", "ticker", f"Market: {ticker} is not traded on {exchange}; choose another."
        )
    return found


def quote_of(exchange: str, ticker: str, exchanges: Exchanges) -> Quote:
    prices = exchanges.prices.get(exchange)
    quote = prices.quotes([ticker]).get(ticker) if prices else None
    if quote is None:
        raise refused(
            "no_price", "ticker", f"Market: {ticker} has no price on {exchange} right now; try again."
        )
    return quote


def over_balance(settings: Settings, free: Decimal, ticker: str) -> Problem:
    currency = ticker.split("/")[1]
    message = (
        f"Investment {settings.investment.normalize():f} {currency} is more than the "
        f"{free.normalize():f} {currency} free in the account; lower it to that."
    )
    return Problem("over_balance", "investment", message, f"{free.normalize():f}")
