"""Create two years of outreach activities: one is corrected, one is entered in error, and one has an attachment."""

import base64
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_records import build_pdf
from app.demo.case_scenarios import to_workday
from app.demo.organisation import DemoContext
from app.kit.dates import CAMBODIA_TIMEZONE, add_months
from app.models import Agency
from app.models.record import freeze_time
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.outreach import OutreachActivityCreate, OutreachActivityUpdate
from app.schemas.outreach_attachments import OutreachAttachmentCreate
from app.services.outreach import activities, attachments, corrections

MONTHS = 24
MONITORING_OFFICER = "ratana.me"


class ActivityTemplate(NamedTuple):
    """An activity that is repeated every few months."""

    every: int
    """Number of months between two repetitions."""
    day: int
    kind: str
    topic: str
    programme: str
    titles: tuple[str, str]
    """Title in English and in Khmer."""
    days: int
    audiences: tuple[tuple[str, int, str], ...]
    """Audience, number of persons in the first month, and the most frequent age group."""
    others: dict[str, Any] = {}  # noqa: RUF012 - a default of a named tuple, never changed


TEMPLATES = (
    ActivityTemplate(
        1, 5, "awareness_session", "body_safety", "prevention",
        ("My body is mine: lessons in primary school", "រាងកាយរបស់ខ្ញុំ៖ មេរៀននៅសាលាបឋមសិក្សា"), 2,
        (("children", 58, "from_10_to_13"), ("teachers", 3, "from_25_to_59")),
        {"venue": "Primary school", "partner_names": ["Primary school"]},
    ),
    ActivityTemplate(
        2, 12, "awareness_session", "positive_parenting", "prevention",
        ("Listening to children: evening with parents", "ស្តាប់កូន៖ ជួបជុំឪពុកម្តាយពេលល្ងាច"), 1,
        (("parents", 34, "from_25_to_59"), ("community_members", 9, "from_60")), {"venue": "Pagoda"},
    ),
    ActivityTemplate(
        3, 8, "awareness_session", "online_safety", "prevention",
        ("Safe online: video meeting with teenagers", "សុវត្ថិភាពលើអ៊ីនធឺណិត៖ ប្រជុំតាមវីដេអូជាមួយយុវវ័យ"), 1,
        (("children", 41, "from_14_to_17"),), {"is_online": True},
    ),
    ActivityTemplate(
        3, 15, "agent_training", "sexual_abuse_prevention", "prevention",
        ("Child and parent agents: first course", "ភ្នាក់ងារកុមារ និងភ្នាក់ងារឪពុកម្តាយ៖ វគ្គដំបូង"), 3,
        (("child_agents", 12, "from_14_to_17"), ("parent_agents", 8, "from_25_to_59")),
        {"scores": {"maximum": 20, "before": {"persons": 18, "mean": 8.5}, "after": {"persons": 17, "mean": 15.25}}},
    ),
    ActivityTemplate(
        2, 18, "training", "boys_and_gender", "capacity_building",
        ("Working with boys: training of social workers", "ការធ្វើការជាមួយក្មេងប្រុស៖ វគ្គបណ្តុះបណ្តាល"), 3,
        (("social_service_workers", 19, "from_25_to_59"),),
        {"scores": {"maximum": 30, "before": {"persons": 19, "mean": 14.2}, "after": {"persons": 18, "mean": 23.75}}},
    ),
    ActivityTemplate(
        2, 22, "coaching", "therapeutic_skills", "capacity_building",
        ("Coaching in art and play therapy", "ការបង្វឹកអំពីការព្យាបាលដោយសិល្បៈ និងល្បែង"), 1,
        (("social_service_workers", 5, "from_25_to_59"),),
    ),
    ActivityTemplate(
        3, 20, "consultation", "harmful_sexual_behaviour", "capacity_building",
        ("Consultation for partner organisations", "ការផ្តល់ប្រឹក្សាដល់អង្គការដៃគូ"), 1,
        (("ngo_staff", 6, "from_25_to_59"),), {"is_online": True},
    ),
    ActivityTemplate(
        2, 25, "meeting", "child_protection_system", "prevention",
        ("Meeting of the commune committee for women and children", "កិច្ចប្រជុំគណៈកម្មាធិការឃុំទទួលបន្ទុកកិច្ចការនារី និងកុមារ"), 1,
        (("local_authorities", 11, "from_25_to_59"), ("child_agents", 2, "from_14_to_17")),
        {"government_level": "commune"},
    ),
    ActivityTemplate(
        6, 27, "meeting", "child_protection_system", "research_advocacy",
        ("National network of child protection", "បណ្តាញជាតិការពារកុមារ"), 1,
        (("national_authorities", 7, "from_25_to_59"), ("ngo_staff", 22, "from_25_to_59")),
        {"government_level": "national"},
    ),
    ActivityTemplate(
        12, 28, "research_dissemination", "research_findings", "research_advocacy",
        ("Study on boys: launch and distribution", "ការសិក្សាអំពីក្មេងប្រុស៖ ការប្រកាស និងការចែកចាយ"), 1,
        (("researchers", 26, "from_25_to_59"),), {"copies": 350},
    ),
)  # fmt: skip


