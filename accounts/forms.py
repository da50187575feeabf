"""The forms of exchange accounts. What a service refuses is shown at the field it names.

The parts of a key are typed anew each time: a page never holds one.
"""

from typing import Any

from django import forms

from accounts.keys import Credentials
from accounts.services import Wanted
from accounts.services.asked import LABEL_MAX
from bots.services import ServiceRefused
from orders.gateways.offers import Offer

ENVIRONMENTS = {"sandbox": "Sandbox: the exchange's own play money", "live": "Live: real money"}
PRINTABLE = {"null_characters_not_allowed": "Write text that can be printed."}


class SecretField(forms.CharField):
    """A part of a key. Browsers neither remember it nor get it back. It has no length here: an input
    would cut a long one off without a word, and the service says what is wrong with it."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        widget = forms.PasswordInput(attrs=attrs, render_value=False)
        needed = f"{kwargs['label']} is required: type it again, even if you did before."
        super().__init__(
            strip=False, widget=widget, error_messages={"required": needed, **PRINTABLE}, **kwargs
        )


class LabelField(forms.CharField):
    def __init__(self) -> None:
        wrong = {
            "required": "Label is required.",
            "max_length": f"Label must have 1 to {LABEL_MAX} characters.",
            **PRINTABLE,
        }
        super().__init__(help_text="How you will know it.", max_length=LABEL_MAX, error_messages=wrong)


class PaperForm(forms.Form):
    """A new account on paper."""

    label = LabelField()

    def refuse(self, error: ServiceRefused) -> None:
        for problem in error.problems:
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)


class KeyForm(forms.Form):
    """The parts of a key. `consent` is asked for only once an exchange could not tell what it may do."""

    key = SecretField(label="Key", help_text="The part that the exchange shows you again at any time.")
    secret = SecretField(label="Secret", help_text="The part it showed you once.")
    password = SecretField(label="Passphrase", help_text="The one you chose for this key.")
    consent = forms.BooleanField(
        label="I have looked: this key may neither withdraw nor transfer money",
        help_text="Your consent is kept with the account.",
        required=False,
    )

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer = offer
        self.consent_asked = False
        if not offer.needs_password:
            del self.fields["password"]

    def credentials(self) -> Credentials:
        """What was typed; for a valid form."""
        typed = self.cleaned_data
        return Credentials(typed["key"], typed["secret"], typed.get("password", ""))

    def refuse(self, error: ServiceRefused) -> None:
        for problem in error.problems:
            self.consent_asked |= problem.field == "consent"
            self.add_error(problem.field if problem.field in self.fields else None, problem.message)

    def parts(self) -> list[forms.BoundField]:
        return [self[name] for name in ("key", "secret", "password") if name in self.fields]


class AddForm(KeyForm):
    """A new account at one exchange."""

    label = LabelField()

    def __init__(self, *args: Any, offer: Offer, **kwargs: Any) -> None:
        super().__init__(*args, offer=offer, **kwargs)
        choices = [(name, ENVIRONMENTS[name]) for name in offer.environments]
        wrong = f"Environment: {offer.name} has none of that name; choose one."
        self.fields["environment"] = forms.ChoiceField(
            choices=choices, error_messages={"required": wrong, "invalid_choice": wrong}
        )

    def wanted(self) -> Wanted:
        typed = self.cleaned_data
        return Wanted(
            exchange=self.offer.exchange,
            environment=typed["environment"],
            label=typed["label"],
            credentials=self.credentials(),
            consent=typed["consent"],
        )
