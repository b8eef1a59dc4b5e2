"""The installed packages: their licences are in NOTICE.md, and the unused dependencies of python-jose are missing."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNUSED_PACKAGES = ("ecdsa", "rsa", "pyasn1")
"""Packages that python-jose requires for algorithms and backends that the application does not use."""
SIGN_AND_VERIFY = f"""
import sys
sys.modules |= dict.fromkeys({UNUSED_PACKAGES})  # an import of a package that is None fails
import tests.support.environment
from app.main import create_app
from tests.support.forged_tokens import USER_ID, create_tokens, issue_token
create_app()
tokens = create_tokens()
assert tokens.verify_access_token(issue_token(tokens)).subject == USER_ID
"""
"""A program that starts the application and verifies an access token without the unused packages."""


def list_pinned_packages() -> set[str]:
    return set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements/run.txt").read_text(), re.MULTILINE))


def read_noticed_licences() -> dict[str, str]:
    """Return the licence by package, from the table in NOTICE.md."""
    rows = re.findall(r"^\| ([^|]+) \| (`[^|]+) \|$", (ROOT / "NOTICE.md").read_text(), re.MULTILINE)
    return {package: licence for licence, packages in rows for package in re.findall("`([^`]+)`", packages)}


def test_notice_contains_the_licence_of_every_package() -> None:
    # Catches: the row of fpdf2 removed.
    assert read_noticed_licences().keys() == list_pinned_packages()


def test_licences_in_the_notice_agree_with_the_installed_packages() -> None:
    # Catches: fpdf2 listed as MIT.
    for package, licence in read_noticed_licences().items():
        try:
            declared = metadata(package).json.get("license_expression")
        except PackageNotFoundError:
            continue  # a package for another operating system
        assert declared in {None, licence}, package


@pytest.mark.parametrize("package", UNUSED_PACKAGES)
def test_unused_dependency_is_not_pinned(package: str) -> None:
    for name in ("run", "dev"):
        assert not re.search(rf"^{package}==", (ROOT / f"requirements/{name}.txt").read_text(), re.MULTILINE)


def test_access_tokens_need_none_of_the_unused_dependencies() -> None:
    # Catches: `from jose.backends.rsa_backend import RSAKey` in app/access/tokens.py.
    program = [sys.executable, "-c", SIGN_AND_VERIFY]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
