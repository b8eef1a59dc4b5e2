"""What the fields mean, and what a request may look like: words for the API's description.

A field is described by `Field(description=…)`, or in `glossary.json`: by its name, or by `Schema.name` where a schema
means something of its own. `examples/*.json` hold invented request bodies by schema, or by operation where the body
is a form.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_SCHEMAS_DIRECTORY = Path(__file__).parent


def get_field_description(schema: str, field: str) -> str | None:
    """Return what a field of a schema means; None where nobody wrote it down.

    Patches are named after what they change (`PersonPatchPhone`), so the longest ending of the schema's name counts.
    """
    words = _load_glossary()
    endings = (f"{schema[start:]}.{field}" for start in range(len(schema)))
    return next((words[name] for name in endings if name in words), words.get(field))


@cache
def load_examples() -> Mapping[str, dict[str, Any]]:
    """Return the examples of every schema that has some: by name, each with a summary and a value."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((_SCHEMAS_DIRECTORY / "examples").glob("*.json")):
        found |= json.loads(path.read_bytes())
    return found


@cache
def _load_glossary() -> Mapping[str, str]:
    found: dict[str, str] = json.loads((_SCHEMAS_DIRECTORY / "glossary.json").read_bytes())
    return found
