"""`manage.py candles`: what the store holds is listed, and one series forgotten on demand."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from orders.gateways.candle_store import CandleStore
from tests.backtest.walks import walk


@pytest.fixture
def store(tmp_path: Path, settings: Settings) -> CandleStore:
    settings.VAR_DIR = tmp_path
    store = CandleStore(tmp_path / "candles")
    for ticker in ("BTC/USDT", "ETH/USDT"):
        store.write(exchange="binance", ticker=ticker, timeframe="1m", candles=walk(1, 90))
    return store


def told(*words: str) -> str:
    out = io.StringIO()
    call_command("candles", *words, stdout=out)
    return out.getvalue()


def test_series_are_listed_with_their_span(store: CandleStore) -> None:
    listed = told().splitlines()
    assert len(listed) == 2
    assert "BTC/USDT" in listed[0]
    assert "90 candles  2024-08-05 00:00 to 2024-08-05 01:29 UTC" in listed[0]
    assert "BTC/USDT" not in told("--ticker", "ETH/USDT")


def test_one_series_is_deleted_and_the_other_stays(store: CandleStore) -> None:
    words = ["--delete", "--exchange", "binance", "--timeframe", "1m"]
    assert told(*words, "--ticker", "BTC/USDT") == "Deleted BTC/USDT 1m on binance: 1 month.\n"
    assert [series.ticker for series in store.series()] == ["ETH/USDT"]
    with pytest.raises(CommandError, match="has no candles of BTC/USDT 1m on binance"):
        told(*words, "--ticker", "BTC/USDT")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--delete", "--exchange", "binance"], "name it with --ticker, --timeframe too"),
        (["--delete", "--exchange", "..", "--ticker", "BTC/USDT", "--timeframe", "1m"], "not an exchange"),
    ],
)
def test_what_names_no_series_deletes_nothing(store: CandleStore, words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence) as wrong:
        told(*words)
    assert wrong.value.returncode == 2
    assert len(store.series()) == 2


def test_an_empty_store_says_how_to_fill_it(tmp_path: Path, settings: Settings) -> None:
    settings.VAR_DIR = tmp_path
    assert "import_candles" in told()
