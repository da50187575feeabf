from django.db import migrations, models

import tradingbot.db


class Migration(migrations.Migration):
    dependencies = [
        ("bots", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="bot",
            name="wake_mark",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name="bot",
            name="wake_peak",
            field=tradingbot.db.Money(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="bot",
            name="wake_trough",
            field=tradingbot.db.Money(blank=True, null=True),
        ),
    ]
