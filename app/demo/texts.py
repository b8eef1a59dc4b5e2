"""What the demonstration says, in English and in Khmer: invented, plain and gentle."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

_TEXTS_FILE = Path(__file__).with_name("texts.json")


@cache
def _load_texts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_TEXTS_FILE.read_bytes())
    return found


@dataclass(frozen=True, slots=True)
class TextPicker:
    """How one child's records are written: in one of the two languages, in words drawn for this child."""

    is_khmer: bool
    rng: Random

    def choose_text(self, *path: str) -> str:
        """Return words for something, by where they stand in `texts.json`."""
        words = self.rng.choice(self.list_entries(*path))
        return str(words[-1] if self.is_khmer else words[-2])

    def list_entries(self, *path: str) -> list[list[str]]:
        """Return everything that could be said: the two languages last, before them perhaps a code that goes with it."""
        found: Any = _load_texts()
        for name in path:
            found = found[name]
        return found if isinstance(found[0], list) else [found]

    def list_codes(self, *path: str) -> list[str]:
        """Return what there are words for."""
        found: Any = _load_texts()
        for name in path:
            found = found[name]
        return list(found)

    def get_text(self, entry: list[str]) -> str:
        """Return an entry in the child's language."""
        return entry[-1] if self.is_khmer else entry[-2]
