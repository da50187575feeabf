"""Reading candle files: what is right comes in exactly, what is wrong is named by its rows."""

import gzip
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from orders.gateways.candle_file import HEADER, CandlesRefused, Gap, exact, read_candles

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data"
MINUTE = 60_000
GOOD = [f"{minute * MINUTE},10,12.5,9.75,11,3.5" for minute in range(6)]


def written(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    path = folder / "candles.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def refusal(folder: Path, rows: list[str], header: str = HEADER) -> CandlesRefused:
    with pytest.raises(CandlesRefused) as refused:
        read_candles(written(folder, rows, header))
    return refused.value


def with_row(line: int, row: str) -> list[str]:
    """The good rows with the one at `line` of the file replaced."""
    rows = list(GOOD)
    rows[line - 2] = row
    return rows


def test_a_good_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    read = read_candles(written(tmp_path, GOOD))
    assert (read.timeframe, len(read.candles), read.gaps, read.filled) == ("1m", 6, (), 0)
    assert read.candles.at.tolist() == [minute * MINUTE for minute in range(6)]
    assert [column[0] for column in (read.candles.open, read.candles.high, read.candles.low)] == [
        10,
        12.5,
        9.75,
    ]
    assert (read.candles.close[-1], read.candles.volume[-1]) == (11, 3.5)


def test_a_gzip_file_and_a_plain_one_with_other_line_ends_read_alike(tmp_path: Path) -> None:
    plain = read_candles(written(tmp_path, GOOD))
    packed = tmp_path / "candles.csv.gz"
    packed.write_bytes(gzip.compress("\r\n".join([HEADER, *GOOD]).encode()))
    assert np.array_equal(read_candles(packed).candles.close, plain.candles.close)


def test_a_price_keeps_its_digits(tmp_path: Path) -> None:
    price = "58120.37"
    read = read_candles(
        written(tmp_path, [f"{n * MINUTE},{price},{price},{price},{price},0.00000001" for n in (0, 1)])
    )
    assert exact(read.candles.close[0]) == Decimal(price)
    assert exact(read.candles.volume[0]) == Decimal("0.00000001")


@pytest.mark.parametrize(
    ("rows", "named", "words"),
    [
        (with_row(4, f"{2 * MINUTE},10,x,9,11,3"), (4,), "six numbers"),
        (with_row(4, f"{2 * MINUTE},10,12,9,11"), (4,), "six numbers"),
        ([f"{row},1" for row in GOOD], (2, 3, 4, 5, 6, 7), "six numbers"),
        (with_row(5, ""), (5,), "six numbers"),
        (with_row(4, f"{2 * MINUTE},10,nan,9,11,3"), (4,), "not a finite number"),
        (with_row(4, f"{2 * MINUTE},10,inf,9,11,3"), (4,), "not a finite number"),
        (with_row(4, f"{2 * MINUTE}.5,10,12,9,11,3"), (4,), "whole milliseconds"),
        (with_row(4, f"{1 * MINUTE},10,12,9,11,3"), (4,), "was there before"),
        (with_row(6, f"{1 * MINUTE},10,12,9,11,3"), (6,), "was there before"),
        ([*GOOD, f"{7 * MINUTE},10,12,9,11,3", f"{6 * MINUTE},10,12,9,11,3"], (9,), "sorted"),
        (with_row(4, f"{2 * MINUTE},10,12,0,11,3"), (4,), "above zero"),
        (with_row(4, f"{2 * MINUTE},-10,12,9,11,3"), (4,), "above zero"),
        (with_row(4, f"{2 * MINUTE},1e16,1e16,9,11,3"), (4,), "between"),
        (with_row(4, f"{2 * MINUTE},10,9,12,11,3"), (4,), "high is below the low"),
        (with_row(4, f"{2 * MINUTE},13,12,9,11,3"), (4,), "open is not between"),
        (with_row(4, f"{2 * MINUTE},10,12,9,8,3"), (4,), "close is not between"),
        (with_row(4, f"{2 * MINUTE},10,12,9,11,-3"), (4,), "volume is negative"),
        (with_row(4, f"{2 * MINUTE + 7000},10,12,9,11,3"), (4,), "start of a 1m candle"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, rows: list[str], named: tuple[int, ...], words: str) -> None:
    refused = refusal(tmp_path, rows)
    assert refused.rows == named
    assert words in str(refused)
    assert str(refused).startswith(f"Row{'s' if len(named) > 1 else ''} {', '.join(map(str, named))}: ")


def test_of_many_wrong_rows_ten_are_named_and_all_are_counted(tmp_path: Path) -> None:
    refused = refusal(tmp_path, [f"{minute * MINUTE},10,12,0,11,3" for minute in range(25)])
    assert refused.rows == tuple(range(2, 12))
    assert "and 15 more" in str(refused)


@pytest.mark.parametrize("header", ["", "time,open,high,low,close,volume", f"{HEADER},trades"])
def test_another_header_is_refused(tmp_path: Path, header: str) -> None:
    assert "first line must be" in str(refusal(tmp_path, GOOD, header))


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    assert "no candles" in str(refusal(tmp_path, []))


def test_one_row_alone_has_no_timeframe(tmp_path: Path) -> None:
    assert "at least two" in str(refusal(tmp_path, GOOD[:1]))


def test_seconds_instead_of_milliseconds_are_explained(tmp_path: Path) -> None:
    refused = refusal(tmp_path, [f"{minute * 60},10,12,9,11,3" for minute in range(5)])
    assert "milliseconds" in str(refused)


def test_a_missing_file_a_folder_and_one_that_is_no_gzip_are_refused(tmp_path: Path) -> None:
    broken, cut = tmp_path / "broken.csv.gz", tmp_path / "cut.csv.gz"
    broken.write_text("not packed")
    cut.write_bytes(gzip.compress(b"x" * 1000)[:20])
    for path, words in (
        (tmp_path / "none.csv", "cannot be read"),
        (tmp_path, "cannot be read"),
        (broken, "not a whole gzip"),
        (cut, "not a whole gzip"),
    ):
        with pytest.raises(CandlesRefused, match=words):
            read_candles(path)


def test_gaps_are_reported_and_left_open(tmp_path: Path) -> None:
    read = read_candles(written(tmp_path, [GOOD[0], GOOD[1], GOOD[4], GOOD[5]]))
    assert read.gaps == (Gap(2 * MINUTE, 3 * MINUTE, 2),)
    assert (len(read.candles), read.filled) == (4, 0)


def test_filled_gaps_are_flat_candles_at_the_last_close(tmp_path: Path) -> None:
    read = read_candles(written(tmp_path, [GOOD[0], GOOD[1], GOOD[4], GOOD[5]]), fill_gaps=True)
    candles = read.candles
    assert (len(candles), read.filled) == (6, 2)
    assert candles.at.tolist() == [minute * MINUTE for minute in range(6)]
    for column in (candles.open, candles.high, candles.low, candles.close):
        assert column[2:4].tolist() == [11, 11]
    assert candles.volume.tolist() == [3.5, 3.5, 0, 0, 3.5, 3.5]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real market files are not beside the project")
@pytest.mark.parametrize(
    ("name", "rows", "timeframe", "missing"),
    [
        ("bitfinex_BTCUSD_1m_2015.csv.gz", 366_710, "1m", 158_890),
        ("binance_BTCUSDT_5m_2024-03-01_2025-07-02.csv.gz", 140_614, "5m", 0),
        ("binance_BTCUSDT_1m_2024-07-26_2024-08-25.csv.gz", 43_209, "1m", 0),
    ],
)
def test_real_files_come_in_whole(name: str, rows: int, timeframe: str, missing: int) -> None:
    read = read_candles(REAL / name)
    assert (len(read.candles), read.timeframe) == (rows, timeframe)
    assert sum(gap.missing for gap in read.gaps) == missing
