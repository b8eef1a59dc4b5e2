"""The changelog, `pyproject.toml` and the guides agree on the version. `tests/test_cli.py` checks the printed version."""

import re
import tomllib
from datetime import date
from pathlib import Path

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
RELEASE = re.compile(r"^(?P<version>\d+\.\d+\.\d+) - (?P<day>\d{4}-\d{2}-\d{2})$")


def list_headings(changelog: str) -> list[str]:
    return re.findall(r"^## (.+)$", changelog, re.MULTILINE)


def find_version_faults(changelog: str, version: str) -> list[str]:
    """Return what is wrong with the headings of a changelog for a version of the project."""
    first, *others = list_headings(changelog)
    releases = [RELEASE.fullmatch(heading) for heading in others]
    faults = [] if first == "Unreleased" else ["the first section is not `Unreleased`"]
    faults += [
        f"not `version - date`: {text}" for text, found in zip(others, releases, strict=True) if not found
    ]
    numbers = [tuple(map(int, found["version"].split("."))) for found in releases if found]
    days = [date.fromisoformat(found["day"]) for found in releases if found]
    if numbers != sorted(set(numbers), reverse=True) or days != sorted(days, reverse=True):
        faults.append("the newest version is not the first one")
    if numbers and numbers[0] != tuple(map(int, version.split("."))):
        faults.append(f"pyproject.toml has the version {version}")
    if not numbers and f"the first one, {version}." not in changelog:
        faults.append("before the first release, `Unreleased` names its version")
    return faults


def test_newest_version_of_the_changelog_is_the_version_of_the_project() -> None:
    # Catches: `version = "0.2.0"` in pyproject.toml, and a heading `## 0.2.0`, each without the other.
    assert find_version_faults(CHANGELOG, VERSION) == []


def test_faults_of_versions_are_detected() -> None:
    head = "## Unreleased\n\n## 0.2.0 - 2027-02-28\n\n## 0.1.0 - 2026-12-31\n"
    assert find_version_faults(head, "0.2.0") == []
    assert find_version_faults(head, "0.3.0") == ["pyproject.toml has the version 0.3.0"]
    assert find_version_faults(head.replace("0.2.0 - 2027-02-28", "v0.2.0"), "0.1.0") == [
        "not `version - date`: v0.2.0"
    ]
    assert find_version_faults(head.replace("2027-02", "2026-02"), "0.2.0") == [
        "the newest version is not the first one"
    ]
    assert find_version_faults("## Unreleased\n", "0.1.0") == [
        "before the first release, `Unreleased` names its version"
    ]


def test_guides_describe_a_release_by_tag() -> None:
    # Catches: another form of the tag in docs/upgrading.md than in CONTRIBUTING.md.
    for page in ("CONTRIBUTING.md", "docs/upgrading.md"):
        tags = set(
            re.findall(r"(?:tag --annotate|push origin|checkout) (v?[\d.]+)", (ROOT / page).read_text())
        )
        assert tags == {"v0.2.0"}, page
