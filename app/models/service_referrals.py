"""Providers of services, and the referrals of a child or family to them."""

import uuid
from datetime import date, datetime

from sqlmodel import Field

from app.models.record import CaseRecord, Record, moment, plain_document, sealed_document, texts


class Provider(Record, table=True):
    """Somebody who serves children or families: a hospital, a school, legal aid. Holds nothing about a child."""

    __tablename__ = "providers"

    name: str
    kind: str
    agency_id: uuid.UUID | None = Field(default=None, foreign_key="agencies.id")
    """The agency a consent to share names, where the provider has been entered as one."""
    services: list[str] = texts()
    province_codes: list[str] = texts()
    safeguarding_checked_on: date | None = None
    safeguarding_valid_until: date | None = None
    is_active: bool = True
    details: dict[str, object] = plain_document()
    """Contacts, address, opening hours, notes: what is on the provider's own letterhead."""


class ServiceReferral(CaseRecord, table=True):
    """A request to a provider to serve the child or the family."""

    __tablename__ = "service_referrals"

    provider_id: uuid.UUID = Field(foreign_key="providers.id", index=True)
    service: str
    status: str = "draft"
    area: str | None = None
    goal_id: uuid.UUID | None = Field(default=None, foreign_key="goals.id")
    consent_id: uuid.UUID | None = Field(default=None, foreign_key="consents.id")
    basis_without_consent: str | None = None
    shared_fields: list[str] = texts()
    author_id: uuid.UUID = Field(foreign_key="users.id")
    sent_at: datetime | None = moment()
    sent_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    answered_at: datetime | None = moment()
    ended_at: datetime | None = moment()
    outcome: str | None = None
    updated_at: datetime = moment(default_now=True)
    sealed: bytes = sealed_document()
    """The need; what was shared, field by field, as it was at that moment; who decided without consent; outcome."""
