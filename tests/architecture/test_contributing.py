"""The snippets of CONTRIBUTING.md are copies of the named files."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SNIPPET = re.compile(r"^```\w+ (?P<path>\S+)\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE)
QUOTED_FOLDERS = ("app/models", "alembic/sql", "app/schemas", "app/access", "app/http", "app/services", "app/routers", "tests")  # fmt: skip
"""Each step of the worked example quotes a file below one of these folders."""


def find_changed_snippets(page: str) -> list[str]:
    """The first lines of the snippets that do not occur in the file that they name."""
    changed = []
    for snippet in SNIPPET.finditer(page):
        file = ROOT / snippet["path"]
        if not file.exists() or f"\n{snippet['code']}" not in f"\n{file.read_text()}":
            changed.append(f"{snippet['path']}: {snippet['code'].partition(chr(10))[0].strip()}")
    return changed


def test_snippets_occur_verbatim_in_the_named_files() -> None:
    # Catches: `relationship: str` renamed to `relation: str` in app/models/people.py.
    assert find_changed_snippets((ROOT / "CONTRIBUTING.md").read_text()) == []


def test_worked_example_quotes_every_layer() -> None:
    # Catches: the snippet of app/routers/people.py removed.
    quoted = [snippet["path"] for snippet in SNIPPET.finditer((ROOT / "CONTRIBUTING.md").read_text())]
    assert [folder for folder in QUOTED_FOLDERS if not any(path.startswith(folder) for path in quoted)] == []


def test_changed_snippet_is_detected() -> None:
    page = '```python app/routers/people.py\nrouter = Router(tags=["peoples"])\n```\n'
    assert find_changed_snippets(page) == ['app/routers/people.py: router = Router(tags=["peoples"])']
