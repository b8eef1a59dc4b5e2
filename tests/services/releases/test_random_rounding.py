"""Random rounding: the two neighbours of a count, on average the count itself, and always the same for one label."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.releases.random_rounding import ROUNDING_BASE, build_cell_label, round_randomly

KEY = b"a key of tests, always the same."


@given(st.integers(0, 10**6), st.binary(max_size=40), st.binary(min_size=32, max_size=32))
def test_published_count_is_a_multiple_of_five_next_to_the_true_count(
    count: int, label: bytes, key: bytes
) -> None:
    published = round_randomly(count, label, key)
    assert published % ROUNDING_BASE == 0
    assert abs(published - count) < ROUNDING_BASE
    assert published == round_randomly(count, label, key)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 13])
def test_published_counts_are_right_on_average(count: int) -> None:
    # Catches: rounding to the nearest multiple.
    labels = [str(number).encode() for number in range(4000)]
    mean = sum(round_randomly(count, label, KEY) for label in labels) / len(labels)
    assert mean == pytest.approx(count, abs=0.15)


def test_larger_counts_with_one_label_are_never_published_as_smaller_ones() -> None:
    published = [round_randomly(count, b"new_cases|2026-Q1|sex=male", KEY) for count in range(100)]
    assert published == sorted(published)


def test_label_contains_each_part_and_ignores_the_order_of_dimensions() -> None:
    label = build_cell_label("new_cases", "2026-Q1", {"sex": "male", "kind": "hsb"})
    assert label == b"new_cases|2026-Q1|kind=hsb|sex=male"
    assert label == build_cell_label("new_cases", "2026-Q1", {"kind": "hsb", "sex": "male"})


@pytest.mark.parametrize(
    ("report", "period", "values"),
    [("a|b", "2026", {}), ("a", "2026|Q1", {}), ("a", "2026", {"sex": "m|f"}), ("a", "2026", {"sex=m": "f"})],
)
def test_label_with_a_separator_in_a_part_is_rejected(
    report: str, period: str, values: dict[str, str]
) -> None:
    with pytest.raises(ValueError, match="separators"):
        build_cell_label(report, period, values)


def test_negative_count_is_rejected() -> None:
    with pytest.raises(ValueError, match="negative"):
        round_randomly(-1, b"", KEY)
