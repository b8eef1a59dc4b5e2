"""The Dockerfile, `compose.yaml` and the files in `deploy/` agree with the code, with each other and with the repository."""

import re
from fnmatch import fnmatch
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.config import Settings, get_settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
DEPLOY_FILES = sorted((ROOT / "deploy").iterdir())
APP_SERVICES = ("migrate", "api")
"""The services that run the image of this repository."""
OPERATOR_VARIABLES = {
    "POSTGRES_PASSWORD": "p",
    "FIRSTSTEP_OWNER_PASSWORD": "o",
    "FIRSTSTEP_API_PASSWORD": "a",
    "FIRSTSTEP_REPORTS_PASSWORD": "r",
    "FIRSTSTEP_DOMAIN": "api.example.org",
}
"""The variables that the head of `compose.yaml` writes to `var/compose.env`. They are no settings."""
SUBSTITUTION = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<text>[^}]*))?\}")
PASSWORD_LOOP = re.compile(r"for name in (?P<names>[A-Z_ ]+); do")
METRIC = re.compile(r"\bfirst_step_[a-z_]+")
METRIC_SUFFIX = re.compile(r"_(?:count|sum|bucket|total)$")


def substitute(text: str) -> str:
    """Replace the variables of a value as Compose does. A variable without a value and default is an error."""

    def replace(reference: re.Match[str]) -> str:
        is_optional = reference["kind"] == "-"
        return OPERATOR_VARIABLES.get(reference["name"]) or (
            reference["text"] if is_optional else pytest.fail(reference[0])
        )

    return SUBSTITUTION.sub(replace, text)


def read_environment(service: str) -> dict[str, str]:
    environment = COMPOSE["services"][service]["environment"]
    return {name: substitute(str(value)) for name, value in environment.items()}


def read_image_environment() -> dict[str, str]:
    (line,) = re.findall(r"^ENV (.+)$", DOCKERFILE, re.MULTILINE)
    return dict(pair.split("=", 1) for pair in line.split())


def list_copied_sources() -> list[str]:
    copies = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    return [source for copy in copies for source in copy.split()[:-1]]


def is_in_build_context(path: str) -> bool:
    """Return whether the last matching line of `.dockerignore` includes a path."""
    included = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and fnmatch(path, pattern):
            included = line.startswith("!")
    return included


