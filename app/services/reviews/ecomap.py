"""The case as a picture: the child in the middle, supporter and family, community and services around it."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import decrypt
from app.errors import NotFound
from app.kit.dates import today
from app.kit.formatting import format_age, format_date, format_person_names
from app.models import Agency, Case, Child, Person, Provider, Referral, ServiceReferral, User
from app.rendering.ecomap_geometry import Figure, Ring
from app.rendering.ecomap_svg import draw_ecomap
from app.schemas.codes import get_code_label

FRAME_BY_REFERRAL_STATUS = {"accepted": "organisation", "sent": "loose", "completed": "past"}
"""Statuses of a service referral in which its provider stands in the picture, the closest first, and the frame for each."""
SCHOOL_STATUSES_HIDDEN = frozenset({"too_young", "unknown", "completed"})
OUT_OF_SCHOOL_STATUSES = frozenset({"dropped_out", "never_attended"})

LABELS = {
    "en": {
        "title": "The people around the child",
        "family": "Supporter and family",
        "community": "Community",
        "services": "Services",
        "years": "{} years old",
        "school": "School",
        "worker": "Social worker, First\u00a0Step",
        "referrer": "Referred the child",
        "responsible": "Responsible for the child",
        "supporter_frame": "Thick frame: the child's supporter",
        "responsible_frame": "Double frame: responsible for the child",
        "person_frame": "Round corners: a person",
        "organisation_frame": "Square corners: an organisation",
        "loose_frame": "Dashed: asked, or not in touch now",
        "past_frame": "Dotted: its service is completed",
        "confidential": "Confidential",
    },
    "km": {
        "title": "មនុស្សនៅជុំវិញកុមារ",
        "family": "អ្នកគាំទ្រ និងគ្រួសារ",
        "community": "សហគមន៍",
        "services": "សេវា",
        "years": "អាយុ {} ឆ្នាំ",
        "school": "សាលារៀន",
        "worker": "បុគ្គលិកសង្គម First\u00a0Step",
        "referrer": "បានបញ្ជូនកុមារ",
        "responsible": "ទទួលខុសត្រូវលើកុមារ",
        "supporter_frame": "ស៊ុមក្រាស់៖ អ្នកគាំទ្ររបស់កុមារ",
        "responsible_frame": "ស៊ុមពីរជាន់៖ អ្នកទទួលខុសត្រូវលើកុមារ",
        "person_frame": "ជ្រុងមូល៖ មនុស្ស",
        "organisation_frame": "ជ្រុងកែង៖ អង្គភាព",
        "loose_frame": "បន្ទាត់ដាច់ៗ៖ បានស្នើសុំ ឬបច្ចុប្បន្នមិនមានទំនាក់ទំនង",
        "past_frame": "បន្ទាត់ចំណុច៖ សេវាបានបញ្ចប់",
        "confidential": "សម្ងាត់",
    },
}


async def render_ecomap(session: AsyncSession, case_id: UUID, language: str) -> str:
    """Draw the people and organisations around a child, as far as the actor sees them.

    Raises:
        NotFound: there is no such case for this actor.
    """
    row = (await session.execute(select(Case, Child).join(Child).where(col(Case.id) == case_id))).first()
    if row is None:
        raise NotFound
    case, child = row
    words, identity = LABELS[language], decrypt(child)
    people = await _load_person_figures(session, case_id, language)
    rings = (
        Ring(words["family"], tuple(figure for role, figure in people if role != "other")),
        Ring(
            words["community"],
            (*_school_figures(identity, language), *(figure for role, figure in people if role == "other")),
        ),
        Ring(words["services"], tuple(await _load_service_figures(session, case, language))),
    )
    return await asyncio.to_thread(
        draw_ecomap,
        [
            *format_person_names(identity, language),
            words["years"].format(format_age(identity["birth"], today(), language)),
        ],
        rings,
        words["title"],
        f"{case.number} · {format_date(today(), language)} · {words['confidential']}",
        {
            frame.removesuffix("_frame"): meaning
            for frame, meaning in words.items()
            if frame.endswith("_frame")
        },
        language,
    )


async def _load_person_figures(
    session: AsyncSession, case_id: UUID, language: str
) -> list[tuple[str, Figure]]:
    """Return the people around a child with their roles: supporters first, then as they were told of."""
    query = select(Person).where(col(Person.case_id) == case_id)
    found = list(await session.scalars(query.order_by(col(Person.created_at), col(Person.id))))
    found.sort(key=lambda person: person.role != "supporter")
    return [(person.role, _person_to_figure(person, language)) for person in found]


def _person_to_figure(person: Person, language: str) -> Figure:
    called = format_person_names(decrypt(person), language)
    relationship = get_code_label("relationship", person.relationship, language)
    frame = "responsible" if person.is_responsible else "person"
    details = [relationship] if called else []
    if person.role == "supporter":
        frame = "supporter"
        details += [LABELS[language]["responsible"]] if person.is_responsible else []
    return Figure(called[0] if called else relationship, tuple(details), frame)


def _school_figures(identity: dict[str, Any], language: str) -> Iterable[Figure]:
    school = identity.get("school")
    if school is None or school["status"] in SCHOOL_STATUSES_HIDDEN:
        return
    grade = get_code_label("school_grade", school["grade"], language) if school.get("grade") else None
    is_out = school["status"] in OUT_OF_SCHOOL_STATUSES
    details = (
        [get_code_label("school_status", school["status"], language)] if is_out or not grade else [grade]
    )
    name = school.get("name") or LABELS[language]["school"]
    yield Figure(name, tuple(details), "loose" if is_out else "organisation")


async def _load_service_figures(session: AsyncSession, case: Case, language: str) -> list[Figure]:
    words = LABELS[language]
    worker = await session.scalar(select(col(User.name)).where(col(User.id) == case.lead_worker_id))
    referrer = await session.scalar(
        select(col(Agency.name))
        .join(Referral, col(Referral.agency_id) == col(Agency.id))
        .where(col(Referral.id) == case.referral_id)
    )
    return [
        *([Figure(worker, (words["worker"],), "person")] if worker else []),
        *([Figure(referrer, (words["referrer"],), "organisation")] if referrer else []),
        *await _load_provider_figures(session, case.id, language),
    ]


async def _load_provider_figures(session: AsyncSession, case_id: UUID, language: str) -> list[Figure]:
    """Return each provider once, with the services that it was asked for, in the order of the first."""
    query = select(ServiceReferral, col(Provider.name)).join(
        Provider, col(Provider.id) == col(ServiceReferral.provider_id)
    )
    query = query.where(
        col(ServiceReferral.case_id) == case_id, col(ServiceReferral.status).in_(FRAME_BY_REFERRAL_STATUS)
    )
    asked: dict[UUID, tuple[str, list[ServiceReferral]]] = {}
    for found, name in await session.execute(
        query.order_by(col(ServiceReferral.created_at), col(ServiceReferral.id))
    ):
        asked.setdefault(found.provider_id, (name, []))[1].append(found)
    return [_provider_to_figure(name, found, language) for name, found in asked.values()]


def _provider_to_figure(name: str, asked: list[ServiceReferral], language: str) -> Figure:
    closest = min((found.status for found in asked), key=list(FRAME_BY_REFERRAL_STATUS).index)
    services = dict.fromkeys(get_code_label("service", found.service, language) for found in asked)
    return Figure(
        name,
        (", ".join(services), get_code_label("service_referral_status", closest, language)),
        FRAME_BY_REFERRAL_STATUS[closest],
    )
