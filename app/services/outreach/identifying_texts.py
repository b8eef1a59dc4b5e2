"""Warn about texts of outreach activities that may contain personal data. Names without a title cannot be recognised."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Fault
from app.schemas.warnings import build_warning
from app.text_folding import fold_digits

TEXT_FIELDS = ("title", "venue", "description")
NAME_FIELDS = ("partner_names", "facilitator_agencies")
_PATTERNS = (
    re.compile(r"(?<![\d-])(?:\+|00|0|855)(?:[ .()-]?\d){7,}"),  # a phone number
    re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),  # an email address
    re.compile(r"\bFSC-\d{4}-\d+\b", re.IGNORECASE),  # a case number
    re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Dr)\b\.?\s+[^\W\d_]|\b(?:named|called)\s+[A-Z]"),  # a name after a title
    re.compile(r"ឈ្មោះ"),  # "name" in Khmer, which introduces a name
)
"""Patterns of personal data. They expect a text whose digits are folded to ASCII."""


def list_suspected_pointers(fields: Mapping[str, Any]) -> Iterator[str]:
    """Yield the pointer of each text that may contain personal data."""
    texts = {f"/{name}": fields.get(name) for name in TEXT_FIELDS}
    for name in NAME_FIELDS:
        texts |= {f"/{name}/{index}": text for index, text in enumerate(fields.get(name) or [])}
    for pointer, text in texts.items():
        if text and any(pattern.search(fold_digits(text)) for pattern in _PATTERNS):
            yield pointer


def check_personal_data(fields: Mapping[str, Any]) -> list[Fault]:
    """Return a warning for each text that may contain personal data."""
    return [build_warning(pointer, "personal_data") for pointer in list_suspected_pointers(fields)]
