"""docs/database.md matches the catalog, and every policy, function, trigger and constraint has a short comment."""

from pathlib import Path

import asyncpg
import pytest

from app.database.urls import to_driver_url
from app.server import docs_database
from tests.support.scenario import Scenario

PAGE = Path("docs/database.md").read_text()
RULES = {
    "policy": "SELECT polname || ' ON ' || polrelid::regclass AS name, obj_description(oid, 'pg_policy') AS comment FROM pg_policy",
    "function": """
        SELECT oid::regprocedure::text AS name, obj_description(oid, 'pg_proc') AS comment FROM pg_proc
         WHERE pronamespace::regnamespace::text IN ('access', 'ledger')""",
    "trigger": """
        SELECT t.tgname || ' ON ' || c.relname AS name, obj_description(t.oid, 'pg_trigger') AS comment
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid
         WHERE NOT t.tgisinternal AND NOT c.relispartition AND f.pronamespace::regnamespace::text IN ('access', 'ledger')""",
    "constraint": """
        SELECT conname AS name, obj_description(oid, 'pg_constraint') AS comment
          FROM pg_constraint
         WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND coninhcount = 0
           AND (pg_get_constraintdef(oid) !~ 'ARRAY\\[' OR obj_description(oid, 'pg_constraint') IS NOT NULL)""",
}
"""Catalog queries for the rules and their comments; a constraint that lists values needs no comment."""


@pytest.mark.parametrize("kind", RULES)
async def test_database_rules_have_a_comment_of_at_most_three_sentences(
    scenario: Scenario, kind: str
) -> None:
    # Catches: the comments of the policy visible_with_case ON goals, the function access.prevent_change() and the
    # trigger record_contributor ON care_plans, and the constraint ck_feedback_rating deleted; three further sentences in a comment on consents.
    connection = await asyncpg.connect(to_driver_url(scenario.urls.owner))
    try:
        rules = await connection.fetch(RULES[kind])
    finally:
        await connection.close()
    assert rules
    invalid_comments = {
        rule["name"]: rule["comment"]
        for rule in rules
        if not (rule["comment"] or "").endswith(".") or rule["comment"].count(". ") > 2
    }
    assert invalid_comments == {}


async def test_database_page_matches_the_catalog(scenario: Scenario) -> None:
    # Catches: the CHECK constraint on goals.status without 'dropped'.
    introduction, marker, generated = PAGE.partition(docs_database.MARKER)
    assert introduction.startswith("# Database rules")
    expected = await docs_database.render_database_rules(scenario.urls.owner)
    assert marker + generated == expected, "run `make database-docs`"
