import pytest

from app.http.problem_details import get_preferred_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("km", "km"),
        ("KM", "km"),
        ("en;q=0.2, km;q=0.3", "km"),
        ("km;q=0", "en"),
        ("*", "en"),
        ("km;q=x", "en"),
        ("fr", "en"),
        ("km;q=nan", "en"),
        (",,;;=", "en"),
    ],
)
def test_language_with_highest_weight_is_selected(header: str, language: str) -> None:
    assert get_preferred_language(header) == language
