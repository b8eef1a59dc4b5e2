"""Tables about the installation: reference data, the counter of case numbers, and the canaries of the key ring."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.models.record import Record, timestamp_column


class Place(SQLModel, table=True):
    """A province, district, commune or village with its NCDD code (2, 4, 6 or 8 digits)."""

    __tablename__ = "places"

    code: str = Field(primary_key=True)
    parent_code: str | None = Field(default=None, foreign_key="places.code", index=True)
    level: str
    name_km: str
    name_en: str
    search_en: str = Field(index=True)
    """Latin name in lower case without spaces, for the prefix search."""
    search_km: str = Field(index=True)
    """Khmer name, folded and without spaces, for the prefix search."""


class CaseNumberSeries(SQLModel, table=True):
    """The last case number of a year."""

    __tablename__ = "case_number_series"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int


class ReferenceDataVersion(SQLModel, table=True):
    """Checksum of the loaded files of a reference data set, which identifies their version."""

    __tablename__ = "reference_data_versions"

    name: str = Field(primary_key=True)
    checksum: str


class KeyCanary(SQLModel, table=True):
    """Evidence of a key in the key ring, from which the key cannot be computed (see `app.access.key_canaries`)."""

    __tablename__ = "key_canaries"

    key_id: str = Field(primary_key=True)
    purpose: str
    """`encryption`, `blind_index`, `release_draw` or `signing`."""
    fingerprint: bytes = Field(sa_type=LargeBinary)
    """Bytes derived from the key."""
    canary: bytes = Field(sa_type=LargeBinary)
    """A known text, encrypted with a key that is derived from the key."""
    added_at: datetime = timestamp_column(default_now=True)


class Target(SQLModel, table=True):
    """The time within which a kind of work is due, or before a date at which the agenda announces it."""

    __tablename__ = "targets"

    name: str = Field(primary_key=True)
    hours: int


class CaseloadStandard(Record, table=True):
    """The caseload that is considered manageable, and the weight of a case by its risk. The table has one row."""

    __tablename__ = "caseload_standards"

    cases_per_worker: int
    """Most cases of a worker, weighted by risk."""
    workers_per_supervisor: int
    """Most workers of a supervisor."""
    weight_high: float
    weight_medium: float
    weight_low: float
    weight_unknown: float
    """Weight of a case whose risk has not been assessed."""


class ConsentAgeBand(SQLModel, table=True):
    """The consents that are required for children from an age on, up to the next band.

    The answer of a giver is `required`, `sought` (not required, but a refusal counts) or `not_needed` (it does not
    count).
    """

    __tablename__ = "consent_age_bands"

    min_age: int = Field(primary_key=True)
    """Lowest age of the band, in completed years."""
    child: str
    caregiver: str
