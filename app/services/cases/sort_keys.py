"""Sort keys of the list of cases: SQL expressions that are never NULL, each with an index.

A cursor compares the sort key and the id with those of the last row as one tuple. A NULL in this comparison would hide
rows. The keys use CASE, because PostgreSQL does not use an index for a condition with COALESCE under row-level security.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, case, text
from sqlalchemy.orm import Mapped
from sqlmodel import col

from app.models import Case

NEXT_REVIEW_KEY = case(
    (col(Case.next_review_on).is_(None), text("'infinity'::date")), else_=col(Case.next_review_on)
)
"""Cases without a next review come after all others."""
LAST_CONTACT_KEY = case(
    (col(Case.last_contact_on).is_(None), text("'-infinity'::date")), else_=col(Case.last_contact_on)
)
"""Cases without a contact come before all others."""
RISK_LEVEL_KEY = case({"high": 3, "medium": 2, "low": 1}, value=col(Case.risk_level), else_=0)
"""Ascending order: cases without an approved assessment, then low, medium and high risk."""

SORT_KEYS: Mapping[str, ColumnElement[Any] | Mapped[Any]] = MappingProxyType(
    {
        "number": col(Case.number),
        "opened_on": col(Case.opened_on),
        "next_review_on": NEXT_REVIEW_KEY,
        "last_contact_on": LAST_CONTACT_KEY,
        "risk_level": RISK_LEVEL_KEY,
    }
)
"""Sort key by the name of the field, in ascending order. The id makes the order unique."""
