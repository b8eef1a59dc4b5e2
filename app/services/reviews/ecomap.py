"""Render the ecomap of a case: the child in the centre, surrounded by family, community and services."""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.dates import today
from app.kit.entered_in_error import is_valid
from app.kit.formatting import format_age, format_date, format_person_names
from app.kit.reference_names import person_name
from app.models import Agency, Case, Child, Person, Provider, Referral, ServiceReferral
from app.models.contents import StoredSchool
from app.rendering.ecomap_geometry import Figure, Ring
from app.rendering.ecomap_svg import draw_ecomap
from app.rendering.printed_file import PrintedFile
from app.schemas.codes import get_code_label

FRAME_BY_REFERRAL_STATUS = {"accepted": "organisation", "sent": "loose", "completed": "past"}
"""Frame of a provider by the status of its service referral. Referrals in other statuses are not drawn.

If a provider has several service referrals, the first of these statuses that one of them has determines the frame.
"""
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
        "worker": "បុគ្គលិកសង្គមកិច្ច First\u00a0Step",
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


CASE_QUERY = ReadQuery(
    select(
        col(Case.id),
        col(Case.child_id),
        col(Case.number),
        col(Child.identity_encrypted),
        person_name(col(Case.lead_worker_id)).label("worker_name"),
        select(col(Agency.name))
        .join(Referral, col(Referral.agency_id) == col(Agency.id))
        .where(col(Referral.id) == col(Case.referral_id))
        .scalar_subquery()
        .label("referrer_name"),
    )
    .join(Child, col(Child.id) == col(Case.child_id))
    .where(col(Case.id) == bindparam("case_id")),
    shows=ShownRecord("case", case_id="id"),
)
PEOPLE_QUERY = ReadQuery(
    select(
        *(getattr(Person, name) for name in ("id", "child_id", "case_id", "role", "relationship")),
        col(Person.is_responsible),
        col(Person.details_encrypted),
    )
    .where(col(Person.case_id) == bindparam("case_id"), is_valid(Person))
    .order_by(col(Person.role) != "supporter", col(Person.created_at), col(Person.id)),
    shows=ShownRecord("person"),
)
SERVICE_REFERRALS_QUERY = ReadQuery(
    select(
        *(getattr(ServiceReferral, name) for name in ("id", "child_id", "case_id", "status", "service")),
        col(ServiceReferral.provider_id),
        col(Provider.name).label("provider_name"),
    )
    .join(Provider, col(Provider.id) == col(ServiceReferral.provider_id))
    .where(
        col(ServiceReferral.case_id) == bindparam("case_id"),
        col(ServiceReferral.status).in_(FRAME_BY_REFERRAL_STATUS),
    )
    .order_by(col(ServiceReferral.created_at), col(ServiceReferral.id)),
    shows=ShownRecord("service_referral"),
)


async def render_ecomap(reader: RecordReader, case_id: UUID, language: str) -> PrintedFile:
    """Return the ecomap as SVG. It contains the people and organisations that the caller can see.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    case = await reader.fetch_required(CASE_QUERY, case_id=case_id)
    labels, identity = LABELS[language], Child.identity.decrypt(case.child_id, case.identity_encrypted)
    people = await _load_person_figures(reader, case_id, language)
    family = [figure for role, figure in people if role != "other"]
    others = [figure for role, figure in people if role == "other"]
    rings = (
        Ring(labels["family"], tuple(family)),
        Ring(labels["community"], (*_school_figures(identity["school"], language), *others)),
        Ring(labels["services"], tuple(await _load_service_figures(reader, case, language))),
    )
    age = labels["years"].format(format_age(identity["birth"], today(), language))
    return await asyncio.to_thread(
        draw_ecomap,
        [*format_person_names(identity, language), age],
        rings,
        labels["title"],
        f"{case.number} · {format_date(today(), language)} · {labels['confidential']}",
        _frame_legend(labels),
        language,
    )


def _frame_legend(labels: dict[str, str]) -> dict[str, str]:
    """Return the meaning of each frame, by the name of the frame."""
    return {key.removesuffix("_frame"): text for key, text in labels.items() if key.endswith("_frame")}


async def _load_person_figures(
    reader: RecordReader, case_id: UUID, language: str
) -> list[tuple[str, Figure]]:
    """Return the role and the figure of each person around the child: supporters first, then in order of creation."""
    people = await reader.fetch(PEOPLE_QUERY, case_id=case_id)
    return [(person.role, _person_to_figure(person, language)) for person in people]


def _person_to_figure(person: Any, language: str) -> Figure:
    details = Person.details.decrypt(person.id, person.details_encrypted)
    names = format_person_names(details, language)
    relationship = get_code_label("relationship", person.relationship, language)
    frame = "responsible" if person.is_responsible else "person"
    captions = [relationship] if names else []
    if person.role == "supporter":
        frame = "supporter"
        captions += [LABELS[language]["responsible"]] if person.is_responsible else []
    return Figure(names[0] if names else relationship, tuple(captions), frame)


def _school_figures(school: StoredSchool | None, language: str) -> Iterable[Figure]:
    if school is None or school["status"] in SCHOOL_STATUSES_HIDDEN:
        return
    grade = get_code_label("school_grade", school["grade"], language) if school["grade"] else None
    is_out = school["status"] in OUT_OF_SCHOOL_STATUSES
    details = (
        [get_code_label("school_status", school["status"], language)] if is_out or not grade else [grade]
    )
    name = school["name"] or LABELS[language]["school"]
    yield Figure(name, tuple(details), "loose" if is_out else "organisation")


async def _load_service_figures(reader: RecordReader, case: Any, language: str) -> list[Figure]:
    labels = LABELS[language]
    return [
        Figure(case.worker_name, (labels["worker"],), "person"),
        *([Figure(case.referrer_name, (labels["referrer"],), "organisation")] if case.referrer_name else []),
        *await _load_provider_figures(reader, case.id, language),
    ]


async def _load_provider_figures(reader: RecordReader, case_id: str, language: str) -> list[Figure]:
    """Return one figure per provider with the requested services, in the order of the first request."""
    by_provider: dict[str, list[Any]] = {}
    for referral in await reader.fetch(SERVICE_REFERRALS_QUERY, case_id=case_id):
        by_provider.setdefault(referral.provider_id, []).append(referral)
    return [_provider_to_figure(referrals, language) for referrals in by_provider.values()]


def _provider_to_figure(referrals: list[Any], language: str) -> Figure:
    status = min((referral.status for referral in referrals), key=list(FRAME_BY_REFERRAL_STATUS).index)
    services = dict.fromkeys(get_code_label("service", referral.service, language) for referral in referrals)
    return Figure(
        referrals[0].provider_name,
        (", ".join(services), get_code_label("service_referral_status", status, language)),
        FRAME_BY_REFERRAL_STATUS[status],
    )
