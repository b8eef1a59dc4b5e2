"""Service referrals: drafting, the life after sending, who sees them."""

import asyncio
import uuid

from tests.support.case_lifecycle import create_case_path
from tests.support.payloads import VITAL_INTEREST_BASIS
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.service_referrals import (
    ACTS_TO_STATUS,
    SERVICE_REFERRAL_ACT_PAYLOADS,
    build_service_referral_payload,
    create_consent,
    create_provider,
    create_service_referral,
    list_service_referral_lines,
)
from tests.support.sql_statements import record_statements

LEGAL = {
    ("draft", "send"), ("sent", "accept"), ("sent", "decline"), ("accepted", "complete"),
    ("draft", "cancel"), ("sent", "cancel"), ("accepted", "cancel"),
}  # fmt: skip


async def test_a_draft_is_written_changed_and_shares_nothing(scenario: Scenario) -> None:
    case, worker, chosen = await create_case_path(scenario), scenario.worker_north, str(uuid.uuid4())
    told = {
        **await build_service_referral_payload(
            scenario, case, area="physical_health", shared_fields=["need", "age", "need"]
        ),
        "id": chosen,
    }
    made = await worker.post(f"{case}/service-referrals", told, key="once")
    referral, here = expect_json(made, 201), f"/v1/service-referrals/{chosen}"
    assert (made.headers["location"], made.headers["etag"]) == (here, '"1"')
    assert {name: referral[name] for name in told} == {**told, "shared_fields": ["need", "age"]}
    assert (referral["status"], referral["shared"], referral["sent_at"]) == ("draft", None, None)
    assert (referral["author_id"], referral["provider_name"]) == (str(worker.id), "មន្ទីរពេទ្យ Angkor Hospital")
    assert expect_json(await worker.get(here)) == referral
    again = await worker.post(f"{case}/service-referrals", told, key="once")
    assert (again.headers["idempotent-replayed"], again.json()) == ("true", referral)
    assert expect_json(await worker.get(f"{case}/service-referrals"))["items"] == [referral]
    assert await list_service_referral_lines(scenario, case) == []

    patch = {
        "consent_id": None,
        "basis_without_consent": VITAL_INTEREST_BASIS,
        "area": None,
        "need": "Fever.",
    }
    changed = expect_json(await worker.patch(here, patch, etag='"1"'))
    assert {name: changed[name] for name in ("area", "need", "consent_id", "version")} == {
        "area": None, "need": "Fever.", "consent_id": None, "version": 2,
    }  # fmt: skip
    assert changed["basis_without_consent"] == {**VITAL_INTEREST_BASIS, "child_told": None}
    assert parse_faults(await worker.patch(here, {"consent_id": told["consent_id"]}, etag='"2"')) == {
        ("", "consent_or_basis")
    }
    assert (await worker.patch(here, patch, etag='"1"')).status_code == 412
    assert expect_json(await worker.get(here)) == changed


async def test_what_a_draft_names_is_there_and_of_this_case(scenario: Scenario) -> None:
    case, other = await create_case_path(scenario), await create_case_path(scenario)
    told, elsewhere, nothing = (
        await build_service_referral_payload(scenario, case),
        await create_consent(scenario, other),
        str(uuid.uuid4()),
    )
    for wrong, fault in (
        ({"provider_id": nothing}, ("/provider_id", "reference_unknown")),
        ({"consent_id": elsewhere}, ("/consent_id", "reference_unknown")),
        ({"consent_id": nothing}, ("/consent_id", "reference_unknown")),
        ({"goal_id": nothing}, ("/goal_id", "reference_unknown")),
        ({"consent_id": None}, ("", "consent_or_basis")),
        ({"basis_without_consent": VITAL_INTEREST_BASIS}, ("", "consent_or_basis")),
        ({"shared_fields": []}, ("/shared_fields", "too_short")),
        ({"shared_fields": ["diagnosis"]}, ("/shared_fields/0", "literal_error")),
        ({"service": "magic"}, ("/service", "literal_error")),
        ({"need": " "}, ("/need", "blank")),
        ({"status": "sent"}, ("/status", "extra_forbidden")),
    ):
        answer = await scenario.worker_north.post(f"{case}/service-referrals", {**told, **wrong})
        assert parse_faults(answer) == {fault}, wrong
    assert expect_json(await scenario.worker_north.get(f"{case}/service-referrals"))["items"] == []


async def test_every_act_is_possible_from_its_statuses_and_from_no_other(scenario: Scenario) -> None:
    case, worker, hospital = (
        await create_case_path(scenario),
        scenario.worker_north,
        await create_provider(scenario),
    )
    agreed = await create_consent(scenario, case)
    for status, road in ACTS_TO_STATUS.items():
        for act, body in SERVICE_REFERRAL_ACT_PAYLOADS.items():
            path = await create_service_referral(scenario, case, provider_id=hospital, consent_id=agreed)
            for earlier in road:
                expect_json(await worker.act(path, earlier, SERVICE_REFERRAL_ACT_PAYLOADS[earlier]))
            before = expect_json(await worker.get(path))
            answer = await worker.act(path, act, body)
            if (status, act) in LEGAL:
                assert expect_json(answer)["status"] not in {status, "draft"}, (status, act)
            else:
                assert parse_unmet_pointers(answer) == {"status": "/status"}, (status, act)
                assert expect_json(await worker.get(path)) == before
    frozen = await worker.patch(path, {"need": "More."}, etag=f'"{before["version"]}"')
    assert parse_unmet_pointers(frozen) == {"frozen": "/status"}


