"""Tables of reference data, and the counter of case numbers."""

from sqlmodel import Field, SQLModel


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
