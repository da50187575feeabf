import django.db.models.functions.text
from django.db import migrations, models

import tradingbot.db


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="exchangeaccount",
            name="exchange_account_label_once",
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="check_due_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="checked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="consented_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="held_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="hidden_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="ip_restricted",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="key_hint",
            field=models.CharField(blank=True, max_length=4),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="key_number",
            field=models.CharField(blank=True, max_length=8),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="may_trade",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="may_transfer",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="may_withdraw",
            field=models.BooleanField(null=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="sealed_key",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="state",
            field=models.CharField(
                choices=[
                    ("working", "Working"),
                    ("unchecked", "Not checked"),
                    ("broken", "Broken"),
                    ("suspended", "Suspended"),
                ],
                default="working",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="exchangeaccount",
            name="state_reason",
            field=models.CharField(blank=True, max_length=300),
        ),
        migrations.AddIndex(
            model_name="exchangeaccount",
            index=models.Index(
                condition=models.Q(("check_due_at__isnull", False)),
                fields=["check_due_at"],
                name="exchange_account_check_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=models.UniqueConstraint(
                models.F("user"),
                django.db.models.functions.text.Lower("label"),
                condition=models.Q(("hidden_at__isnull", True)),
                name="exchange_account_label_in_use_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("environment__in", ["live", "paper", "sandbox"])),
                name="exchange_account_environment_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["broken", "suspended", "unchecked", "working"])),
                name="exchange_account_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("environment", "paper"), ("sealed_key", "")),
                    models.Q(("hidden_at__isnull", False), ("sealed_key", "")),
                    models.Q(
                        models.Q(("environment", "paper"), _negated=True),
                        ("hidden_at__isnull", True),
                        models.Q(("sealed_key", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="exchange_account_key_when_real",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("may_withdraw", True), ("state__in", ("working", "unchecked")), _negated=True),
                    models.Q(("may_transfer", True), ("state__in", ("working", "unchecked")), _negated=True),
                ),
                name="exchange_account_trades_without_withdrawal",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("held_at__isnull", True), ("state", "suspended"), _connector="OR"),
                name="exchange_account_held_is_suspended",
            ),
        ),
        migrations.AddConstraint(
            model_name="exchangeaccount",
            constraint=tradingbot.db.Fixed(
                columns=("user_id", "exchange", "environment"), name="exchange_account_place_fixed"
            ),
        ),
    ]
