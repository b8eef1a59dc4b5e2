"""Copy an invented caseload in plain text into the tables of `plain`."""

import json
from collections.abc import Callable
from datetime import date

import asyncpg

from bench.caseload import InventedCase, Organisation, Row, case_dates, copy_rows, format_case_number


async def fill_plain(
    connection: asyncpg.Connection, organisation: Organisation, cases: list[InventedCase]
) -> None:
    """Copy the caseload, and analyze the tables."""
    users = [
        *(
            (worker_id, f"w{number}@bench.example", "social_worker", organisation.get_team_id(number), None)
            for number, worker_id in enumerate(organisation.worker_ids)
        ),
        (organisation.supervisor_id, "s@bench.example", "supervisor", organisation.team_ids[0], None),
        (organisation.api_client_id, "p@bench.example", "partner", None, organisation.agency_id),
    ]
    await copy_rows(connection, "users", ("id", "email", "role", "team_id", "agency_id"), users)
    await copy_rows(
        connection,
        "children",
        ("id", "sex", "nickname", "birth_date", "names"),
        map(_build_plain_child, cases),
    )
    build_case = _plain_case_builder(organisation)
    await copy_rows(connection, "cases", PLAIN_CASE_COLUMNS, map(build_case, cases))
    await connection.execute("VACUUM ANALYZE")


PLAIN_CASE_COLUMNS = (
    "id", "version", "number", "child_id", "kind", "status", "team_id", "lead_worker_id", "co_worker_ids", "referral_id",
    "opened_on", "closed_on", "next_review_on", "age_at_referral_min", "age_at_referral_max", "province_code", "summary",
    "created_at", "updated_at",
)  # fmt: skip


def _build_plain_child(case: InventedCase) -> Row:
    birth = case.referral["child"]["birth"]
    birth_date = date.fromisoformat(birth["date"]) if birth and birth["date"] else None
    names = json.dumps(case.child["names"])
    return (case.child_id, case.child["sex"], case.child["nickname"], birth_date, names)


def _plain_case_builder(organisation: Organisation) -> Callable[[InventedCase], Row]:
    def build_case(case: InventedCase) -> Row:
        co_worker_ids = [] if case.co_worker is None else [organisation.worker_ids[case.co_worker]]
        return (
            case.case_id, 1, format_case_number(case), case.child_id, case.kind, case.status, organisation.get_team_id(case.worker), organisation.worker_ids[case.worker],
            co_worker_ids, case.referral_id, *case_dates(case), 9, 10, case.child["place_code"], case.summary, case.opened_at, case.opened_at,
        )  # fmt: skip

    return build_case
