"""`make test` and the pre-commit hooks run the same commands, and a failed command fails the target."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RULE = re.compile(r"^(?P<target>[a-z-]+):(?P<prerequisites>[^#\n]*).*\n(?P<recipe>(?:\t.*\n)*)", re.MULTILINE)
HOOK_SETTING = re.compile(r"^ +(?:- )?(?P<key>repo|entry|language): (?P<value>.+)$", re.MULTILINE)


def read_makefile_rules() -> dict[str, re.Match[str]]:
    return {rule["target"]: rule for rule in RULE.finditer((ROOT / "Makefile").read_text())}


def read_hook_settings(key: str) -> list[str]:
    text = (ROOT / ".pre-commit-config.yaml").read_text()
    return [setting["value"] for setting in HOOK_SETTING.finditer(text) if setting["key"] == key]


def test_hooks_run_makefile_targets_that_make_test_runs() -> None:
    # Catches: `entry: ruff check .`; `contracts` removed from the prerequisites of `test`.
    entries = read_hook_settings("entry")
    assert entries == ["make lint", "make contracts"]
    checks = read_makefile_rules()["test"]["prerequisites"].split()
    assert {entry.removeprefix("make ") for entry in entries} <= set(checks)


def test_hooks_are_local_and_need_no_download() -> None:
    # Catches: `repo: https://github.com/astral-sh/ruff-pre-commit`; `language: python`.
    assert set(read_hook_settings("repo")) == {"local"}
    assert set(read_hook_settings("language")) == {"system"}


def test_checks_pass_on_the_exit_status_of_their_commands() -> None:
    # Catches: `lint-imports | tail -n 3`, whose exit status is that of `tail`.
    rules = read_makefile_rules()
    checks = rules["test"]["prerequisites"].split()
    assert "contracts" in checks
    for target in checks:
        assert rules[target]["recipe"], target
        assert not re.search(r"\||;|^\t-|\|\| true", rules[target]["recipe"], re.MULTILINE), target