@pytest.mark.parametrize("service", APP_SERVICES)
def test_compose_environment_consists_of_valid_settings(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: FIRSTSTEP_TRUSTED_PROXY; an origin without brackets; FIRSTSTEP_REPORTS_DATABASE_URL missing in `api`.
    environment = read_image_environment() | read_environment(service)
    for name, value in environment.items():
        if name != "PATH":
            monkeypatch.setenv(name, value)
    settings = get_settings.__wrapped__()
    assert settings.mode == "production"
    assert not settings.uses_embedded_server
    assert settings.key_ring_path == Path("/keys/keys.json")


def test_variables_in_installation_files_are_settings() -> None:
    # Catches: FIRSTSTEP_WORKER in compose.yaml, FIRSTSTEP_HOMES in a service of systemd.
    known = {f"FIRSTSTEP_{name.upper()}" for name in Settings.model_fields} | OPERATOR_VARIABLES.keys()
    files = [ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "Makefile", *DEPLOY_FILES]
    texts = {file.name: PASSWORD_LOOP.sub("", file.read_text()) for file in files}
    used = {(file, name) for file, text in texts.items() for name in re.findall(r"FIRSTSTEP_[A-Z_]+", text)}
    assert {(file, name) for file, name in used if name not in known} == set()


def test_head_of_compose_file_writes_the_variables_of_the_operator() -> None:
    # Catches: FIRSTSTEP_REPORTS missing in the loop that generates the passwords.
    (loop,) = PASSWORD_LOOP.finditer(COMPOSE_TEXT)
    written = {f"{name}_PASSWORD" for name in loop["names"].split()} | {"FIRSTSTEP_DOMAIN"}
    assert written == OPERATOR_VARIABLES.keys()
    required = {
        reference["name"] for reference in SUBSTITUTION.finditer(COMPOSE_TEXT) if reference["kind"] == "?"
    }
    assert required == written


def test_serving_container_has_no_credentials_of_other_roles() -> None:
    # Catches: FIRSTSTEP_OWNER_DATABASE_URL in the environment of `api`, and the key ring mounted writable there.
    api = COMPOSE["services"]["api"]
    assert not {"OWNER", "BACKUP", "POSTGRES"} & {
        part for name in api["environment"] for part in name.split("_")
    }
    assert "keys:/keys:ro" in api["volumes"]


def test_compose_services_volumes_and_networks_are_declared() -> None:
    # Catches: a volume, a network or a service renamed in one place.
    services = COMPOSE["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= services.keys(), name
        assert set(service.get("networks", [])) <= COMPOSE["networks"].keys(), name
        assert {config["source"] for config in service.get("configs", [])} <= COMPOSE["configs"].keys(), name
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert (ROOT / source).is_file() if source.startswith("./") else source in COMPOSE["volumes"], (
                volume
            )


def test_directories_of_the_image_are_the_mounted_ones() -> None:
    # Catches: FIRSTSTEP_KEYS_FILE moved to another directory than the volume `keys`.
    image = read_image_environment()
    mounts = {volume.split(":")[1] for volume in COMPOSE["services"]["api"]["volumes"]}
    assert image["FIRSTSTEP_HOME"] in mounts
    assert str(Path(image["FIRSTSTEP_KEYS_FILE"]).parent) in mounts
    (created,) = re.findall(r"install -d -o firststep -g firststep -m 0700 (.+)", DOCKERFILE)
    assert set(created.split()) == mounts - {"/var/run/postgresql"}


def test_api_trusts_the_address_of_the_proxy() -> None:
    # Catches: another address of the proxy, whose X-Forwarded-For would then be ignored.
    address = COMPOSE["services"]["proxy"]["networks"]["proxy"]["ipv4_address"]
    assert read_environment("api")["FIRSTSTEP_TRUSTED_PROXIES"] == f'["{address}"]'
    (subnet,) = (network["subnet"] for network in COMPOSE["networks"]["proxy"]["ipam"]["config"])
    assert ip_address(address) in ip_network(subnet)
    port = re.search(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert port
    assert f"reverse_proxy api:{port[1]} " in (ROOT / "deploy/Caddyfile").read_text()
    assert Settings().port == int(port[1])


def test_copied_files_exist_in_the_build_context_and_are_all_that_the_program_reads() -> None:
    # Catches: `!openapi` deleted from .dockerignore; `COPY alembic alembic` deleted; LICENSE renamed.
    copied = list_copied_sources()
    assert all((ROOT / source).exists() for source in copied)
    assert [source for source in copied if not is_in_build_context(source)] == []
    assert not is_in_build_context("var/keys.json")
    assert {"pyproject.toml", "alembic", "app", "openapi"} <= set(copied)


def test_build_stage_makes_the_files_readable_for_the_user_of_the_container() -> None:
    # Catches: a COPY of the repository in the last stage, which keeps the modes of a clone with a umask of 077.
    build, image = DOCKERFILE.split("\nFROM ")[-2:]
    assert "chmod -R go=rX /srv" in build
    assert set(re.findall(r"^COPY (\S+)", image, re.MULTILINE)) == {"--from=build"}


def test_initial_passwords_are_set_for_the_roles_of_the_roles_file() -> None:
    # Catches: a login role added to alembic/roles.sql without a password in compose.yaml.
    roles = (ROOT / "alembic/roles.sql").read_text()
    login_roles = re.findall(r"^ALTER ROLE (\w+) LOGIN", roles, re.MULTILINE)
    assert len(login_roles) > 2
    assert re.findall(r"ALTER ROLE (\w+) PASSWORD", COMPOSE_TEXT) == login_roles


@pytest.mark.parametrize("service", ["first-step.service", "first-step-migrate.service"])
def test_systemd_services_agree_with_the_guide(service: str) -> None:
    # Catches: another directory of the program, or another file with settings, than in docs/operations.md.
    guide = (ROOT / "docs/operations.md").read_text()
    unit = (ROOT / "deploy" / service).read_text()
    for key in ("WorkingDirectory", "EnvironmentFile", "ExecStart"):
        (value,) = re.findall(rf"^{key}=(.+)$", unit, re.MULTILINE)
        assert value.removesuffix(" run").removesuffix(" migrate") in guide, key
    assert f"deploy/{service}" in guide


def test_alert_rules_use_metrics_of_the_server() -> None:
    # Catches: first_step_job_failed in deploy/alert-rules.yaml.
    source = (ROOT / "app/server/metrics/prometheus.py").read_text()
    rules = yaml.safe_load((ROOT / "deploy/alert-rules.yaml").read_text())["groups"][0]["rules"]
    used = {METRIC_SUFFIX.sub("", name) for rule in rules for name in METRIC.findall(rule["expr"])}
    assert len(used) > 5
    assert used <= set(METRIC.findall(source))
    scrape = yaml.safe_load((ROOT / "deploy/prometheus.yaml").read_text())
    assert scrape["rule_files"] == ["alert-rules.yaml"]
    assert {config["job_name"] for config in scrape["scrape_configs"]} == set(
        re.findall(r'job="([\w-]+)"', str(rules))
    )
