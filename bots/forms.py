"""The form of a bot, made from the settings model of its type: titles, help, units, choices, defaults.

The model alone judges the values; the form only sees to it that numbers are written as numbers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin

from django import forms
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bots.services import ServiceRefused
from bots.services.making import NAME_MAX
from bots.strategies.registry import BOT_TYPES, SettingsRefused, read_settings
from bots.strategies.settings import Problem

# ASCII: the digits of other scripts would be read as numbers, too.
NUMBER = re.compile(r"[+-]?(\d{1,15}(\.\d{0,18})?|\.\d{1,18})", re.ASCII)
WHOLE_NUMBER = re.compile(r"[+-]?\d{1,15}", re.ASCII)
NUMBER_LENGTH_MAX = 40
LIST_LENGTH_MAX = 400
GROUPS = {
    "": ("Budget", ""),
    "range": ("Range", "Where the price lines stand."),
    "size": ("Size", "How much each order is worth."),
    "start": ("Start", "When it begins."),
    "orders": ("Orders", "What it buys, and at which distances."),
    "exit": ("Exit", "When it sells."),
    "deals": ("Deals", "How many, how long, and between which prices."),
    "trailing": ("Trailing", "Whether the range follows the price."),
    "infinity": ("Infinity", "A grid without an upper end."),
    "protection": ("Protection", "Limits that pause or stop the bot by themselves."),
}
FOLDED = frozenset({"trailing", "infinity", "protection"})


@dataclass(frozen=True, slots=True)
class Group:
    """A titled part of the form: bound fields with their units. A folded one opens on an error."""

    name: str
    title: str
    hint: str
    fields: list[tuple[forms.BoundField, str]]

    @property
    def folded(self) -> bool:
        return self.name in FOLDED

    @property
    def opened(self) -> bool:
        return any(field.errors for field, _ in self.fields)


class BotForm(forms.Form):
    """Name, market and settings of one bot type; `values` are the settings as the services take them.

    `accounts` are those to choose from as (id, label), none where there is no choice; `tickers` are the
    markets to choose from on the account chosen, at `place` and with what `money`, none for a bot that stays
    on its `ticker`.
    `deal_open` asks whether a change is for the open deal, too.
    """

    name = forms.CharField(
        max_length=NAME_MAX,
        help_text="How you will know it.",
        error_messages={
            "required": "Name is required.",
            "max_length": f"Name must have 1 to {NAME_MAX} characters.",
            "null_characters_not_allowed": "Name must be text that can be printed.",
        },
    )
    account = forms.ChoiceField(
        label="Account",
        help_text="Where it trades. Another account has other markets: press the button beside them then.",
        error_messages={
            "required": "Account: choose one of yours.",
            "invalid_choice": "Account: that is none of yours to make a bot on; choose another.",
        },
    )
    ticker = forms.ChoiceField(label="Market")

    def __init__(
        self,
        *args: Any,
        bot_type: str,
        ticker: str,
        tickers: Sequence[str] = (),
        place: str = "",
        money: str = "on paper",
        accounts: Sequence[tuple[str, str]] = (),
        deal_open: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.bot_type, self.model = bot_type, BOT_TYPES[bot_type].settings
        self._units = {"quote": ticker.split("/")[1], "base": ticker.split("/")[0]}
        self._offer("account", accounts)
        self._offer("ticker", [(one, one) for one in tickers])
        if tickers:
            self.fields["ticker"].help_text = f"Traded {money}, at {place}."
            wrong = f"Market: %(value)s is not traded at {place} for this account's money; choose another."
            self.fields["ticker"].error_messages["invalid_choice"] = wrong
        for name, info in self.model.model_fields.items():
            self.fields[name] = _field(info)
        if deal_open:
            self.fields["this_deal_too"] = forms.BooleanField(
                label="Apply to the open deal too",
                help_text="Otherwise the open deal keeps the settings it began with.",
                required=False,
            )

    def _offer(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        if choices:
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField
        else:
            del self.fields[name]

    @property
    def values(self) -> dict[str, Any]:
        """The settings given; an empty field with a default of its own is left to the model."""
        return {
            name: value
            for name, value in self.cleaned_data.items()
            if name in self.model.model_fields and value is not None
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not any(name in self.errors for name in self.model.model_fields):
            try:
                read_settings(self.bot_type, self.values)
            except SettingsRefused as error:
                self.refuse(error.problems)
        return cleaned

    def refuse(self, problems: Iterable[Problem] | ServiceRefused) -> None:
        """Show problems at the fields they name."""
        found = problems.problems if isinstance(problems, ServiceRefused) else problems
        for problem in found:
            if not problem.warning:
                self.add_error(problem.field if problem.field in self.fields else None, sentence(problem))

    def groups(self) -> list[Group]:
        """The settings in titled groups, protection last."""
        members: dict[str, list[tuple[forms.BoundField, str]]] = {}
        for name, info in self.model.model_fields.items():
            extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
            unit = str(extra.get("unit", ""))
            bound = self[name]
            members.setdefault(str(extra.get("group", "")), []).append((bound, self._units.get(unit, unit)))
        order = sorted(members, key=lambda name: name == "protection")
        titles = {name: GROUPS.get(name, (name.capitalize(), "")) for name in order}
        return [Group(name, *titles[name], members[name]) for name in order]


def sentence(problem: Problem) -> str:
    """What is wrong and, where one value mends it and it is not said yet, that value."""
    told = problem.message
    if problem.fix and problem.fix not in told.replace(",", "") and problem.fix not in told:
        told = f"{told} Use {problem.fix}."
    return told


def initial_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Stored or suggested settings as the form's inputs show them."""
    return {name: _shown(value) for name, value in values.items()}


