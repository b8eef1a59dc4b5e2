"""The SQL of the agenda for supervision meetings: agreed actions, and the agreed next meeting.

An action belongs to its owner, and the next meeting to the worker and to the supervisor who held the last one. If such a
person cannot act, the supervisors of the team follow up, or the programme managers if the team has none. Each
source selects the columns of `entry` in `app.services.agenda.sources`.
"""

from app.services.agenda.team_sources import IN_TEAM_WITHOUT_SUPERVISOR

OPEN_ACTIONS_SQL = """
    SELECT 'supervision_action', a.due_on, NULL, NULL, 'supervision_action', a.id, NULL, m.worker_id, NULL, NULL, NULL
      FROM supervision_actions a JOIN supervision_meetings m ON m.id = a.meeting_id
     WHERE a.done_on IS NULL AND m.entered_in_error_at IS NULL AND {condition}
"""
OWNER_CANNOT_ACT = "a.owner_id <> :caller_id AND NOT access.can_act(a.owner_id, '{social_worker,supervisor,programme_manager}')"
NEXT_MEETINGS_SQL = """
    -- The meeting that was agreed last, as long as the worker is in the team.
    SELECT 'supervision_meeting', m.next_on, NULL, NULL, 'supervision_meeting', m.id, NULL, m.worker_id, NULL, NULL, NULL
      FROM supervision_meetings m JOIN team_members w ON w.team_id = m.team_id AND w.user_id = m.worker_id
     WHERE m.next_on IS NOT NULL AND m.entered_in_error_at IS NULL
       AND access.can_act(m.worker_id, '{{social_worker,supervisor}}')
       AND NOT EXISTS (SELECT FROM supervision_meetings l
                        WHERE l.worker_id = m.worker_id AND l.team_id = m.team_id AND l.entered_in_error_at IS NULL
                          AND (l.held_on, l.created_at, l.id) > (m.held_on, m.created_at, m.id))
       AND {condition}
"""
HOLDER_CANNOT_ACT = """
    m.worker_id <> :caller_id AND NOT access.can_act(m.supervisor_id, '{programme_manager}')
    AND NOT EXISTS (SELECT FROM team_members s
                     WHERE s.team_id = m.team_id AND s.user_id = m.supervisor_id AND s.is_supervisor
                       AND access.can_act(s.user_id, '{supervisor}'))
"""
OF_SUPERVISED_TEAM = "m.team_id = ANY (:supervised_team_ids)"
SUPERVISION_WORKER_SOURCES = {
    "supervision_action": OPEN_ACTIONS_SQL.format(condition="a.owner_id = :caller_id"),
    "supervision_meeting": NEXT_MEETINGS_SQL.format(condition="m.worker_id = :caller_id"),
}
SUPERVISION_SUPERVISOR_SOURCES = {
    "supervision_action": OPEN_ACTIONS_SQL.format(condition=f"{OF_SUPERVISED_TEAM} AND {OWNER_CANNOT_ACT}"),
    "supervision_meeting": NEXT_MEETINGS_SQL.format(
        condition=f"{OF_SUPERVISED_TEAM} AND (m.supervisor_id = :caller_id OR {HOLDER_CANNOT_ACT})"
    ),
}
_OF_TEAM_WITHOUT_SUPERVISOR = IN_TEAM_WITHOUT_SUPERVISOR.format("m")
SUPERVISION_MANAGER_SOURCES = {
    "supervision_action": OPEN_ACTIONS_SQL.format(
        condition=f"{_OF_TEAM_WITHOUT_SUPERVISOR} AND {OWNER_CANNOT_ACT}"
    ),
    "supervision_meeting": NEXT_MEETINGS_SQL.format(
        condition=f"NOT {OF_SUPERVISED_TEAM}"
        f" AND (m.supervisor_id = :caller_id OR {_OF_TEAM_WITHOUT_SUPERVISOR} AND {HOLDER_CANNOT_ACT})"
    ),
}
