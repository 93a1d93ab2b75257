import time

import pytest

from modelsafeguard.core.patterns import PatternError, fullmatch


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        pytest.param("full|small|noisy", "small", True, id="one of the alternatives"),
        pytest.param("full|small|noisy", "smaller", False, id="not the beginning of the value only"),
        pytest.param("full|small|noisy", "", False, id="not nothing"),
        pytest.param("^(?:full|small)$", "full", True, id="anchors and groups that do not capture, as people write them"),
        pytest.param("[a-z0-9]+(-[a-z0-9]+)*", "a-b2-c", True, id="a repeat in a repeat"),
        pytest.param("[a-z0-9]+(-[a-z0-9]+)*", "a--b", False, id="a repeat in a repeat needs its parts"),
        pytest.param(r"v\d+\.\d{1,3}", "v1.250", True, id="digits, counted"),
        pytest.param(r"v\d+\.\d{1,3}", "v1.2500", False, id="digits, counted: one too many"),
        pytest.param(r"\d", "٣", False, id="digits are ASCII, as in RE2"),
        pytest.param("[^a-c]", "d", True, id="a negated class"),
        pytest.param(r"[\]\-]{2,}", "]-]", True, id="escapes in a class, open count"),
        pytest.param("a??b*?", "abb", True, id="reluctant repeats match the same whole"),
        pytest.param(".", "\n", False, id="a dot is no line break"),
        pytest.param("full$", "full\n", False, id="a dollar is the very end"),
        pytest.param("", "", True, id="the empty pattern matches nothing else"),
    ],
)
def test_a_value_matches_as_a_whole_or_not_at_all(pattern, value, matches):
    assert fullmatch(pattern, value) is matches


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a)",
        "*a",
        "[",
        "a**",
        "a*+",
        r"\1",
        "(?=a)",
        "[z-a]",
        "a{3,1}",
        "((a{0,999}){0,999}){0,999}b",
        "[a--b]",
    ],
)
def test_what_is_not_supported_is_refused_and_not_guessed(pattern):
    with pytest.raises(PatternError):
        fullmatch(pattern, "a")


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|a)*b", "((a*)*)*b", "(a?){256}(a?){256}b", "a*" * 100 + "b", "(.*)*" * 40 + "b"],
)
def test_no_pattern_keeps_the_operator_busy(pattern):
    began = time.process_time()
    assert not fullmatch(pattern, "a" * 256)
    assert time.process_time() - began < 1
