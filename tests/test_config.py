"""Unknown settings and invalid values give one sentence each, which quotes no value."""

from collections.abc import Callable

import pytest

from app.config import InvalidSettings, get_settings, list_unknown_settings

read_settings: Callable[[], object] = get_settings.__wrapped__


def list_problems(monkeypatch: pytest.MonkeyPatch, **environment: str) -> list[str]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as error:
        read_settings()
    return error.value.problems


def test_unknown_setting_error_suggests_a_similar_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    # Catches: `list_unknown_settings` that returns nothing. Pydantic ignores unknown variables.
    assert list_problems(monkeypatch, FIRSTSTEP_REQURE_MFA="false", FIRSTSTEP_XYZ="1") == [
        "Unknown setting FIRSTSTEP_REQURE_MFA; did you mean FIRSTSTEP_REQUIRE_MFA?",
        "Unknown setting FIRSTSTEP_XYZ.",
    ]


def test_variables_of_other_programs_and_the_case_of_letters_are_ignored() -> None:
    assert list_unknown_settings(["PATH", "PGPASSWORD", "firststep_mode", "FIRSTSTEP_PORT"]) == []


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("FIRSTSTEP_WORKERS", "many", "must be a whole number"),
        ("FIRSTSTEP_WORKERS", "0", "must be at least 1"),
        ("FIRSTSTEP_POOL_SIZE", "-1", "must be at least 1"),
        ("FIRSTSTEP_REQUEST_SECONDS", "soon", "must be a number"),
        ("FIRSTSTEP_DOCS", "perhaps", "must be true or false"),
        ("FIRSTSTEP_MODE", "test", "must be 'demo' or 'production'"),
        ("PORT", "http", "must be a whole number"),
        ("PORT", "70000", "must be at most 65535"),
        ("FIRSTSTEP_ALLOWED_ORIGINS", "https://app.example", "must be a JSON list"),
        ("FIRSTSTEP_ALLOWED_ORIGINS", '["*"]', "must contain exact origins"),
        ("FIRSTSTEP_TRUSTED_PROXIES", '["proxy"]', "must contain addresses or networks"),
        ("FIRSTSTEP_PUBLIC_URL", "api.example.org/", "must be a URL such as https://"),
        ("FIRSTSTEP_DATABASE_URL", "mysql://root:s3cret@host/d", "must be a URL such as postgresql://"),
        ("FIRSTSTEP_DATABASE_URL", "postgresql://root:s3cret@host:port/d", "must be a URL such as"),
        ("FIRSTSTEP_DATABASE_URL", "postgresql://root:12/s3cret@host/d", "must be a URL such as"),
        ("FIRSTSTEP_DATABASE_URL", "postgresql://host/d?password=s3cret", "must be a URL such as"),
        ("FIRSTSTEP_SMTP_URL", "smtps://a:12/s3cret@mail.example.org", "must have the special characters"),
        ("FIRSTSTEP_ROLE_PREFIX", "First-Step", "must begin with a letter"),
        ("FIRSTSTEP_BREACHED_PASSWORDS_FILE", "/nowhere/list", "must be the path of a file"),
        ("FIRSTSTEP_ACCESS_TOKEN_SECONDS", "99999", "must be at most 3600"),
    ],
)
def test_invalid_value_gives_one_sentence_with_the_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    problems = list_problems(monkeypatch, **{variable: value})
    assert len(problems) == 1
    assert problems[0].startswith(f"{variable} {expected}")
    assert problems[0].endswith(".")
    assert "s3cret" not in problems[0]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["API"], "FIRSTSTEP_REPORTS_DATABASE_URL is missing"),
        (["REPORTS"], "FIRSTSTEP_API_DATABASE_URL is missing"),
        (["OWNER", "API"], "FIRSTSTEP_REPORTS_DATABASE_URL is missing"),
    ],
)
def test_some_but_not_all_database_urls_are_rejected(
    monkeypatch: pytest.MonkeyPatch, roles: list[str], expected: str
) -> None:
    urls = {f"FIRSTSTEP_{role}_DATABASE_URL": "postgresql://a:b@h/d" for role in roles}
    assert expected in list_problems(monkeypatch, **urls)[0]


def test_administrator_url_and_role_url_together_are_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    urls = dict.fromkeys(("FIRSTSTEP_DATABASE_URL", "FIRSTSTEP_OWNER_DATABASE_URL"), "postgresql://a:b@h/d")
    assert "not both" in list_problems(monkeypatch, **urls)[0]


def test_fault_of_two_settings_contains_both_names(monkeypatch: pytest.MonkeyPatch) -> None:
    # Catches: `_describe_fault` without the branch for an empty location.
    assert list_problems(monkeypatch, FIRSTSTEP_SMTP_URL="smtps://mail.example.org") == [
        "FIRSTSTEP_MAIL_FROM must be an e-mail address if FIRSTSTEP_SMTP_URL is set."
    ]


def test_empty_variable_means_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRSTSTEP_WORKERS", "")
    monkeypatch.setenv("FIRSTSTEP_ALLOWED_ORIGINS", "")
    read_settings()
