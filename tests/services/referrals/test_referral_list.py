"""The list of referrals: filters, orders, search, totals, and visible records."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from app.models.record import utc_now
from app.schemas.referral_filters import PartnerReferralFilters, ReferralFilters
from app.schemas.referral_responses import PartnerReferral
from app.schemas.wire import CountedPageQuery
from app.services.referrals.search import parse_tracking_number
from tests.support.raw_sql import open_transaction_as
from tests.support.responses import expect_json
from tests.support.row_factories import WORKER_ID, date_in_days
from tests.support.scenario import STAFF, Scenario, id_of, referral_payload
from tests.support.sql_statements import record_statements


async def set_columns(superuser: Any, referral: dict[str, Any], **values: Any) -> None:
    for name, value in values.items():
        statement = f"UPDATE referrals SET {name} = $1 WHERE id = $2"  # noqa: S608
        await superuser.execute(statement, value, uuid.UUID(referral["id"]))


async def list_ids(scenario: Scenario, by: str, **params: Any) -> list[str]:
    response = await scenario.client_for(by).get("/v1/referrals", params={"limit": 200, **params})
    return [item["id"] for item in expect_json(response)["items"]]


async def list_ids_by_page(scenario: Scenario, by: str, **params: Any) -> list[str]:
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = expect_json(
            await scenario.client_for(by).get("/v1/referrals", params={"limit": 2, **params, **cursor})
        )
        ids += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            return ids
        cursor = {"cursor": page["next_cursor"]}


def named_child(family: str, given: str, script: str = "latin") -> dict[str, Any]:
    return {**referral_payload()["child"], "names": [{"script": script, "family": family, "given": given}]}


async def test_referral_list_contains_exactly_the_visible_referrals(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: each arm of `ReferralScope` removed in turn, for all referrals and for open ones.
    await scenario.open_case("worker_north")
    await scenario.open_case("worker_south")
    for by in ("partner_one", "partner_two", "worker_north", "supervisor_south"):
        await scenario.create_referral(by=by, **({} if by.startswith("partner") else {"external_id": None}))
    for team, worker in (("north", "worker_north_2"), ("south", None)):
        referral = await scenario.create_referral()
        assignment = {"team_id": str(id_of(team)), **({"handed_to_id": str(id_of(worker))} if worker else {})}
        path = f"/v1/referrals/{referral['id']}"
        expect_json(await scenario.client_for(f"supervisor_{team}").act(path, "acknowledge", assignment))
    listed_counts = set()
    callers = [
        name
        for name, (roles, _) in STAFF.items()
        if {"social_worker", "supervisor", "programme_manager"} & set(roles)
    ]
    for name in (*callers, "partner_one", "partner_two"):
        async with open_transaction_as(api_connection, name):
            rows = await api_connection.fetch(
                "SELECT id, status <> 'accepted' FROM referrals ORDER BY received_at DESC, id DESC"
            )
        assert await list_ids(scenario, name) == [str(row[0]) for row in rows], name
        open_ids = [str(referral_id) for referral_id, is_open in rows if is_open]
        assert await list_ids(scenario, name, status="received,acknowledged") == open_ids, name
        page = expect_json(await scenario.client_for(name).get("/v1/referrals?limit=1&count=true"))
        assert (page["total"], page["total_is_capped"]) == (len(rows), False), name
        listed_counts.add(len(rows))
    assert len(listed_counts) >= 5, listed_counts


async def test_filters_return_exactly_the_matching_referrals(
    scenario: Scenario, superuser_connection: Any
) -> None:
    emergency = await scenario.create_referral(urgency="emergency")
    phone = await scenario.create_referral(
        by="worker_north", external_id=None, source="phone_call", urgency="routine"
    )
    other = await scenario.create_referral(by="partner_two")
    await set_columns(
        superuser_connection,
        other,
        received_at=utc_now() - timedelta(days=9),
        updated_at=utc_now() - timedelta(days=9),
    )
    acknowledged = {"team_id": str(id_of("north")), "handed_to_id": str(WORKER_ID)}
    expect_json(
        await scenario.supervisor_north.act(f"/v1/referrals/{phone['id']}", "acknowledge", acknowledged)
    )
    await set_columns(superuser_connection, phone, province_code="12")
    every = [phone["id"], emergency["id"], other["id"]]
    agency = expect_json(await scenario.manager.get(f"/v1/referrals/{other['id']}"))["agency_id"]
    for params, expected in (
        ({"status": "acknowledged"}, [phone]),
        ({"status": "acknowledged,received"}, [phone, emergency, other]),
        ({"urgency": "emergency,routine"}, [phone, emergency]),
        ({"source": "phone_call"}, [phone]),
        ({"concern_kind": "hsb"}, []),
        ({"agency_id": agency}, [other]),
        ({"team_id": str(id_of("north"))}, [phone]),
        ({"handed_to_id": f"{WORKER_ID},{uuid.uuid4()}"}, [phone]),
        ({"province_code": "12,99"}, [phone]),
        ({"external_id": emergency["external_id"]}, [emergency]),
        ({"tracking_number": other["tracking_number"]}, [other]),
        ({"received_to": str(date_in_days(-8))}, [other]),
        ({"received_from": str(date_in_days(-8))}, [phone, emergency]),
        (
            {"updated_since": (utc_now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")},
            [phone, emergency],
        ),
        ({"acknowledgement_overdue": "true"}, [other]),
        ({"acknowledgement_overdue": "false"}, [phone, emergency]),
        ({"team_id": str(uuid.uuid4())}, []),
        ({"q": emergency["tracking_number"].lower().replace("-", " ")}, [emergency]),
        ({"q": other["external_id"]}, [other]),
        ({"q": f"\u200b{other['external_id'].lower()} "}, [other]),
        ({"tracking_number": f" {emergency['tracking_number'].lower()}\u200b"}, [emergency]),
    ):
        assert await list_ids(scenario, "manager", **params) == [item["id"] for item in expected], params
    assert await list_ids(scenario, "manager") == every
    first = expect_json(await scenario.manager.get("/v1/referrals?limit=1"))["items"][0]
    assert (first["province_code"], first["province"]["name_en"]) == ("12", "Phnom Penh")
    for invalid in (
        {"status": "lost"},
        {"status": "received,"},
        {"sort": "agency"},
        {"q": "x"},
        {"colour": "red"},
    ):
        assert (await scenario.manager.get("/v1/referrals", params=invalid)).status_code == 422, invalid


@pytest.mark.parametrize("sort", ["received_at", "updated_at", "urgency"])
async def test_pages_in_each_order_neither_skip_nor_repeat_referrals(
    scenario: Scenario, superuser_connection: Any, sort: str
) -> None:
    values: dict[str, tuple[str, str, str]] = {}
    now = utc_now()
    for n, urgency in enumerate(("routine", "emergency", "urgent", "emergency", "routine")):
        referral = await scenario.create_referral(urgency=urgency)
        at = now - timedelta(days=n % 3)
        await set_columns(superuser_connection, referral, received_at=at, updated_at=at)
        rank = str(["emergency", "urgent", "routine"].index(urgency)) if sort == "urgency" else ""
        values[referral["id"]] = (rank, at.isoformat(), referral["id"])
    ascending = sorted(values, key=lambda referral_id: values[referral_id])
    for by in ("manager", "supervisor_north", *(() if sort == "urgency" else ("partner_one",))):
        assert await list_ids_by_page(scenario, by, sort=sort) == ascending, by
        assert await list_ids_by_page(scenario, by, sort=f"-{sort}") == ascending[::-1], by
    page = expect_json(await scenario.manager.get("/v1/referrals", params={"limit": 2, "sort": sort}))
    for changed in ({"sort": f"-{sort}"}, {"sort": sort, "urgency": "urgent"}):
        params = {"limit": 2, "cursor": page["next_cursor"], **changed}
        assert (await scenario.manager.get("/v1/referrals", params=params)).status_code == 422, changed


async def test_referrals_are_found_by_the_childs_name_in_both_scripts(scenario: Scenario) -> None:
    latin = await scenario.create_referral(child=named_child("Heng", "Bopha"))
    khmer = await scenario.create_referral(child=named_child("ហេង", "បុប្ផា", "khmer"))
    await scenario.create_referral(child=named_child("Sok", "Dara"))
    assert latin["id"] in await list_ids(scenario, "supervisor_north", q="bopha heng")
    assert khmer["id"] in await list_ids(scenario, "supervisor_north", q="បុប្ផា")
    assert await list_ids(scenario, "worker_south", q="bopha heng") == []
    assert await list_ids(scenario, "partner_one", q="bopha heng") == [], "the view of an agency has no names"
    assert await list_ids(scenario, "partner_one", q=latin["tracking_number"]) == [latin["id"]]


async def test_referrals_are_found_by_the_phone_numbers_of_the_child_and_the_caregiver(
    scenario: Scenario,
) -> None:
    # Catches: phone numbers not searched; the numbers of the caregiver left out; candidates that are not compared.
    names = [{"script": "latin", "family": "Heng", "given": "Bopha"}]
    of_child = await scenario.create_referral(
        child={**named_child("Heng", "Dara"), "phones": [{"number": "012 700 111"}]}
    )
    caregiver = {"names": names, "relationship": "mother", "phones": [{"number": "+855 12 700 222"}]}
    of_caregiver = await scenario.create_referral(caregiver=caregiver)
    for q, referral in (
        ("012700111", of_child),
        ("+855 12 700 111", of_child),
        ("012 700 222", of_caregiver),
        ("០១២ ៧០០ ២២២", of_caregiver),
    ):
        assert await list_ids(scenario, "supervisor_north", q=q) == [referral["id"]], q
        assert await list_ids(scenario, "worker_south", q=q) == [], q
        assert await list_ids(scenario, "partner_one", q=q) == [], (
            "the view of an agency has no phone numbers"
        )
    assert await list_ids(scenario, "supervisor_north", q="012 700 333") == []


async def test_referral_summary_contains_the_fields_of_the_queue_screen(
    scenario: Scenario, superuser_connection: Any
) -> None:
    referral = await scenario.create_referral()
    path = f"/v1/referrals/{referral['id']}"
    assignment = {"team_id": str(id_of("north")), "handed_to_id": str(WORKER_ID)}
    acknowledged = expect_json(await scenario.supervisor_north.act(path, "acknowledge", assignment))
    response = await scenario.supervisor_north.get("/v1/referrals")
    (row,) = expect_json(response)["items"]
    assert (row["handed_to"], row["team"]) == (
        {"id": str(WORKER_ID), "name": "Worker North"},
        {"id": str(id_of("north")), "name": "north"},
    )
    assert row["agency"]["id"] == row["agency_id"]
    assert (row["child_names"], row["child_sex"]) == (
        acknowledged["child"]["names"],
        acknowledged["child"]["sex"],
    )
    assert row["child_age"]["min"] <= row["child_age"]["max"]
    assert row["acknowledgement_overdue"] is False
    details = expect_json(await scenario.supervisor_north.get(path))
    assert details == acknowledged
    assert {name: details[name] for name in row if name in details} == {
        name: row[name] for name in row if name in details
    }
    assert details["child_place"]["code"] == details["child"]["place_code"]
    assert (details["received_by"], details["decided_by"]) == (None, None)
    count_entries = "SELECT count(*) FROM access_entries WHERE record_id = $1 AND event_id = $2"
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (
        await superuser_connection.fetchval(
            count_entries, uuid.UUID(referral["id"]), uuid.UUID(entry["event_id"])
        )
        == 1
    )


async def test_returned_referrals_are_logged_and_counted_ones_are_not(scenario: Scenario) -> None:
    for _ in range(3):
        await scenario.create_referral()
    for by, statement_count in (("supervisor_north", 2), ("partner_one", 3)):
        with record_statements(scenario) as statements:
            response = await scenario.client_for(by).get("/v1/referrals?limit=2&count=true")
        page = expect_json(response)
        assert (len(page["items"]), page["total"]) == (2, 3)
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert {entry["record"]["id"] for entry in entries} == {item["id"] for item in page["items"]}
        assert len(statements) == statement_count, statements


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("r-7k3m-92qf", "R-7K3M-92QF"),
        ("7K3M 92QF", "R-7K3M-92QF"),
        ("R7K3M92OI", "R-7K3M-9201"),
        ("Keo", ""),
        ("", ""),
    ],
)
def test_tracking_number_is_recognized_in_any_typing(text: str, number: str) -> None:
    assert parse_tracking_number(text) == number


async def test_partner_can_use_only_filters_and_orders_of_fields_that_its_view_shows(
    scenario: Scenario,
) -> None:
    # Catches: `urgency` moved to `PartnerReferralFilters`; `list_referrals` without `narrow_filters`.
    fields_by_filter = {
        "q": "tracking_number", "received_from": "received_at", "received_to": "received_at", "updated_since": "updated_at",
    }  # fmt: skip
    shown = set(PartnerReferral.model_fields)
    partner_filters = set(PartnerReferralFilters.model_fields) - set(CountedPageQuery.model_fields) - {"sort"}
    assert {fields_by_filter.get(name, name) for name in partner_filters} <= shown

    referral = await scenario.create_referral(urgency="emergency")
    values = {
        "urgency": "emergency", "concern_kind": "survivor", "source": "api", "agency_id": str(uuid.uuid4()),
        "team_id": str(id_of("north")), "handed_to_id": str(WORKER_ID), "province_code": "17",
        "acknowledgement_overdue": "false",
    }  # fmt: skip
    assert values.keys() == ReferralFilters.model_fields.keys() - PartnerReferralFilters.model_fields.keys()
    allowed = sorted(PartnerReferralFilters.model_fields)
    for name, value in values.items():
        response = await scenario.partner_one.get("/v1/referrals", params={name: value})
        (fault,) = expect_json(response, 422)["errors"]
        assert (fault["pointer"], fault["code"]) == (f"query:{name}", "parameter_unknown")
        assert fault["params"] == {"allowed": allowed}
        assert name not in allowed
        assert "Staff only." in str(ReferralFilters.model_fields[name].description)
    for sort in ("urgency", "-urgency"):
        response = await scenario.partner_one.get("/v1/referrals", params={"sort": sort})
        (fault,) = expect_json(response, 422)["errors"]
        assert fault["pointer"] == "query:sort"
        assert fault["params"] == {"allowed": ["received_at", "-received_at", "updated_at", "-updated_at"]}
    for params in (
        {"q": referral["tracking_number"]}, {"status": "received"}, {"external_id": referral["external_id"]},
        {"tracking_number": referral["tracking_number"]}, {"received_from": "2026-01-01", "sort": "-updated_at"},
        {"updated_since": "2026-01-01T00:00:00Z", "count": "true"}, {"received_to": "2100-01-01", "limit": 1},
    ):  # fmt: skip
        assert await list_ids(scenario, "partner_one", **params) == [referral["id"]], params
