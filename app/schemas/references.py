"""References to staff, teams, agencies, cases, funds, providers and places: the id or code of a record together with its name."""

from uuid import UUID

from pydantic import Field

from app.schemas.identity import PersonName
from app.schemas.wire import Output


class StaffRef(Output):
    """A member of staff, by id and name."""

    id: UUID = Field(description="Id of the user.")
    name: str = Field(description="Name of the user.")


class TeamRef(Output):
    """A team, by id and name."""

    id: UUID = Field(description="Id of the team.")
    name: str = Field(description="Name of the team.")


class AgencyRef(Output):
    """An agency, by id and name."""

    id: UUID = Field(description="Id of the agency.")
    name: str = Field(description="Name of the agency.")


class ApiClientRef(Output):
    """An API client, by id and name."""

    id: UUID = Field(description="Id of the API client.")
    name: str = Field(description="Name of the API client.")


class CaseRef(Output):
    """A case, by id and number."""

    id: UUID = Field(description="Id of the case.")
    number: str = Field(description="Case number, such as FSC-2026-0042.")


class FundRef(Output):
    """A fund, by id and name."""

    id: UUID = Field(description="Id of the fund.")
    name: str = Field(description="Name of the fund.")


class ProviderRef(Output):
    """A service provider, by id and name."""

    id: UUID = Field(description="Id of the provider.")
    name: str = Field(description="Name of the provider.")


class PlaceRef(Output):
    """A place, by code and name."""

    code: str = Field(description="NCDD code of the place.")
    name_km: str = Field(description="Name in Khmer script.")
    name_en: str = Field(description="Name in Latin script.")


class PersonRef(Output):
    """A person around a child, by id and names."""

    id: UUID = Field(description="Id of the person.")
    names: list[PersonName] = Field(description="Names of the person, each in one script.")
