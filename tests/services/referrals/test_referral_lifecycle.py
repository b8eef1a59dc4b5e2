"""Life cycle of a referral through the API: transitions, required fields, and the views of partner and staff."""

import asyncio
import uuid

import pytest

from app.schemas.codes import get_codes
from app.services.referrals.states import TRANSITIONS
from tests.support.referrals import REFERRAL_ACT_PAYLOADS, create_referral_after_acts
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of, referral_payload

ACTS_BY_STATUS = {
    "received": (),
    "acknowledged": ("acknowledge",),
    "information_requested": ("acknowledge", "request-information"),
    "accepted": ("acknowledge", "accept"),
    "declined": ("decline",),
    "withdrawn": ("withdraw",),
}
OPEN_STATUSES = ("received", "acknowledged", "information_requested")


async def get_status(caller: AuthenticatedClient, path: str) -> str:
    status: str = (await caller.get(path)).json()["status"]
    return status


async def test_each_referral_act_is_permitted_in_its_source_statuses_only(scenario: Scenario) -> None:
    assert {transition.act for transition in TRANSITIONS} == set(REFERRAL_ACT_PAYLOADS)
    assert set(ACTS_BY_STATUS) == set(get_codes("referral_status"))
    assert {
        (source, transition.act, transition.target)
        for transition in TRANSITIONS
        for source in transition.sources
    } == {
        ("received", "acknowledge", "acknowledged"),
        ("acknowledged", "request-information", "information_requested"),
        ("information_requested", "provide-information", "acknowledged"),
        ("acknowledged", "accept", "accepted"),
        ("accepted", "detach", "acknowledged"),
        *((source, "decline", "declined") for source in OPEN_STATUSES),
        *((source, "withdraw", "withdrawn") for source in OPEN_STATUSES),
        ("declined", "reinstate", "acknowledged"),
    }
    supervisor = scenario.supervisor_north
    for status, acts in ACTS_BY_STATUS.items():
        path = await create_referral_after_acts(scenario, *acts)
        before = (await supervisor.get(path)).json()
        assert before["status"] == status
        for transition in TRANSITIONS:
            if status in transition.sources:
                response = await supervisor.act(
                    await create_referral_after_acts(scenario, *acts),
                    transition.act,
                    REFERRAL_ACT_PAYLOADS[transition.act],
                )
                assert response.status_code == 200, (status, transition.act, response.text)
                assert response.json()["status"] == transition.target
                assert response.headers["etag"] == f'"{len(acts) + 2}"'
                continue
            response = await supervisor.act(path, transition.act, REFERRAL_ACT_PAYLOADS[transition.act])
            assert parse_unmet_pointers(response)["status"] == "/status", (status, transition.act)
            assert (await supervisor.get(path)).json() == before, (status, transition.act)
    assert (
        len((await supervisor.get("/v1/cases")).json()["items"]) == 3
    )  # two by the preparations, one by the act


async def test_decided_referral_cannot_be_updated(scenario: Scenario) -> None:
    for status in ("accepted", "declined", "withdrawn"):
        path = await create_referral_after_acts(scenario, *ACTS_BY_STATUS[status])
        for caller in (scenario.supervisor_north, scenario.partner_one):
            before = await caller.get(path)
            response = await caller.patch(path, {"urgency": "routine"}, etag=before.headers["etag"])
            assert list(parse_unmet_pointers(response)) == ["status"]
            assert (await caller.get(path)).json() == before.json()


async def test_act_requires_the_current_version(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario)
    for act, body in (("acknowledge", {}), ("decline", REFERRAL_ACT_PAYLOADS["decline"])):
        assert (await scenario.supervisor_north.post(f"{path}/{act}", body)).status_code == 428
        assert (await scenario.supervisor_north.post(f"{path}/{act}", body, etag='"7"')).status_code == 412
    assert await get_status(scenario.partner_one, path) == "received"


async def test_concurrent_acceptances_open_one_case(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, "acknowledge")
    callers = (scenario.supervisor_north, scenario.supervisor_both)
    for caller in callers:
        await caller.open_matches(path)
    responses = await asyncio.gather(
        *(caller.post(f"{path}/accept", acceptance_payload(), etag='"2"') for caller in callers)
    )
    assert sorted(response.status_code for response in responses) == [200, 412]
    assert len((await scenario.manager.get("/v1/cases")).json()["items"]) == 1