def defaults_of(bot_type: str) -> dict[str, Any]:
    """What the model starts from, for the fields that have a default."""
    fields = BOT_TYPES[bot_type].settings.model_fields
    return initial_of({name: info.default for name, info in fields.items() if not info.is_required()})


class NumberField(forms.CharField):
    """A number as text, so that no digit passes through a float."""

    def __init__(self, *, title: str, whole: bool, **kwargs: Any) -> None:
        self.title, self.whole = title, whole
        widget = forms.TextInput(
            attrs={"inputmode": "numeric" if whole else "decimal", "autocomplete": "off"}
        )
        super().__init__(widget=widget, empty_value=None, max_length=NUMBER_LENGTH_MAX, **kwargs)
        kind = "a whole number, such as 12" if whole else "a plain number, such as 12.5"
        self.sentence = f"{title} must be {kind}."
        self.error_messages |= {"max_length": self.sentence, "null_characters_not_allowed": self.sentence}

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        pattern = WHOLE_NUMBER if self.whole else NUMBER
        if text is not None and not pattern.fullmatch(text):
            raise forms.ValidationError(self.sentence)
        return text


class ListField(forms.CharField):
    """A list as one text: items apart by commas, the parts of an item by slashes."""

    def __init__(self, *, title: str, parts: Sequence[str], **kwargs: Any) -> None:
        self.title, self.parts = title, parts
        super().__init__(max_length=LIST_LENGTH_MAX, required=False, **kwargs)
        self.sentence = f"{title} must read {_list_form(parts)}."
        too_long = f"{title} must have at most {LIST_LENGTH_MAX} characters."
        self.error_messages |= {"max_length": too_long, "null_characters_not_allowed": self.sentence}

    def clean(self, value: Any) -> Any:
        items = [item.strip() for item in super().clean(value).split(",") if item.strip()]
        read = [[part.strip() for part in item.split("/")] for item in items]
        if any(len(item) != max(len(self.parts), 1) or not all(map(NUMBER.fullmatch, item)) for item in read):
            raise forms.ValidationError(self.sentence)
        if not self.parts:
            return [item[0] for item in read]
        return [dict(zip(self.parts, item, strict=True)) for item in read]


def _list_form(parts: Sequence[str]) -> str:
    words = [part.removesuffix("_pct").removesuffix("_s").replace("_", " ") for part in parts]
    if len(parts) < 2:
        return "numbers apart by commas, such as 1, 1.5, 2"
    return f"{'/'.join(words)}, items apart by commas, such as 1/50, 2/50"


def _field(info: FieldInfo) -> forms.Field:
    title, given = info.title or "", info.annotation
    optional = NoneType in get_args(given)
    kind = next((one for one in get_args(given) if one is not NoneType), given) if optional else given
    missing = {
        "required": f"{title} is required.",
        "invalid_choice": f"{title} must be one of those offered; choose another.",
    }
    plain: dict[str, Any] = {"label": title, "help_text": info.description or ""}
    if get_origin(kind) is tuple:
        return _list_field(title, plain, get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, bool):
        return forms.BooleanField(required=False, **plain)
    if isinstance(kind, type) and issubclass(kind, Enum):
        choices = [(one.value, str(one.value).replace("_", " ")) for one in kind]
        return forms.ChoiceField(choices=choices, error_messages=missing, **plain)
    if kind in (Decimal, int):
        return NumberField(
            title=title, whole=kind is int, required=not optional, error_messages=missing, **plain
        )
    raise TypeError(f"no input is known for the setting {title} of type {given}")


def _list_field(title: str, plain: dict[str, Any], item: Any) -> ListField:
    parts = list(item.model_fields) if isinstance(item, type) and issubclass(item, BaseModel) else []
    plain["help_text"] = f"{plain['help_text']} Write {_list_form(parts)}.".strip()
    return ListField(title=title, parts=parts, **plain)


def _shown(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        return ", ".join("/".join(str(_shown(part)) for part in _parts(one)) for one in value)
    text = str(value)
    is_number = not isinstance(value, bool) and value is not None and NUMBER.fullmatch(text)
    return _plain(Decimal(text)) if is_number or isinstance(value, Decimal) else value


def _parts(one: Any) -> list[Any]:
    if isinstance(one, BaseModel):
        one = one.model_dump()
    return list(one.values()) if isinstance(one, Mapping) else [one]


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
