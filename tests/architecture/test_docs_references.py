"""Paths, modules and names that Markdown pages mention in backticks exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from app.config import Settings

ROOT = Path(__file__).parents[2]
ROOT_FOLDERS = "alembic|app|bench|docs|openapi|requirements|tests"
PATH = re.compile(
    rf"(?<![\w./…-])(?P<path>(?:{ROOT_FOLDERS})/[\w./…*<>-]*[\w/>]|[\w-]+\.(?:py|sql))(?::(?P<name>[\w.]+))?"
)
PLACEHOLDER = re.compile("[…*<>]")
"""A path with a placeholder describes several files."""
CODE = re.compile(r"```.*?```|^    .*?$|`[^`\n]*`", re.DOTALL | re.MULTILINE)
IDENTIFIER = re.compile(r"(?<![…\w/.-])[A-Za-z]\w*_\w+(?![\w…/*])")
NAMES_OF_OTHER_SOFTWARE = {
    "security_invoker",
    "max_prepared_statements",
    "pg_dump",
    "pg_basebackup",
    "pg_upgrade",
    "pg_blocking_pids",
}
LINK = re.compile(r"\]\((?P<target>[^)\s:#]*)(?:#(?P<anchor>[^)\s]+))?\)")


def list_pages() -> list[Path]:
    folders = [ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md"), (ROOT / "bench").rglob("*.md")]
    return sorted(page for pages in folders for page in pages)


def list_sources() -> list[Path]:
    folders = ("app", "tests", "alembic", "bench")
    return [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in {".py", ".sql"}
    ]


def find_references(text: str) -> Iterator[re.Match[str]]:
    for code in re.findall(r"`([^`\n]+)`", text):
        yield from PATH.finditer(code)


def defined_names(path: Path) -> set[str]:
    """The names of classes, functions and constants of a module, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def find_stale_references(text: str) -> list[str]:
    """The references of a page to files that do not exist, or to names that the file does not define."""
    module_names = {path.name for path in list_sources()}
    stale = []
    for reference in find_references(text):
        path, name = reference["path"], reference["name"]
        if PLACEHOLDER.search(path):
            continue
        if "/" not in path:
            if path not in module_names:
                stale.append(path)
        elif not (ROOT / path).exists() or (name and name not in defined_names(ROOT / path)):
            stale.append(reference[0])
    return stale


def find_unknown_identifiers(text: str, known: set[str]) -> list[str]:
    """The identifiers with an underscore, in backticks, that no source contains."""
    outside_blocks = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    codes = [PATH.sub("", code) for code in re.findall(r"`([^`\n]+)`", outside_blocks)]
    used = {word for code in codes for word in IDENTIFIER.findall(code)}
    return sorted(used - known - NAMES_OF_OTHER_SOFTWARE)


def known_words() -> set[str]:
    """Every word of the sources, and the environment variable of every setting."""
    files = [
        *list_sources(),
        *(ROOT / "app").rglob("*.json"),
        ROOT / "openapi" / "openapi.json",
        ROOT / "Makefile",
    ]
    files.remove(Path(__file__))  # its comments name planted faults
    words = {word for file in files for word in re.findall(r"\w+", file.read_text())}
    return words | {f"FIRSTSTEP_{name.upper()}" for name in Settings.model_fields}


def heading_anchors(page: Path) -> set[str]:
    headings = re.findall(
        r"^#+ (.+)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def find_broken_links(page: Path) -> list[str]:
    """The relative links of a page to files that do not exist, or to headings that the target does not have."""
    broken = []
    for link in LINK.finditer(CODE.sub("", page.read_text())):
        target = (page.parent / link["target"]).resolve() if link["target"] else page
        anchor = link["anchor"]
        if not target.exists() or (anchor and anchor not in heading_anchors(target)):
            broken.append(link[0])
    return broken


def test_paths_and_names_in_markdown_exist() -> None:
    # Catches: `app/http/sessions.py` and `app/http/session.py:request_sesion` in docs/architecture.md.
    stale = {str(page.relative_to(ROOT)): find_stale_references(page.read_text()) for page in list_pages()}
    assert {page: references for page, references in stale.items() if references} == {}


def test_identifiers_in_markdown_occur_in_the_code() -> None:
    # Catches: `bind_acces_event` and `FIRSTSTEP_POOLSIZE` in docs/architecture.md.
    known = known_words()
    unknown = {
        str(page.relative_to(ROOT)): find_unknown_identifiers(page.read_text(), known)
        for page in list_pages()
    }
    assert {page: names for page, names in unknown.items() if names} == {}


def test_relative_links_in_markdown_lead_to_a_file_and_heading() -> None:
    # Catches: docs/decisions/0099-nothing.md as a link, and #limits-of-nothing as an anchor of docs/operations.md.
    broken = {str(page.relative_to(ROOT)): find_broken_links(page) for page in list_pages()}
    assert {page: links for page, links in broken.items() if links} == {}


def test_layers_in_the_architecture_page_are_the_generated_ones() -> None:
    # Catches: `services` and `kit` exchanged in docs/architecture.md.
    diagrams = [(ROOT / "docs" / name).read_text() for name in ("architecture.md", "diagrams.md")]
    first, generated = (re.findall(r"```mermaid.*?```", page, re.DOTALL)[0] for page in diagrams)
    assert first == generated


def test_stale_references_are_detected() -> None:
    page = (
        "`app/http/session.py:request_session`, `app/nothing.py`, `app/http/session.py:nothing`, `nothing.py`"
    )
    assert find_stale_references(page) == ["app/nothing.py", "app/http/session.py:nothing", "nothing.py"]
