"""Tables that follow other rules: exact counts of outreach activities, and yearly tables of answers at the entry."""

from datetime import date
from typing import Any, cast

from app.models import Case, Child, OutreachActivity, OutreachParticipants
from app.services.releases.menu_reports import MENU, TABLES
from app.services.reports.catalogue import REPORTS
from tests.support.releases import get_counts, prepare, publish
from tests.support.responses import parse_faults
from tests.support.row_factories import insert_row
from tests.support.scenario import Scenario, id_of

YEAR = 2024
ABSENT = dict.fromkeys(
    (name for name in OutreachParticipants.model_fields if "_" in name and name != "activity_id"), 0
)


async def insert_activity(superuser: Any, day: date, persons: int) -> None:
    activity = OutreachActivity(
        kind="awareness_session", title="Safe at school", topic="child_protection", programme="prevention", starts_on=day, sessions=1,
        place_code="12", recorded_by_id=id_of("me_officer"),
    )  # fmt: skip
    await insert_row(superuser, activity)
    participants = {**ABSENT, "sex_female": persons, "age_from_5_to_9": persons, "disability_no": persons}
    await insert_row(
        superuser,
        OutreachParticipants(
            activity_id=activity.id, audience="children", persons=persons, attendances=persons, **participants
        ),
    )


async def insert_case(superuser: Any, number: int, gender_identity: str | None, opened_on: date) -> None:
    child = Child(sex="male")
    child.identity = cast("Any", {"gender_identity": gender_identity, "disability": None})
    await insert_row(superuser, child)
    await insert_row(
        superuser,
        Case(
            number=f"E-{number}", child_id=child.id, kind="survivor", status="active", team_id=id_of("north"),
            lead_worker_id=id_of("worker_north"), opened_on=opened_on, next_review_on=date(2030, 1, 1),
        ),
    )  # fmt: skip


async def test_counts_of_outreach_activities_are_exact_and_have_no_stored_population(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the figures of the year are those of its last quarter; an exact table is rounded.
    for month, persons in ((1, 3), (5, 4), (12, 32)):
        await insert_activity(superuser_connection, date(YEAR, month, 3), persons)
    names = ["outreach_participants_by_figure", "outreach_participants_by_province_and_figure"]
    release = await publish(scenario, period=str(YEAR), tables=names)
    assert release["status"] == "published"
    figures = get_counts(release, names[0])
    assert (figures["activities",], figures["persons",], figures["sex_female",]) == (3, 39, 39)
    provinces = get_counts(release, names[1])
    assert (provinces["12", "persons"], provinces["01", "persons"]) == (39, 0)
    assert [table["is_exact"] for table in release["tables"]] == [True, True]
    assert "outreach activities are exact" in release["note"]["en"]
    assert await superuser_connection.fetchval("SELECT count(*) FROM release_populations") == 0
    assert not any("disability" in figure for (figure,) in figures)


async def test_answers_at_the_entry_are_released_rounded_by_year_and_one_at_a_time(
    scenario: Scenario, superuser_connection: Any
) -> None:
    for number in range(30):
        answer = "questioning" if number % 10 == 0 else None
        await insert_case(superuser_connection, number, answer, date(YEAR, 1 + number % 12, 2))
    names = [table.name for table in MENU["entry_profile"].list_tables()]
    assert names == ["entry_profile", "entry_profile_by_disability", "entry_profile_by_gender_identity"]
    release = await publish(scenario, period=str(YEAR), tables=names)
    assert release["status"] in {"published", "refused"}
    genders = get_counts(release, names[2])
    assert genders["questioning",] in {0, 5}
    assert genders["not_asked",] in {25, 30}
    assert all(count % 5 == 0 for count in genders.values())
    quarter = {"period": f"{YEAR}-Q1", "tables": names}
    refused = await scenario.me_officer.post("/v1/releases", quarter)
    assert {code for _, code in parse_faults(refused)} == {"literal_error"}


async def test_outcome_of_harmful_sexual_behaviour_is_released_by_year_seven_months_later(
    scenario: Scenario,
) -> None:
    (total, *_) = MENU["hsb_outcome"].list_tables()
    quarter = await scenario.me_officer.post("/v1/releases", {"period": f"{YEAR}-Q1", "tables": [total.name]})
    assert {code for _, code in parse_faults(quarter)} == {"literal_error"}
    assert (await prepare(scenario, period=str(YEAR), tables=[total.name]))["reports"] == 1


def test_province_has_tables_by_one_dimension_and_tables_have_at_most_two() -> None:
    care = [
        table
        for table in TABLES.values()
        if "province" in table.dimensions and not MENU[table.report].is_exact
    ]
    assert {table.report for table in care} == {
        "open_cases", "children_supported", "new_cases", "referrals_received", "first_contact_time",
    }  # fmt: skip
    assert {table.dimensions for table in care} == {("province",)}
    assert max(len(table.dimensions) for table in TABLES.values()) == 2


def test_every_report_that_can_be_released_is_in_the_menu() -> None:
    staff_only = {"no_recent_contact", "fund_use", "unreceipted_money", "caseload", "data_quality"}
    assert set(REPORTS) - set(MENU) == staff_only
