"""Query parameters of the list of referrals, for API clients and for staff."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.dates import FilterDate, FilterTime
from app.schemas.wire import (
    CommaSeparated,
    CountedPageQuery,
    Id,
    ProvinceCode,
    QueryBoolean,
    RecordSearchText,
)

ReferralSort = TypeAliasType(
    "ReferralSort",
    Literal["received_at", "-received_at", "urgency", "-urgency", "updated_at", "-updated_at"],
)
"""Order of the list of referrals."""


PartnerReferralSort = TypeAliasType(
    "PartnerReferralSort", Literal["received_at", "-received_at", "updated_at", "-updated_at"]
)
"""Order of the list of referrals for API clients."""


class PartnerReferralFilters(CountedPageQuery):
    """Query parameters of the list of referrals for API clients: only fields that the partner view shows."""

    q: RecordSearchText | None = Field(None, description="Tracking number or `external_id`.")
    sort: PartnerReferralSort = Field(
        "-received_at", description="Order of the list; a minus sign means descending. Excludes `q`."
    )
    status: CommaSeparated[Annotated[str, CodeOf("referral_status")]] | None = Field(
        None,
        description="Only referrals with one of these statuses, separated by commas. `information_requested` waits for an "
        "answer of the referrer.",
    )
    external_id: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="Only referrals with this `external_id`."
    )
    tracking_number: Annotated[str, Field(max_length=40)] | None = Field(
        None, description="Only the referral with this tracking number, in any notation."
    )
    received_from: FilterDate | None = Field(
        None, description="Only referrals received on or after this day in Cambodia."
    )
    received_to: FilterDate | None = Field(
        None, description="Only referrals received on or before this day in Cambodia."
    )
    updated_since: FilterTime | None = Field(
        None, description="Only referrals that were changed at or after this time."
    )


class ReferralFilters(PartnerReferralFilters):
    """Query parameters of the list of referrals for staff."""

    q: RecordSearchText | None = Field(
        None,
        description="Name of the child in Khmer or Latin script, or phone number of the child or the caregiver (staff only), "
        "tracking number, or `external_id`. The best match comes first.",
    )
    sort: ReferralSort = Field(  # type: ignore[assignment]  # staff have more orders
        "-received_at",
        description="Order of the list; a minus sign means descending. `urgency` lists emergencies first, and the oldest first "
        "within each urgency (staff only). Excludes `q`.",
    )
    urgency: CommaSeparated[Annotated[str, CodeOf("urgency")]] | None = Field(
        None, description="Only referrals with one of these urgencies, separated by commas. Staff only."
    )
    concern_kind: CommaSeparated[Annotated[str, CodeOf("concern_kind")]] | None = Field(
        None,
        description="Only referrals with one of these kinds of concern, separated by commas. Staff only.",
    )
    source: CommaSeparated[Annotated[str, CodeOf("referral_source")]] | None = Field(
        None,
        description="Only referrals that arrived through one of these channels, separated by commas. Staff only.",
    )
    agency_id: CommaSeparated[Id] | None = Field(
        None, description="Only referrals of one of these agencies, separated by commas. Staff only."
    )
    team_id: CommaSeparated[Id] | None = Field(
        None, description="Only referrals assigned to one of these teams, separated by commas. Staff only."
    )
    handed_to_id: CommaSeparated[Id] | None = Field(
        None,
        description="Only referrals assigned to one of these staff members, separated by commas. Staff only.",
    )
    province_code: CommaSeparated[ProvinceCode] | None = Field(
        None,
        description="Only referrals of children from one of these provinces, by NCDD code, separated by commas. Staff only.",
    )
    acknowledgement_overdue: QueryBoolean | None = Field(
        None,
        description="Only referrals that are not acknowledged within the target of their urgency (`true`), or only the others "
        "(`false`). Staff only.",
    )
