"""Read supervision meetings with their actions and the discussed cases that the caller can see."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, exists, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader, ShownRecord
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery, is_one_of
from app.kit.reference_names import staff_names, team_name, to_ref, to_staff_refs
from app.models import Case, SupervisionAction, SupervisionMeeting, SupervisionNotes
from app.schemas.supervision_meetings import SupervisionAction as SupervisionActionSchema
from app.schemas.supervision_meetings import SupervisionMeeting as SupervisionMeetingSchema
from app.schemas.supervision_meetings import SupervisionMeetingFilters, SupervisionMeetingList

NO_CHILD = NoShownRecord("the discussed cases are read and logged by a separate query")
MEETING_FIELDS = [
    name for name in SupervisionMeetingSchema.model_fields if name in SupervisionMeeting.model_fields
]
ACTION_FIELDS = [
    name for name in SupervisionActionSchema.model_fields if name in SupervisionAction.model_fields
]
MEETING_COLUMNS = select(
    *(getattr(SupervisionMeeting, name) for name in MEETING_FIELDS),
    col(SupervisionMeeting.case_ids),
    *staff_names(SupervisionMeeting, "worker", "supervisor"),
    *error_mark_columns(SupervisionMeeting),
    team_name(col(SupervisionMeeting.team_id)).label("team_name"),
    # The row policies of the notes hide them from all callers except the two participants.
    select(col(SupervisionNotes.text_encrypted))
    .where(col(SupervisionNotes.id) == col(SupervisionMeeting.id))
    .scalar_subquery()
    .label("text_encrypted"),
)
MEETING_QUERY = ReadQuery(
    MEETING_COLUMNS.where(col(SupervisionMeeting.id) == bindparam("meeting_id", type_=Uuid)), shows=NO_CHILD
)
HAS_OPEN_ACTIONS = exists().where(
    col(SupervisionAction.meeting_id) == col(SupervisionMeeting.id), col(SupervisionAction.done_on).is_(None)
)
MEETINGS = ListQuery(
    "supervision_meetings",
    SupervisionMeeting,
    MEETING_COLUMNS,
    filters={
        **build_error_filter(SupervisionMeeting),
        "worker_id": is_one_of(col(SupervisionMeeting.worker_id), "worker_id"),
        "team_id": is_one_of(col(SupervisionMeeting.team_id), "team_id"),
        "held_from": col(SupervisionMeeting.held_on) >= bindparam("held_from"),
        "held_to": col(SupervisionMeeting.held_on) <= bindparam("held_to"),
        "open_actions": {True: HAS_OPEN_ACTIONS, False: ~HAS_OPEN_ACTIONS},
    },
    sorts={"held_on": col(SupervisionMeeting.held_on), "created_at": col(SupervisionMeeting.created_at)},
    default_sort="-held_on",
    shows=NO_CHILD,
)
"""The list has at most some thousand rows, so only its default order needs an index."""
ACTION_COLUMNS = select(
    *(getattr(SupervisionAction, name) for name in ACTION_FIELDS),
    *staff_names(SupervisionAction, "owner"),
    col(SupervisionAction.what_encrypted),
)
ACTION_QUERY = ReadQuery(
    ACTION_COLUMNS.where(col(SupervisionAction.id) == bindparam("action_id", type_=Uuid)), shows=NO_CHILD
)
ACTIONS_QUERY = ReadQuery(
    ACTION_COLUMNS.where(
        col(SupervisionAction.meeting_id) == any_(bindparam("meeting_ids", type_=ARRAY(Uuid)))
    ).order_by(col(SupervisionAction.due_on), col(SupervisionAction.created_at), col(SupervisionAction.id)),
    shows=NO_CHILD,
)
CASES_QUERY = ReadQuery(
    select(col(Case.id), col(Case.number), col(Case.child_id))
    .where(col(Case.id) == any_(bindparam("case_ids", type_=ARRAY(Uuid))))
    .order_by(col(Case.number)),
    shows=ShownRecord("case", case_id="id"),
)


async def list_supervision_meetings(
    reader: RecordReader, caller: Caller, filters: SupervisionMeetingFilters
) -> SupervisionMeetingList:
    """List the supervision meetings that the caller can see, the latest first unless `sort` is given."""
    page = await MEETINGS.fetch_page(reader, caller, filters)
    items = await _build_meetings(reader, page.rows)
    return SupervisionMeetingList.from_trusted_items(items, **page.fields)


async def get_supervision_meeting(reader: RecordReader, meeting_id: UUID) -> SupervisionMeetingSchema:
    """Return one supervision meeting.

    Raises:
        NotFound: the meeting does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(MEETING_QUERY, meeting_id=meeting_id)
    [fields] = await _build_meetings(reader, [row])
    return SupervisionMeetingSchema(**fields)


async def get_supervision_action(reader: RecordReader, action_id: UUID) -> SupervisionActionSchema:
    """Return one agreed action.

    Raises:
        NotFound: the action does not exist, or the caller cannot see its meeting.
    """
    row = await reader.fetch_required(ACTION_QUERY, action_id=action_id)
    return SupervisionActionSchema(**_build_action(row))


async def _build_meetings(reader: RecordReader, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the fields of meetings. The number of queries does not depend on the number of meetings."""
    actions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in await reader.fetch(ACTIONS_QUERY, meeting_ids=[row.id for row in rows]):
        actions[row.meeting_id].append(_build_action(row))
    case_ids = {case_id for row in rows for case_id in row.case_ids}
    cases = await reader.fetch(CASES_QUERY, case_ids=list(case_ids))
    return [
        {
            **dict(zip(MEETING_FIELDS, row, strict=False)),
            **to_staff_refs(row, "worker", "supervisor"),
            **to_error_mark(SupervisionMeeting, row),
            "team": to_ref(row.team_id, row.team_name),
            "cases": [case._asdict() for case in cases if case.id in row.case_ids],
            "actions": actions[row.id],
            "notes": SupervisionNotes.text.decrypt(row.id, row.text_encrypted),
        }
        for row in rows
    ]


def _build_action(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(ACTION_FIELDS, row, strict=False)),
        **to_staff_refs(row, "owner"),
        "what": SupervisionAction.what.decrypt(row.id, row.what_encrypted),
    }
