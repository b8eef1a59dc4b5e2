"""PostgreSQL evaluates the subqueries of row policies for each row, by index."""

import re
from pathlib import Path

TABLES = Path(__file__).parents[2] / "alembic" / "sql" / "tables"
SELECT_POLICY = re.compile(r"CREATE POLICY (\w+) ON (\w+)(?: AS RESTRICTIVE)? FOR SELECT (.*?);\n", re.DOTALL)
SUBQUERY = re.compile(r"EXISTS \(SELECT FROM public\.(?!team_members)")
"""A subquery on a large table."""


def test_subqueries_of_select_policies_end_with_an_offset() -> None:
    # Catches: OFFSET 0 removed from the policy visible_with_case of people.
    policies = [
        match
        for file in sorted(TABLES.glob("*.sql"))
        for match in SELECT_POLICY.finditer(file.read_text())
        if SUBQUERY.search(match[3])
    ]
    assert len(policies) >= 25
    assert [
        f"{name} ON {table}"
        for name, table, text in (match.groups() for match in policies)
        if len(SUBQUERY.findall(text)) != text.count("OFFSET 0")
    ] == []
