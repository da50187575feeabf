"""A wrong variable stops the process with one sentence that names it; a right one is read."""

import base64
import json
import stat
from pathlib import Path

import pytest

from tradingbot import env
from tradingbot.env import WrongSetting
from tradingbot.installation import secrets_of
from tradingbot.topology import topology_of

KEY = base64.urlsafe_b64encode(bytes(32)).decode()
GROWN = {
    "DATABASE_URL": "postgres://alice:p%40ss@db.example.org:6432/bots",
    "REDIS_URL": "redis://:hidden@cache.example.org:6379/0",
    "SECRET_KEY": "x" * 50,
    "ENCRYPTION_KEYS": KEY,
    "PUBLIC_URL": "https://bots.example.org",
}


def sentence(wrong: pytest.ExceptionInfo[WrongSetting]) -> str:
    said = str(wrong.value.code)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("word", ["1", "true", "YES", "on"])
def test_a_flag_says_yes_in_several_words(word: str) -> None:
    assert env.flag({"DEBUG": word}, "DEBUG", default=False) is True


def test_an_empty_variable_counts_as_unset() -> None:
    assert env.flag({"DEBUG": " "}, "DEBUG", default=True) is True
    assert env.text({"EMAIL_HOST": ""}, "EMAIL_HOST", "none") == "none"
    assert env.words({"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS", ["localhost"]) == ["localhost"]


def test_a_flag_that_is_neither_yes_nor_no_is_named() -> None:
    with pytest.raises(WrongSetting) as wrong:
        env.flag({"DEBUG": "perhaps"}, "DEBUG", default=False)
    assert sentence(wrong) == "DEBUG is 'perhaps': write 1 for yes or 0 for no."


@pytest.mark.parametrize("word", ["-1", "0", "65536", "1e3", "25.0", "٢٥", "twenty"])
def test_a_number_beyond_its_bounds_is_named_with_them(word: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        env.whole({"EMAIL_PORT": word}, "EMAIL_PORT", 587, least=1, most=65535)
    assert sentence(wrong) == f"EMAIL_PORT is {word!r}: write a whole number from 1 to 65535."


def test_a_choice_names_what_is_allowed() -> None:
    with pytest.raises(WrongSetting) as wrong:
        env.choice({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL", "INFO", ("INFO", "ERROR"))
    assert sentence(wrong) == "LOG_LEVEL is 'LOUD': write one of INFO, ERROR."


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "/etc/passwd"])
def test_an_unknown_time_zone_is_named(zone: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        env.time_zone({"TIME_ZONE": zone}, "TIME_ZONE", "UTC")
    assert "TIME_ZONE" in sentence(wrong)
    assert "Europe/Berlin" in sentence(wrong)


@pytest.mark.parametrize("given", ["*", "bots.example.org,*", "https://bots.example.org", "a b"])
def test_allowed_hosts_are_names_and_never_all(given: str) -> None:
    with pytest.raises(WrongSetting, match="ALLOWED_HOSTS"):
        env.hosts({"ALLOWED_HOSTS": given}, "ALLOWED_HOSTS", [])
    good = "bots.example.org, .example.org, 10.0.0.1, [::1]"
    assert len(env.hosts({"ALLOWED_HOSTS": good}, "ALLOWED_HOSTS", [])) == good.count(",") + 1


def test_a_folder_that_cannot_be_written_is_told_in_one_sentence(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    with pytest.raises(WrongSetting, match="VAR_DIR"):
        topology_of({}, taken)


@pytest.mark.parametrize("path", ["a/b", "op?x", "^op", "*", "é", "bots", "accounts/"])
def test_an_admin_path_is_one_plain_word(path: str) -> None:
    with pytest.raises(WrongSetting, match="ADMIN_PATH"):
        env.path({"ADMIN_PATH": path}, "ADMIN_PATH", "operate/")


def test_a_database_address_is_read_with_its_escapes() -> None:
    assert env.database(GROWN["DATABASE_URL"]) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "bots",
        "USER": "alice",
        "PASSWORD": "p@ss",
        "HOST": "db.example.org",
        "PORT": 6432,
    }


@pytest.mark.parametrize(
    "address",
    [
        "mysql://alice:p4ssword@db/bots",
        "postgres://alice:p4ssword@/bots",
        "postgres://alice:p4ssword@db:port/bots",
        "postgres://alice:p4ssword@db:70000/bots",
        "postgres://alice:p4ssword@db",
        "p4ssword",
    ],
)
def test_a_wrong_database_address_is_named_and_its_password_is_not(address: str) -> None:
    with pytest.raises(WrongSetting) as wrong:
        env.database(address)
    assert "DATABASE_URL" in sentence(wrong)
    assert "p4ssword" not in sentence(wrong)


@pytest.mark.parametrize(("given", "missing"), [("DATABASE_URL", "REDIS_URL"), ("REDIS_URL", "DATABASE_URL")])
def test_one_server_alone_is_refused(given: str, missing: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting) as wrong:
        topology_of({given: GROWN[given]}, tmp_path)
    assert sentence(wrong).startswith(f"{missing} is not set but {given} is")


@pytest.mark.parametrize("missing", ["SECRET_KEY", "ENCRYPTION_KEYS", "PUBLIC_URL"])
def test_a_grown_installation_makes_up_no_secret(missing: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSetting) as wrong:
        topology_of({name: value for name, value in GROWN.items() if name != missing}, tmp_path)
    assert sentence(wrong).startswith(f"{missing} is not set")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"SECRET_KEY": "short"},
        {"ENCRYPTION_KEYS": "short"},
        {"ENCRYPTION_KEYS": f"{KEY},ä"},
        {"PUBLIC_URL": "bots.example.org"},
        {"PUBLIC_URL": "https://bots.example.org/path"},
        {"PUBLIC_URL": "https://bots example.org"},
        {"REDIS_URL": "http://cache"},
        {"DATABASE_POOL_MAX": "0"},
    ],
)
def test_a_wrong_variable_of_a_grown_installation_is_named(change: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(WrongSetting) as wrong:
        topology_of(GROWN | change, tmp_path)
    assert next(iter(change)) in sentence(wrong)


def test_a_grown_installation_takes_everything_from_its_variables(tmp_path: Path) -> None:
    grown = topology_of(GROWN, tmp_path)
    assert grown.grown
    assert grown.public_url == "https://bots.example.org"
    assert grown.broker_url == GROWN["REDIS_URL"]
    assert grown.database["OPTIONS"]["pool"]["max_size"] == 10


def test_the_first_start_makes_secrets_and_the_second_keeps_them(tmp_path: Path) -> None:
    var_dir = tmp_path / "var"
    first = topology_of({}, var_dir)
    second = topology_of({}, var_dir)
    assert len(first.secret_key) >= 50
    assert (first.secret_key, first.encryption_keys) == (second.secret_key, second.encryption_keys)
    assert stat.S_IMODE((var_dir / "secrets.json").stat().st_mode) == 0o600
    assert [path.name for path in var_dir.iterdir()] == ["secrets.json"]


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    one, other = topology_of({}, tmp_path / "one"), topology_of({}, tmp_path / "other")
    assert one.secret_key != other.secret_key
    assert one.encryption_keys != other.encryption_keys


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"secret_key": "x", "encryption_keys": null}'])
def test_damaged_secrets_are_never_replaced(content: str, tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text(content)
    with pytest.raises(WrongSetting, match="put it back from your backup"):
        secrets_of(tmp_path)
    assert (tmp_path / "secrets.json").read_text() == content


def test_a_given_secret_wins_over_the_kept_one(tmp_path: Path) -> None:
    assert topology_of({"SECRET_KEY": "chosen" * 10}, tmp_path).secret_key == "chosen" * 10
    kept = json.loads((tmp_path / "secrets.json").read_text())
    assert kept["secret_key"] != "chosen" * 10
