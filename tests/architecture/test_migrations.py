from io import StringIO

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_migrations_tell_all_of_the_models() -> None:
    said = StringIO()
    try:
        call_command("makemigrations", check=True, dry_run=True, stdout=said)
    except SystemExit:
        pytest.fail(said.getvalue())
