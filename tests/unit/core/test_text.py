import pytest

from modelsafeguard.core.text import duration


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (7 * 86_400, "7 days"),
        (86_400, "1 day"),
        (36 * 3_600, "36 hours"),
        (3_600, "1 hour"),
        (5_400, "90 minutes"),
        (60, "1 minute"),
        (61, "61 seconds"),
    ],
)
def test_a_duration_is_said_exactly_in_the_largest_unit_that_can(seconds, said):
    assert duration(seconds) == said
