"""Reads of bots. A person's reach begins at `bots_of`: what is not in there does not exist for them."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from bots.models import Backtest, Bot, BotSettings, BotStatus, Decision
from bots.strategies.registry import read_settings


def bots_of(user: User) -> QuerySet[Bot]:
    return Bot.objects.filter(user=user, hidden_at__isnull=True)


def backtests_of(user: User) -> QuerySet[Backtest]:
    return Backtest.objects.filter(user=user)


def running(bots: QuerySet[Bot]) -> QuerySet[Bot]:
    return bots.filter(status=BotStatus.ACTIVE)


def taken_in_order(bots: QuerySet[Bot]) -> list[UUID]:
    """Take these rows until the commit, always in the same order: two that each take many would else wait
    for each other. SQLite has one writer, and needs no order."""
    return list(bots.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def settings_of(bot: Bot) -> BotSettings:
    """The version the user chose last."""
    return BotSettings.objects.get(bot=bot, version=bot.settings_version)


def values_of(bot: Bot, version: BotSettings) -> dict[str, Any]:
    """What a version says, in the model's own order: PostgreSQL's JSON forgets the order of keys."""
    return read_settings(bot.bot_type, version.values).model_dump(mode="json")


def decisions_of(bot: Bot) -> QuerySet[Decision]:
    return Decision.objects.filter(bot=bot).order_by("-number")
