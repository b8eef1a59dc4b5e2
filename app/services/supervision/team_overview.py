"""The overview of a team: caseloads, supervision meetings, numbers of waiting work, and the head of the agenda.

The number of queries does not depend on the number of workers or cases. Only the entries of the agenda show children.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Date, Float, Integer, Text, Uuid, bindparam, func, select, text
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.errors import NotFound
from app.kit.dates import today
from app.kit.reference_names import to_ref
from app.models import Team
from app.schemas.agenda import AgendaFilters
from app.schemas.team_overview import TeamOverview, TeamOverviewStages
from app.services.agenda.agenda import list_agenda_entries
from app.services.supervision.caseload_standards import WEIGHT_SQL, get_caseload_standard
from app.services.supervision.missing_data import select_missing_data

AGENDA_LENGTH = 10
COUNTED = NoShownRecord("the rows are only counted")
TEAM_QUERY = ReadQuery(
    select(col(Team.id), col(Team.name)).where(col(Team.id) == bindparam("team_id", type_=Uuid))
)
WORKERS_SQL = f"""
SELECT u.id, u.name, m.is_supervisor, coalesce(l.cases, 0) AS cases, coalesce(l.weight, 0)::float AS weight,
       coalesce(l.weight > k.cases_per_worker, false) AS is_over_limit, s.held_on, s.next_on
  FROM team_members m JOIN users u ON u.id = m.user_id
 CROSS JOIN caseload_standards k
  LEFT JOIN (SELECT c.lead_worker_id, count(*) AS cases, sum({WEIGHT_SQL}) AS weight
               FROM cases c CROSS JOIN caseload_standards k
              WHERE c.team_id = :team_id AND c.status <> 'closed' GROUP BY c.lead_worker_id) l ON l.lead_worker_id = u.id
  LEFT JOIN (SELECT DISTINCT ON (v.worker_id) v.worker_id, v.held_on, v.next_on
               FROM supervision_meetings v WHERE v.team_id = :team_id AND v.entered_in_error_at IS NULL
              ORDER BY v.worker_id, v.held_on DESC, v.created_at DESC, v.id DESC) s ON s.worker_id = u.id
 WHERE m.team_id = :team_id AND access.can_act(u.id, '{{social_worker,supervisor}}')
 ORDER BY u.name, u.id
"""  # noqa: S608 - a constant
COUNTS_SQL = """
WITH team_cases AS MATERIALIZED (
    SELECT c.id, c.status, c.next_review_on, c.lead_worker_id FROM cases c WHERE c.team_id = :team_id AND c.status <> 'closed'
), ids AS (SELECT array_agg(id) AS of_cases FROM team_cases)
SELECT count(*) FILTER (WHERE c.status = 'assessment') AS assessment,
       count(*) FILTER (WHERE c.status = 'planning') AS planning,
       count(*) FILTER (WHERE c.status = 'active') AS active,
       count(*) FILTER (WHERE c.status = 'exiting') AS exiting,
       count(*) FILTER (WHERE c.next_review_on < :today) AS overdue_reviews,
       count(*) FILTER (WHERE NOT access.can_act(c.lead_worker_id, '{social_worker,supervisor}')) AS unstaffed_cases,
       (SELECT count(*) FROM ids, assessments a WHERE a.case_id = ANY (ids.of_cases) AND a.status = 'submitted')
       + (SELECT count(*) FROM ids, care_plans p WHERE p.case_id = ANY (ids.of_cases) AND p.status = 'submitted')
       + (SELECT count(*) FROM ids, exit_plans e JOIN team_cases t ON t.id = e.case_id
           WHERE e.case_id = ANY (ids.of_cases) AND e.status = 'draft'
             AND (e.version > 1 OR e.ends_on IS NOT NULL OR t.status <> 'exiting'))
       + (SELECT count(*) FROM ids, disbursements d WHERE d.case_id = ANY (ids.of_cases) AND d.status = 'requested')
       AS waiting_approvals,
       (SELECT count(*) FROM referrals r
         WHERE r.team_id = :team_id AND r.status IN ('received', 'acknowledged', 'information_requested')) AS waiting_referrals
  FROM team_cases c
"""


def _build_query(sql: str, **column_types: Any) -> ReadQuery:
    types = {"team_id": Uuid, "today": Date}
    parameters: list[Any] = [
        bindparam(name, type_=type_) for name, type_ in types.items() if f":{name}" in sql
    ]
    rows = text(sql).bindparams(*parameters).columns(**column_types).subquery("rows")
    return ReadQuery(select(*rows.c), shows=COUNTED)


WORKERS_QUERY = _build_query(
    WORKERS_SQL, id=Uuid, name=Text, is_supervisor=Boolean, cases=Integer, weight=Float, is_over_limit=Boolean,
    held_on=Date, next_on=Date,
)  # fmt: skip
COUNTS_QUERY = _build_query(
    COUNTS_SQL,
    **dict.fromkeys(
        (
            *TeamOverviewStages.model_fields,
            "overdue_reviews",
            "unstaffed_cases",
            "waiting_approvals",
            "waiting_referrals",
        ),
        Integer,
    ),
)
_MISSING = select_missing_data("c.team_id = :of_team")
MISSING_QUERY = ReadQuery(
    select(_MISSING.c.worker_id, func.count().label("number")).group_by(_MISSING.c.worker_id), shows=COUNTED
)


async def get_team_overview(reader: RecordReader, caller: Caller, team_id: UUID) -> TeamOverview:
    """Return the overview of a team.

    Raises:
        NotFound: the team does not exist, or the caller does not supervise it.
    """
    if not caller.supervises_team(team_id):
        raise NotFound
    team = await reader.fetch_required(TEAM_QUERY, team_id=team_id)
    standard = await get_caseload_standard(reader)
    missing = {row.worker_id: row.number for row in await reader.fetch(MISSING_QUERY, of_team=team_id)}
    counts = (await reader.fetch_required(COUNTS_QUERY, team_id=team_id, today=today()))._asdict()
    stages = {name: counts.pop(name) for name in TeamOverviewStages.model_fields}
    workers = await reader.fetch(WORKERS_QUERY, team_id=team_id)
    entries = await list_agenda_entries(reader, caller, AgendaFilters(limit=AGENDA_LENGTH))
    return TeamOverview.model_validate(
        {
            "team": to_ref(team.id, team.name),
            "cases_per_worker": standard.cases_per_worker,
            "workers_per_supervisor": standard.workers_per_supervisor,
            "workers": [_build_worker(row, missing) for row in workers],
            "counts": {**counts, "open_cases": stages, "missing_data": sum(missing.values())},
            "agenda": entries.items,
        }
    )


def _build_worker(row: Any, missing: dict[str, int]) -> dict[str, Any]:
    return {
        "worker_id": row.id,
        "worker": to_ref(row.id, row.name),
        "is_supervisor": row.is_supervisor,
        "cases": row.cases,
        "weighted_cases": row.weight,
        "is_over_limit": row.is_over_limit,
        "missing_data": missing.get(row.id, 0),
        "last_meeting_on": row.held_on,
        "next_meeting_on": row.next_on,
    }
