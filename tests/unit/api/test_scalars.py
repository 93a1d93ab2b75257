from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelsafeguard.api.scalars import decimal_from, decimal_text, shown, time_from, time_text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=10))
def test_a_decimal_comes_back_as_it_was_trailing_zeros_included(number):
    assert decimal_from(decimal_text(number)).as_tuple() == number.as_tuple()


@given(st.text(alphabet="0123456789.-+eE_ NaInf٣", max_size=12))
def test_what_is_read_as_a_decimal_is_written_back_letter_by_letter(text):
    try:
        number = decimal_from(text)
    except ValueError:
        return
    assert decimal_text(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        pytest.param("0.010", "0.010", id="trailing zeros stay"),
        pytest.param("1E-7", "0.0000001", id="a small one is written out"),
        pytest.param("1.5E+3", "1500", id="a large one is written out"),
        pytest.param("-0.0312", "-0.0312", id="a negative one"),
    ],
)
def test_a_decimal_is_written_without_an_exponent(number, text):
    assert decimal_text(Decimal(number)) == text
    assert decimal_from(text) == Decimal(number)


@pytest.mark.parametrize("number", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+40", "1E-40", "1E+999999", "0." + "1" * 40, "1" * 41])
def test_a_decimal_that_is_not_finite_or_has_no_end_is_not_written(number):
    with pytest.raises(ValueError, match="cannot be written as a decimal"):
        decimal_text(Decimal(number))


@pytest.mark.parametrize(
    "value",
    [0.01, 1, True, None, "", "NaN", "Infinity", "1e-3", "1_000", " 1", "1\n", "+1", ".5", "5.", "0,01", "0x1", "٣", "1" * 41, ["1"]],
    ids=repr,
)
def test_only_a_plain_decimal_string_is_read_as_a_decimal(value):
    with pytest.raises(ValueError, match="must be a decimal string"):
        decimal_from(value)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 30), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis asks for naive bounds
def test_a_time_comes_back_in_whole_seconds(time):
    assert time_from(time_text(time)) == time.replace(microsecond=0)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        pytest.param("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC), id="as Kubernetes writes it"),
        pytest.param("2026-01-31T12:00:00.250000Z", datetime(2026, 1, 31, 12, 0, 0, 250000, tzinfo=UTC), id="with a fraction"),
        pytest.param("2026-01-31T13:00:00+01:00", datetime(2026, 1, 31, 12, tzinfo=UTC), id="of another zone"),
    ],
)
def test_a_time_is_read_as_utc(text, time):
    assert time_from(text) == time
    assert time_from(text).tzinfo is UTC


def test_a_time_of_another_zone_is_written_in_utc():
    assert time_text(datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))) == "2026-01-31T12:00:00Z"


def test_a_time_without_a_zone_is_not_written():
    with pytest.raises(ValueError, match="has no time zone"):
        time_text(datetime(2026, 1, 31))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    "value",
    ["", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-13-31T12:00:00Z", "20260131T120000Z", 1769860800, None],
    ids=repr,
)
def test_only_an_rfc_3339_time_is_read_as_a_time(value):
    with pytest.raises(ValueError, match="must be"):
        time_from(value)


def test_a_foreign_value_is_shown_short_and_on_one_line():
    text = shown("x\n" * 1000)
    assert len(text) == 60
    assert "\n" not in text