async def test_the_life_leaves_what_was_said_and_a_timeline(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    path = await create_service_referral(scenario, case, service="mental_health")
    for act, wrong, fault in (
        ("complete", {"outcome": "cured"}, ("/outcome", "literal_error")),
        ("decline", {}, ("/reason", "missing")),
        ("cancel", {"reason": ""}, ("/reason", "string_too_short")),
    ):
        assert parse_faults(await worker.act(path, act, wrong)) == {fault}
    for act in ("send", "accept", "complete"):
        last = expect_json(await worker.act(path, act, SERVICE_REFERRAL_ACT_PAYLOADS[act]))
    assert (last["status"], last["outcome"], last["outcome_note"]) == ("completed", "need_met", "Treated.")
    assert (last["answer"], last["reason"], last["version"]) == ("Monday at eight.", None, 4)
    assert last["sent_at"] < last["answered_at"] < last["ended_at"] == last["updated_at"]
    told = {"provider_id": last["provider_id"], "service": "mental_health"}
    assert await list_service_referral_lines(scenario, case) == [
        ("service_referral_sent", {**told, "shared_fields": ["names", "age", "need"]}),
        ("service_referral_accepted", told),
        ("service_referral_completed", {**told, "outcome": "need_met"}),
    ]
    declined = await create_service_referral(scenario, case)
    expect_json(await worker.act(declined, "send"))
    ended = expect_json(await worker.act(declined, "decline", SERVICE_REFERRAL_ACT_PAYLOADS["decline"]))
    assert (ended["reason"], ended["answered_at"]) == ("No bed.", ended["ended_at"])
    cancelled = expect_json(
        await worker.act(
            await create_service_referral(scenario, case), "cancel", SERVICE_REFERRAL_ACT_PAYLOADS["cancel"]
        )
    )
    assert (cancelled["reason"], cancelled["shared"], cancelled["answered_at"]) == (
        "The family moved.",
        None,
        None,
    )
    assert (
        expect_json(await worker.act(await create_service_referral(scenario, case), "cancel"))["reason"]
        is None
    )
    assert (
        expect_json(await worker.act(await create_service_referral(scenario, case), "cancel", {}))["reason"]
        is None
    )
    for status, count in (("completed", 1), ("declined", 1), ("draft", 0)):
        listed = await worker.get(f"{case}/service-referrals", params={"status": status})
        assert len(expect_json(listed)["items"]) == count


async def test_of_two_acts_at_once_one_is_done(scenario: Scenario) -> None:
    case, worker = await create_case_path(scenario), scenario.worker_north
    path = await create_service_referral(scenario, case)
    expect_json(await worker.act(path, "send"))
    acts = [
        worker.post(f"{path}/{act}", SERVICE_REFERRAL_ACT_PAYLOADS[act], etag='"2"')
        for act in ("accept", "decline", "cancel")
    ]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*acts)])
    assert statuses == [200, 412, 412]
    assert len(await list_service_referral_lines(scenario, case)) == 2


async def test_who_sees_a_service_referral_and_who_acts_on_it(scenario: Scenario) -> None:
    case = await create_case_path(scenario)
    told = await build_service_referral_payload(scenario, case)
    path = await create_service_referral(scenario, case)
    for name, reads, writes in (
        ("worker_north", 200, True), ("supervisor_north", 200, True), ("manager", 200, False),
        ("worker_north_2", 404, True), ("worker_south", 404, True), ("supervisor_south", 404, True),
        ("finance", 403, False), ("dpo", 403, False), ("admin", 403, False), ("partner_one", 403, False),
    ):  # fmt: skip
        caller = scenario.client_for(name)
        assert (await caller.get(path)).status_code == reads, name
        assert (await caller.get(f"{case}/service-referrals")).status_code == reads, name
        if reads == 200:
            continue
        refused = 404 if writes else 403
        assert (await caller.post(f"{case}/service-referrals", told)).status_code == refused, name
        assert (await caller.patch(path, {"need": "x"}, etag='"1"')).status_code == refused, name
        for act, body in SERVICE_REFERRAL_ACT_PAYLOADS.items():
            assert (await caller.post(f"{path}/{act}", body, etag='"1"')).status_code == refused, (name, act)
    assert (await scenario.manager.post(f"{path}/send", etag='"1"')).status_code == 403
    assert expect_json(await scenario.worker_north.get(path))["version"] == 1


async def test_a_list_takes_as_many_statements_for_many_as_for_few(scenario: Scenario) -> None:
    case, counts = await create_case_path(scenario), []
    for _ in range(2):
        for _ in range(2):
            await create_service_referral(
                scenario,
                case,
                provider_id=await create_provider(scenario, agency_id=str(id_of("Safe Steps"))),
            )
        with record_statements(scenario) as statements:
            expect_json(await scenario.worker_north.get(f"{case}/service-referrals"))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 5
