"""Schemas of children. The fields of their identity are in `identity`."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Age, Birth, ChildIdentity, Disability, PersonName, Phone, School
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import PlaceRef, StaffRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Output,
    ProvinceCode,
    RecordSearchText,
    ShortNarrative,
    Versioned,
)

MAX_VERSION = 2_147_483_647
RecordVersion = Annotated[int, Field(ge=1, le=MAX_VERSION)]


class ChildFilters(CountedPageQuery):
    """Query parameters of the list of children."""

    q: RecordSearchText | None = Field(
        None,
        description="Only children with a name or nickname that matches this text, in either script, or with this "
        "phone number of the child, a supporter or a family member. Spelling differences are tolerated. The best match comes first.",
    )
    status: CommaSeparated[Annotated[str, CodeOf("case_status")]] | None = Field(
        None,
        description="Only children with a case that has one of these statuses, separated by commas. Each filter can match "
        "another case of the child.",
    )
    team_id: CommaSeparated[Id] | None = Field(
        None, description="Only children with a case of one of these teams, separated by commas."
    )
    lead_worker_id: CommaSeparated[Id] | None = Field(
        None, description="Only children with a case of one of these lead workers, separated by commas."
    )
    province_code: CommaSeparated[ProvinceCode] | None = Field(
        None,
        description="Only children who live in one of these provinces, by NCDD code, separated by commas.",
    )


if TYPE_CHECKING:

    class ChildUpdate(Input):
        """Changes to the identity of a child."""
else:
    ChildUpdate = build_patch_model(ChildIdentity, "ChildUpdate")


class ChildMerge(Input):
    """The record of the same child that is merged into another one."""

    merged_child_id: Id = Field(description="Id of the child whose cases move to the child in the path.")
    merged_child_version: RecordVersion = Field(
        description="Version of the merged child that the caller read. `If-Match` contains the version of the child in the path."
    )
    reason: ShortNarrative = Field(description="Reason why both records are about one child.")


class ChildUnmerge(Input):
    """The merged record that becomes a separate child again."""

    merged_child_id: Id = Field(description="Id of the child that was merged into the child in the path.")
    merged_child_version: RecordVersion = Field(
        description="Version of the merged child that the caller read. `If-Match` contains the version of the child in the path."
    )
    reason: ShortNarrative = Field(description="Reason why the records are about two children.")


class ChildCase(Output):
    """A case of a child in a list of children."""

    id: UUID = Field(description="Id of the case.")
    number: str = Field(description="Case number, such as FSC-2026-0042.")
    status: Annotated[str, CodeOf("case_status")] = Field(description="Life-cycle status of the case.")
    lead_worker: StaffRef = Field(description="The social worker who leads the case.")


class Child(Versioned):
    """A child that First Step supports, with the current identity."""

    names: list[PersonName] = Field(description="Names of the child, each in one script.")
    nickname: str | None = Field(description="Nickname of the child.")
    sex: Annotated[str, CodeOf("sex")] = Field(description="Sex of the child; `unknown` if not recorded.")
    gender_identity: Annotated[str, CodeOf("gender_identity")] | None = Field(
        description="Gender identity in the child's own view."
    )
    birth: Birth | None = Field(description="Birth date or estimated age; null if unknown.")
    age: Age | None = Field(
        description="Age today, as a range if the birth date is not known exactly; null if it is unknown."
    )
    place_code: str | None = Field(
        description="NCDD code of the place of residence: province, district, commune or village."
    )
    place: PlaceRef | None = Field(
        description="The place of residence; null if it is not recorded or the gazetteer does not contain its code."
    )
    address_detail: str | None = Field(
        description="Details that help to find the home: house number, road, landmarks."
    )
    phone: Phone | None = Field(description="The first of `phones`.")
    phones: list[Phone] = Field(
        description="Phones on which the child can be reached, the preferred one first."
    )
    languages: list[Annotated[str, CodeOf("language")]] = Field(
        description="Languages that the child speaks, as ISO 639 codes."
    )
    disability: Disability | None = Field(
        description="Answers to the Washington Group short set of questions on disability."
    )
    school: School | None = Field(description="School attendance.")
    living_arrangement: Annotated[str, CodeOf("living_arrangement")] | None = Field(
        description="With whom, or in which place, the child lives."
    )
    idpoor: Annotated[str, CodeOf("idpoor")] | None = Field(
        description="Equity card of the household under the national IDPoor programme."
    )
    warnings: list[InputWarning] = Field(description="Fields that are kept although they look wrong.")
    merged_into_id: UUID | None = Field(
        description="Id of the record of the same child into which this one was merged; null if it was not merged. The cases "
        "of a merged child are in that record, and its identity cannot be changed."
    )
    case_ids: list[UUID] = Field(
        description="Ids of the child's cases that the caller can see, newest first."
    )
    cases: list[ChildCase] = Field(description="The cases with the ids `case_ids`, in the same order.")


class ChildList(CountedPage[Child]):
    """One page of children, newest first, or the best match first for a search."""
