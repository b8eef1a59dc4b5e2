"""Facts that everybody may read: places; and the counter behind case numbers."""

from sqlmodel import Field, SQLModel


class Place(SQLModel, table=True):
    """A province, district, commune or village by its NCDD code (2, 4, 6 or 8 digits)."""

    __tablename__ = "places"

    code: str = Field(primary_key=True)
    parent_code: str | None = Field(default=None, foreign_key="places.code", index=True)
    level: str
    name_km: str
    name_en: str
    search_en: str = Field(index=True)
    """The Latin name, lower case, for prefix search."""


class CaseNumberSeries(SQLModel, table=True):
    """The last case number given in a year."""

    __tablename__ = "case_number_series"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int


class ReferenceDataVersion(SQLModel, table=True):
    """Which edition of a reference data set was loaded: the checksum of its files."""

    __tablename__ = "reference_data_versions"

    name: str = Field(primary_key=True)
    checksum: str