async def test_partner_reads_and_answers_questions(scenario: Scenario) -> None:
    path, partner, supervisor = (
        await create_referral_after_acts(scenario, "acknowledge"),
        scenario.partner_one,
        scenario.supervisor_north,
    )
    questions_and_answers = [
        ("Who lives with the child?", "ម្តាយ។ The mother."),
        ("Which school?", "The one by the river."),
    ]
    for number, (question, reply) in enumerate(questions_and_answers, start=1):
        assert (await supervisor.act(path, "request-information", {"question": question})).status_code == 200
        referral = (await partner.get(path)).json()
        assert (referral["status"], len(referral["questions"])) == ("information_requested", number)
        assert (referral["questions"][-1]["question"], referral["questions"][-1]["answer"]) == (
            question,
            None,
        )
        assert (await scenario.partner_two.get(path)).status_code == 404
        response = await scenario.partner_two.post(f"{path}/provide-information", {"answer": "x"}, etag='"3"')
        assert response.status_code == 404
        answered = (await partner.act(path, "provide-information", {"answer": reply})).json()
        assert answered["status"] == "acknowledged"
        assert answered["questions"][-1]["answered_at"] is not None
    for caller in (partner, supervisor):
        questions = (await caller.get(path)).json()["questions"]
        assert [(question["question"], question["answer"]) for question in questions] == questions_and_answers
    referrals = (await partner.get("/v1/referrals")).json()["items"]
    assert [len(item["questions"]) for item in referrals] == [2]


async def test_partner_cannot_decide(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, "acknowledge")
    for act in ("acknowledge", "request-information", "accept", "decline"):
        assert (await scenario.partner_one.act(path, act, REFERRAL_ACT_PAYLOADS[act])).status_code == 403
    assert (await scenario.partner_one.get(f"{path}/matches")).status_code == 403
    assert await get_status(scenario.partner_one, path) == "acknowledged"


async def test_decline_requires_a_reason_and_lists_other_sources_of_help(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario)
    for missing in ("reason_code", "reason"):
        body = {name: value for name, value in REFERRAL_ACT_PAYLOADS["decline"].items() if name != missing}
        response = await scenario.supervisor_north.act(path, "decline", body)
        assert parse_faults(response) == {(f"/{missing}", "missing")}
    for name, value, code in (
        *(("reason_code", "bored", "literal_error"), ("reason", " \u200b", "blank")),
        *(("signposted_to", [""], "string_too_short"), ("signposted_to", ["x"] * 21, "too_long")),
    ):
        body = {**REFERRAL_ACT_PAYLOADS["decline"], name: value}
        [(pointer, fault_code)] = parse_faults(await scenario.supervisor_north.act(path, "decline", body))
        assert (pointer.startswith(f"/{name}"), fault_code) == (True, code)
    assert await get_status(scenario.partner_one, path) == "received"

    for signposted_to, expected in (("Hotline 1280", ["Hotline 1280"]), (["A", "ខ"], ["A", "ខ"]), (None, [])):
        path = await create_referral_after_acts(scenario)
        body = {**REFERRAL_ACT_PAYLOADS["decline"], "signposted_to": signposted_to}
        declined = (await scenario.supervisor_north.act(path, "decline", body)).json()
        assert (declined["reason"], declined["signposted_to"]) == (
            REFERRAL_ACT_PAYLOADS["decline"]["reason"],
            expected,
        )
        assert declined["decided_by_id"] == str(scenario.supervisor_north.id)
        partner_view = await scenario.partner_one.get(path)
        assert partner_view.json()["decline_reason_code"] == "no_capacity"
        assert partner_view.json()["signposted_to"] == expected
        assert REFERRAL_ACT_PAYLOADS["decline"]["reason"] not in partner_view.text


async def test_referral_is_withdrawn_by_its_sender(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, "acknowledge")
    assert parse_faults(await scenario.partner_one.act(path, "withdraw", {})) == {("/reason", "missing")}
    response = await scenario.partner_two.post(
        f"{path}/withdraw", REFERRAL_ACT_PAYLOADS["withdraw"], etag='"2"'
    )
    assert response.status_code == 404
    withdrawn = (await scenario.partner_one.act(path, "withdraw", REFERRAL_ACT_PAYLOADS["withdraw"])).json()
    assert withdrawn["status"] == "withdrawn"
    staff_view = (await scenario.supervisor_north.get(path)).json()
    assert (staff_view["reason"], staff_view["decided_by_id"]) == (
        REFERRAL_ACT_PAYLOADS["withdraw"]["reason"],
        None,
    )

    referral = await scenario.create_referral("worker_north", source="walk_in", external_id=None)
    own_path = f"/v1/referrals/{referral['id']}"
    withdrawn = (
        await scenario.worker_north.act(own_path, "withdraw", REFERRAL_ACT_PAYLOADS["withdraw"])
    ).json()
    assert (withdrawn["status"], withdrawn["decided_by_id"]) == ("withdrawn", str(scenario.worker_north.id))


async def test_external_id_is_required_and_unique_within_the_agency(
    scenario: Scenario,
) -> None:
    first, second = scenario.partner_one, scenario.partner_two
    without_external_id = {name: value for name, value in referral_payload().items() if name != "external_id"}
    assert parse_faults(await first.post("/v1/referrals", without_external_id)) == {
        ("/external_id", "missing")
    }
    assert (await first.post("/v1/referrals", referral_payload(external_id="A/1"))).status_code == 201
    duplicate = await first.post("/v1/referrals", referral_payload(external_id=" A/1\u200b"))
    assert duplicate.status_code == 409
    assert duplicate.json()["type"] == "urn:firststep:problem:already-exists"
    [original] = expect_json(await first.get("/v1/referrals?external_id=A/1"))["items"]
    assert duplicate.headers["location"] == f"/v1/referrals/{original['id']}"
    assert duplicate.json()["id"] == original["id"]
    entries = await scenario.list_access_entries(duplicate.headers["x-request-id"])
    assert {entry["outcome"] for entry in entries} == {"refused"}
    assert (await second.post("/v1/referrals", referral_payload(external_id="A/1"))).status_code == 201
    for caller in (first, second):
        referrals = (await caller.get("/v1/referrals?external_id=A/1")).json()["items"]
        assert len(referrals) == 1


