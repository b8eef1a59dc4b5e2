"""The fields that each open case and its records should have: one table of rules.

A rule reads plain columns only. `c` is the case, `h` its child, `r` the record of the rule.
"""

from typing import NamedTuple


class Rule(NamedTuple):
    """A field that is missing in a record if the condition holds."""

    kind: str
    """Code of the list `missing_data_kind`."""
    condition: str
    record_kind: str = "case"
    """Kind of the record that is completed. A missing record is added to the case."""
    field: str | None = None
    """JSON pointer of the field; None if a whole record is missing."""
    record_id: str = "c.id"
    source: str = ""
    """JOIN of the record `r`."""
    worker_id: str = "c.lead_worker_id"
    """Id of the worker who can complete the field."""


CHILD = "JOIN children h ON h.id = c.child_id"
HELD = "r.status = 'held' AND r.entered_in_error_at IS NULL"
RULES = (
    Rule("child_birth", "NOT h.has_birth", "child", "/birth", "c.child_id", CHILD),
    Rule("child_sex", "h.sex = 'unknown'", "child", "/sex", "c.child_id", CHILD),
    Rule("province", "h.province_code IS NULL", "child", "/place_code", "c.child_id", CHILD),
    Rule(
        "supporter",
        "NOT EXISTS (SELECT FROM people r WHERE r.case_id = c.id AND r.role = 'supporter' AND r.entered_in_error_at IS NULL)",
    ),
    Rule(
        "responsible_person",
        "NOT EXISTS (SELECT FROM people r WHERE r.case_id = c.id AND r.is_responsible AND r.entered_in_error_at IS NULL)",
    ),
    Rule(
        "consent",
        "NOT EXISTS (SELECT FROM consents r WHERE r.case_id = c.id AND r.status = 'given' AND r.withdrawn_at IS NULL"
        " AND r.entered_in_error_at IS NULL)",
    ),
    Rule("risk_level", "c.risk_level IS NULL AND c.status <> 'assessment'"),
    Rule(
        "session_record",
        "r.status = 'planned' AND r.planned_at < now() - interval '3 days' AND r.entered_in_error_at IS NULL",
        "support_session", "/held_at", "r.id", "JOIN support_sessions r ON r.case_id = c.id", "r.worker_id",
    ),
    Rule(
        "session_areas",
        f"{HELD} AND r.areas = '{{}}'",
        "support_session", "/areas", "r.id", "JOIN support_sessions r ON r.case_id = c.id", "r.worker_id",
    ),
    Rule(
        "exit_conditions",
        "c.status = 'exiting' AND r.status = 'draft' AND r.conditions_met = '{}' AND r.conditions_unmet = '{}'",
        "exit_plan", "/checklist", "r.id", "JOIN exit_plans r ON r.case_id = c.id",
    ),
)  # fmt: skip
FIELDS = {rule.kind: rule.field for rule in RULES}


def build_missing_sql(cases: str) -> str:
    """Return the SELECT of the missing data of the cases of a CTE: kind, case_id, record_kind, record_id, worker_id."""
    return " UNION ALL ".join(
        f"SELECT '{rule.kind}' AS kind, c.id AS case_id, '{rule.record_kind}' AS record_kind, {rule.record_id} AS record_id,"  # noqa: S608 - constants
        f" {rule.worker_id} AS worker_id FROM {cases} c {rule.source} WHERE {rule.condition}"
        for rule in RULES
    )
