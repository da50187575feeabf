from importlib import import_module

from django.apps import AppConfig


class TradingbotConfig(AppConfig):
    name = "tradingbot"

    def ready(self) -> None:
        # Makes our Celery application the current one, so that a task called from a page finds the broker.
        import_module("tradingbot.celery")