@pytest.mark.parametrize("typed", [" A/1 ", "A/1\u200b", "\ufeffA/1", "A/\u00ad1\u00a0", "A/1\n"])
async def test_external_id_with_spaces_around_it_or_invisible_characters_is_a_repetition(
    scenario: Scenario, typed: str
) -> None:
    partner = scenario.partner_one
    created = expect_json(await partner.post("/v1/referrals", referral_payload(external_id=typed)), 201)
    assert created["external_id"] == "A/1"
    assert (await partner.post("/v1/referrals", referral_payload(external_id="A/1"))).status_code == 409
    for parameter in ("external_id", "q"):
        page = expect_json(await partner.get("/v1/referrals", params={parameter: f"{typed} "}))
        assert [item["id"] for item in page["items"]] == [created["id"]], parameter


async def test_client_can_choose_an_unused_id(scenario: Scenario) -> None:
    referral_id = str(uuid.uuid4())
    created = await scenario.partner_one.post("/v1/referrals", referral_payload(id=referral_id))
    assert (created.status_code, created.json()["id"]) == (201, referral_id)
    for name, is_own in (("partner_one", True), ("partner_two", False), ("worker_south", False)):
        # Catches: the existing record looked up without the row policies.
        response = await scenario.client_for(name).post("/v1/referrals", referral_payload(id=referral_id))
        assert response.status_code == 409
        assert response.json()["type"] == "urn:firststep:problem:already-exists"
        expected = (referral_id, f"/v1/referrals/{referral_id}") if is_own else (None, None)
        assert (response.json().get("id"), response.headers.get("location")) == expected, name
    assert (await scenario.partner_two.get(f"/v1/referrals/{referral_id}")).status_code == 404


async def test_referral_created_under_the_id_of_a_child_does_not_replace_the_childs_search_tokens(
    scenario: Scenario,
) -> None:
    names = [{"script": "latin", "family": "Uniq", "given": "Zorvath"}]
    case = await scenario.open_case(child={**referral_payload()["child"], "names": names})
    assert (
        await scenario.partner_one.post("/v1/referrals", referral_payload(id=case["child_id"]))
    ).status_code == 201
    children = (await scenario.worker_north.get("/v1/children?q=Zorvath")).json()["items"]
    assert [child["id"] for child in children] == [case["child_id"]]


async def test_social_worker_enters_a_referral_and_becomes_lead_worker(scenario: Scenario) -> None:
    worker = scenario.worker_south
    for source, expected_source in ((None, "phone_call"), ("own_detection", "own_detection")):
        response = await worker.post("/v1/referrals", referral_payload(source=source, external_id=None))
        referral, path = response.json(), response.headers["location"]
        assert (response.status_code, referral["source"], referral["agency_id"]) == (
            201,
            expected_source,
            None,
        )
        assert referral["received_by_id"] == str(worker.id)
        assert (await scenario.worker_north.get(path)).status_code == 404
        assert (await scenario.partner_one.get(path)).status_code == 404
        assert (await scenario.supervisor_south.get(path)).status_code == 200
        rejected = await worker.act(path, "acknowledge", {"team_id": str(id_of("south"))})
        assert parse_faults(rejected) == {("/team_id", "not_yours")}
        assert (await worker.act(path, "acknowledge")).status_code == 200
        accepted = (await worker.act(path, "accept", acceptance_payload("worker_south"))).json()
        case = (await worker.get(f"/v1/cases/{accepted['case_id']}")).json()
        assert (case["lead_worker_id"], case["team_id"]) == (str(worker.id), str(id_of("south")))


async def test_source_of_a_partner_referral_is_api(scenario: Scenario) -> None:
    response = await scenario.partner_one.post("/v1/referrals", referral_payload(source="phone_call"))
    referral = expect_json(await scenario.supervisor_north.get(response.headers["location"]))
    assert referral["source"] == "api"
    assert (
        await scenario.partner_one.post("/v1/referrals", referral_payload(source="api"))
    ).status_code == 201


async def test_view_parameter_selects_the_schema_of_a_referral_and_of_a_list(scenario: Scenario) -> None:
    # Catches: the list serialized without `view`.
    referral = await scenario.create_referral()
    for caller, view in ((scenario.supervisor_north, "staff"), (scenario.partner_one, "partner")):
        assert (await caller.get(f"/v1/referrals/{referral['id']}")).json()["view"] == view
        page = (await caller.get("/v1/referrals")).json()
        assert page["view"] == view
        assert [item["id"] for item in page["items"]] == [referral["id"]]
