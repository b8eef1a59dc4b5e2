"""The settings that `config show` prints."""

from pathlib import Path

import pytest

from app.config import Settings
from app.database.urls import DatabaseUrls
from app.server.effective_settings import EffectiveSetting, list_effective_settings, mask_password

SECRETS = {
    "FIRSTSTEP_OWNER_DATABASE_URL": "postgresql://o:secret-1@db.example.org:5432/first?application_name=secret-2",
    "FIRSTSTEP_API_DATABASE_URL": "postgresql://a:secret-3@/first?host=/run/postgresql",
    "FIRSTSTEP_REPORTS_DATABASE_URL": "postgresql://r:secret-4@db.example.org/first",
    "FIRSTSTEP_SMTP_URL": "smtps://mail:secret-5@mail.example.org",
    "FIRSTSTEP_MAIL_FROM": "First Step <a@example.org>",
    "FIRSTSTEP_KEYS": "secret-6",
}


def find_settings(settings: Settings, environment: dict[str, str]) -> dict[str, EffectiveSetting]:
    return {setting.variable: setting for setting in list_effective_settings(settings, environment)}


def build_settings(environment: dict[str, str]) -> Settings:
    values = {name.lower().removeprefix("firststep_"): value for name, value in environment.items()}
    return Settings.model_validate(values)


def test_secrets_are_masked() -> None:
    # Catches: `_get_effective_setting` without `mask_password`; the query kept by `mask_password`.
    shown = find_settings(build_settings(SECRETS), SECRETS)
    assert "secret" not in repr(shown)
    owner = shown["FIRSTSTEP_OWNER_DATABASE_URL"]
    assert owner.value == "postgresql://o:***@db.example.org:5432/first"
    assert {shown[name].source for name in SECRETS} == {"environment"}
    assert shown["FIRSTSTEP_KEYS"].value == "***"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a:secret@[::1/first",
        "postgresql://a:12/secret@db/first",
        "postgresql://a:12#secret@db/first",
        "smtps://a:12?secret@mail.example.org",
    ],
)
def test_url_without_a_visible_end_of_its_password_is_hidden_completely(url: str) -> None:
    assert mask_password(url) == "***"


def test_source_of_a_setting_is_environment_default_or_file(tmp_path: Path) -> None:
    # Catches: the source `default` for every value; names of the environment compared with case.
    DatabaseUrls(*(f"postgresql://{role}:secret@/first" for role in ("o", "a", "r"))).save(tmp_path)
    shown = find_settings(Settings(home=tmp_path, port=9), {"port": "9", "FIRSTSTEP_WORKERS": ""})
    assert shown["PORT"] == EffectiveSetting("PORT", 9, "environment")
    assert shown["FIRSTSTEP_WORKERS"].source == "default"
    api = EffectiveSetting(
        "FIRSTSTEP_API_DATABASE_URL", "postgresql://a:***@/first", str(tmp_path / "api.url")
    )
    assert shown["FIRSTSTEP_API_DATABASE_URL"] == api


def test_every_setting_is_listed() -> None:
    assert len(find_settings(Settings(), {})) == len(Settings.model_fields)
