"""How money and moments are written: no digit is lost."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils.timezone import override

from bots.templatetags.figures import about, amount, held, moment, plain, price, quote, signed
from orders.rules import Market

D = Decimal
PEPE = Market("simulated", "PEPE/USDT", D("0.00000005"), D(100), D(1000), D(1))
BTC = Market("simulated", "BTC/USDT", D("0.01"), D("0.00001"), D(0), D(0))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (plain(D("1234567.890000")), "1,234,567.89"),
        (plain(D("100")), "100"),
        (plain(D("1E+3")), "1,000"),
        (plain(D("0.000000000000000001")), "0.000000000000000001"),
        (plain(None), "–"),
        (price(D("60000"), BTC), "60,000.00"),
        (price(D("60000.005"), BTC), "60,000.005"),
        (price(D("0.00001"), PEPE), "0.00001000"),
        (price(D("0.5"), None), "0.5"),
        (amount(D("0.1"), BTC), "0.10000"),
        (amount(D("1858539.6"), PEPE), "1,858,539.6"),
        (held(D("51069.26860965")), "51,069.26860965"),
        (held(D("0.000000000000000001")), "0.000000000000000001"),
        (held(D(0)), "0"),
        (about(None, BTC), "–"),
        (signed(None), "–"),
    ],
)
def test_prices_and_amounts_keep_every_digit(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12.345", "12.34"),
        ("0.12345", "0.1234"),
        ("0.00012345", "0.00012345"),
        ("0", "0.00"),
        ("-1234.5", "-1,234.50"),
    ],
)
def test_rounded_money_carries_the_whole_number_behind_it(value: str, shown: str) -> None:
    html = str(quote(D(value)))
    assert f">{shown}<" in html
    assert f'value="{D(value).normalize():f}"' in html


def test_a_gain_and_a_loss_are_told_by_sign_and_direction() -> None:
    assert 'data-direction="up"' in signed(D("1.5"))
    assert ">+1.50<" in signed(D("1.5"))
    assert 'data-direction="down"' in signed(D("-1.5"))
    assert ">−1.50<" in signed(D("-1.5"))
    assert 'data-direction="flat"' in signed(D(0))


def test_moments_are_written_in_the_readers_zone() -> None:
    with override("Asia/Tokyo"):
        html = moment(datetime(2026, 1, 5, 15, 0, 1, tzinfo=UTC))
    assert ">6 Jan, 00:00:01<" in html
    assert 'datetime="2026-01-06T00:00:01+09:00"' in html


def test_what_an_account_holds_still_adds_up_when_it_is_shortened() -> None:
    total, ours = D("51069.26860965"), D("1031.79388365419922796")
    assert 'value="1031.79388365419922796"' in held(ours)
    assert ">1,031.79388365<" in held(ours)
    assert ">50,037.474726<" in held(total - ours)
    assert D("1031.79388365") + D("50037.474726") == total