async def create_demo_outreach(context: DemoContext, day: date) -> None:
    """Record the activities of two years before a day, and correct some of them."""
    async with context.run_as(MONITORING_OFFICER, Permission.outreach_record) as (session, _):
        query = select(col(Agency.id)).where(col(Agency.kind) == "partner").order_by(col(Agency.name))
        agency_ids = list(await session.scalars(query))
    recorders = [worker for workers in demo_people.WORKERS.values() for worker in workers]
    for number, recorder in enumerate((*recorders, MONITORING_OFFICER)):
        payloads = list(_build_activities(context, day, agency_ids))[number :: len(recorders) + 1]
        async with context.run_as(recorder, Permission.outreach_record) as (session, caller):
            activity_ids = [await _record_activity(session, caller, payload) for payload in payloads]
            if recorder == MONITORING_OFFICER:
                with _freeze_day(day - timedelta(days=1)):
                    await _correct_activities(session, caller, activity_ids)


def _build_activities(
    context: DemoContext, day: date, agency_ids: Sequence[UUID]
) -> Iterator[OutreachActivityCreate]:
    """Yield the activities in the order of their months."""
    first_month = add_months(day.replace(day=1), -MONTHS)
    for month in range(MONTHS):
        for template in TEMPLATES:
            if month % template.every == 0:
                starts_on = to_workday(add_months(first_month, month).replace(day=template.day))
                yield _build_activity(context, template, month, starts_on, agency_ids)


def _build_activity(
    context: DemoContext,
    template: ActivityTemplate,
    month: int,
    starts_on: date,
    agency_ids: Sequence[UUID],
) -> OutreachActivityCreate:
    team = demo_people.TEAMS[month % 2]
    codes = demo_people.PLACE_CODES[team]
    workers = demo_people.WORKERS[team]
    payload = {
        "kind": template.kind,
        "title": template.titles[month // template.every % 2],
        "topic": template.topic,
        "programme": template.programme,
        "starts_on": starts_on.isoformat(),
        "ends_on": (starts_on + timedelta(days=template.days - 1)).isoformat() if template.days > 1 else None,
        "sessions": template.days,
        "place_code": None if template.others.get("is_online") else codes[month % len(codes)],
        "partner_ids": [str(agency_ids[month % len(agency_ids)])] if agency_ids else [],
        "facilitator_ids": [str(context.ids.user_ids[workers[month % len(workers)]])],
        "participants": [_build_participants(item, month, template.days) for item in template.audiences],
    }
    return OutreachActivityCreate.model_validate(payload | template.others)


def _build_participants(audience: tuple[str, int, str], month: int, sessions: int) -> dict[str, Any]:
    name, number, age_group = audience
    persons = number + month % 5
    male = persons * (4 + month % 3) // 10
    return {
        "audience": name,
        "persons": persons,
        "attendances": persons * sessions - (persons // 4 if sessions > 1 else 0),
        "by_sex": {"male": male, "female": persons - male - persons // 25},
        "by_age_group": {age_group: persons - persons // 10},
        "by_disability": {"yes": persons // 20, "no": persons * 3 // 4},
    }


async def _record_activity(session: AsyncSession, caller: Caller, payload: OutreachActivityCreate) -> UUID:
    """Record an activity on the day after its last day."""
    with _freeze_day((payload.ends_on or payload.starts_on) + timedelta(days=1)):
        activity = await activities.create_outreach_activity(session, caller, payload)
    return activity.id


async def _correct_activities(session: AsyncSession, caller: Caller, activity_ids: Sequence[UUID]) -> None:
    """Correct the last activity, mark the one before as entered in error, and add an attachment to the first one."""
    patch = OutreachActivityUpdate.model_validate({"venue": "Town hall"})
    await activities.update_outreach_activity(session, caller, activity_ids[-1], 1, patch)
    mark = ErrorMarkCreate(reason="The partner organisation reported the same session.")
    await corrections.mark_outreach_activity(session, caller, activity_ids[-2], 1, mark)
    attachment = OutreachAttachmentCreate(
        title="Programme", file_name="programme.pdf", content=base64.b64encode(build_pdf()).decode()
    )
    await attachments.create_outreach_attachment(session, caller, activity_ids[0], attachment)


def _freeze_day(day: date) -> AbstractContextManager[None]:
    return freeze_time(datetime.combine(day, time(8), CAMBODIA_TIMEZONE))
