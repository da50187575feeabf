"""The form of a backtest: the settings of its bot, the candles it runs on, and the market's terms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django import forms

from bots.forms import BotForm, NumberField, initial_of
from bots.models import Backtest
from bots.services.backtests import MarketTerms, Period, SeriesName, Wanted
from orders.gateways.candle_store import Series
from tradingbot.clock import EPOCH, moment_of

MOMENT_LENGTH_MAX = 40
MOMENT = "%Y-%m-%dT%H:%M"


class MomentField(forms.CharField):
    """A date or a time in UTC, as browsers send it; None when left empty."""

    def __init__(self, **kwargs: Any) -> None:
        self.sentence = f"{kwargs['label']} must be a date or a time, such as 2025-01-31T12:00."
        super().__init__(
            required=False,
            max_length=MOMENT_LENGTH_MAX,
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
            **kwargs,
        )
        self.error_messages |= {
            "max_length": self.sentence,
            "null_characters_not_allowed": self.sentence,
        }

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        except (ValueError, OverflowError):
            raise forms.ValidationError(self.sentence) from None
        if at < EPOCH:
            raise forms.ValidationError(f"{self.label} must be after 1970.")
        return at


class BacktestForm(BotForm):
    """`series` are those to choose from; `ticker` is the one whose units the settings show."""

    def __init__(
        self, *args: Any, bot_type: str, ticker: str, series: Sequence[Series], **kwargs: Any
    ) -> None:
        super().__init__(*args, bot_type=bot_type, ticker=ticker, **kwargs)
        self.fields["series"] = forms.ChoiceField(
            label="Candles",
            help_text="Stored on this installation.",
            choices=[(key_of(one), told(one)) for one in series],
            error_messages={
                "required": "Candles are required: choose a series.",
                "invalid_choice": "Candles: that series is not in the store; choose another.",
            },
        )
        self.fields["since"] = MomentField(label="Since", help_text="UTC. Empty: from the first candle.")
        self.fields["until"] = MomentField(label="Until", help_text="UTC. Empty: to the last candle.")
        self.fields["fee_pct"] = _number("Fee", "For maker and taker. Empty: as on the market.")
        self.fields["slippage_pct"] = _number("Slippage", "Orders at market pay this much more. Empty: none.")
        self.fields["spread_bps"] = _number("Spread", "From bid to ask. Empty: 2 for a scalper, else none.")
        self.fields["pessimistic"] = forms.BooleanField(
            label="Pessimistic", help_text="Within a candle, the worse price comes first.", required=False
        )
        self.fields["fill_gaps"] = forms.BooleanField(
            label="Fill gaps", help_text="Put flat candles where some are missing.", required=False
        )

    def wanted(self) -> Wanted:
        """What was asked; for a valid form."""
        given = self.cleaned_data
        return Wanted(
            name=given["name"],
            bot_type=self.bot_type,
            values=self.values,
            series=SeriesName(*given["series"].split()),
            period=Period(given["since"], given["until"]),
            terms=MarketTerms(
                fee_pct=_decimal(given["fee_pct"]),
                slippage_pct=_decimal(given["slippage_pct"]) or Decimal(0),
                spread_bps=_decimal(given["spread_bps"]),
                pessimistic=given["pessimistic"],
                fill_gaps=given["fill_gaps"],
            ),
        )

    def terms(self) -> list[tuple[forms.BoundField, str]]:
        units = {"fee_pct": "%", "slippage_pct": "%", "spread_bps": "bps", "pessimistic": "", "fill_gaps": ""}
        return [(self[name], unit) for name, unit in units.items()]

    def terms_opened(self) -> bool:
        return any(field.errors for field, _ in self.terms())


def key_of(series: Series) -> str:
    return f"{series.exchange} {series.ticker} {series.timeframe}"


def told(series: Series) -> str:
    first, last = moment_of(series.first), moment_of(series.last)
    return (
        f"{series.ticker}, {series.timeframe}, {series.exchange}: "
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, {series.rows:,} candles"
    )


def asked_before(backtest: Backtest) -> dict[str, Any]:
    """What a backtest was asked with, as the form's inputs show it."""
    terms: Mapping[str, Any] = backtest.terms
    flags = {name: bool(terms.get(name)) for name in ("pessimistic", "fill_gaps")}
    numbers = {name: terms.get(name, "") for name in ("fee_pct", "slippage_pct", "spread_bps")}
    return {
        **initial_of(backtest.values),
        **initial_of({name: value for name, value in numbers.items() if value}),
        **flags,
        "name": backtest.name,
        "series": f"{backtest.exchange} {backtest.ticker} {backtest.timeframe}",
        "since": f"{backtest.since.astimezone(UTC):{MOMENT}}",
        "until": f"{backtest.until.astimezone(UTC):{MOMENT}}",
    }


def _number(title: str, hint: str) -> NumberField:
    return NumberField(title=title, whole=False, required=False, label=title, help_text=hint)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
