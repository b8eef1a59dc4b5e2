"""A referral's life, from outside: what each act asks for, what it changes, and who learns what of it."""

import asyncio
import uuid

from app.schemas.codes import get_codes
from app.services.referrals.states import TRANSITIONS
from tests.support.referrals import REFERRAL_ACT_PAYLOADS, create_referral_after_acts
from tests.support.responses import parse_faults, parse_unmet_pointers
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of, referral_payload

ROADS = {
    "received": (),
    "acknowledged": ("acknowledge",),
    "information_requested": ("acknowledge", "request-information"),
    "accepted": ("acknowledge", "accept"),
    "declined": ("decline",),
    "withdrawn": ("withdraw",),
}
UNDECIDED = ("received", "acknowledged", "information_requested")


async def status_of(caller: AuthenticatedClient, path: str) -> str:
    status: str = (await caller.get(path)).json()["status"]
    return status


async def test_every_act_moves_a_referral_only_from_where_the_table_says(scenario: Scenario) -> None:
    assert {step.act for step in TRANSITIONS} == set(REFERRAL_ACT_PAYLOADS)
    assert set(ROADS) == set(get_codes("referral_status"))
    assert {(source, step.act, step.target) for step in TRANSITIONS for source in step.sources} == {
        ("received", "acknowledge", "acknowledged"),
        ("acknowledged", "request-information", "information_requested"),
        ("information_requested", "provide-information", "acknowledged"),
        ("acknowledged", "accept", "accepted"),
        *((source, "decline", "declined") for source in UNDECIDED),
        *((source, "withdraw", "withdrawn") for source in UNDECIDED),
    }
    supervisor = scenario.supervisor_north
    for status, road in ROADS.items():
        path = await create_referral_after_acts(scenario, *road)
        before = (await supervisor.get(path)).json()
        assert before["status"] == status
        for step in TRANSITIONS:
            if status in step.sources:
                moved = await supervisor.act(
                    await create_referral_after_acts(scenario, *road),
                    step.act,
                    REFERRAL_ACT_PAYLOADS[step.act],
                )
                assert moved.status_code == 200, (status, step.act, moved.text)
                assert moved.json()["status"] == step.target
                assert moved.headers["etag"] == f'"{len(road) + 2}"'
                continue
            refused = await supervisor.act(path, step.act, REFERRAL_ACT_PAYLOADS[step.act])
            assert parse_unmet_pointers(refused)["status"] == "/status", (status, step.act)
            assert (await supervisor.get(path)).json() == before, (status, step.act)
    assert len((await supervisor.get("/v1/cases")).json()["items"]) == 2  # one as a start, one as an act


async def test_what_is_decided_is_frozen(scenario: Scenario) -> None:
    for status in ("accepted", "declined", "withdrawn"):
        path = await create_referral_after_acts(scenario, *ROADS[status])
        for caller in (scenario.supervisor_north, scenario.partner_one):
            before = await caller.get(path)
            frozen = await caller.patch(path, {"urgency": "routine"}, etag=before.headers["etag"])
            assert list(parse_unmet_pointers(frozen)) == ["status"]
            assert (await caller.get(path)).json() == before.json()


async def test_an_act_asks_for_the_version_that_was_seen(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario)
    for act, body in (("acknowledge", {}), ("decline", REFERRAL_ACT_PAYLOADS["decline"])):
        assert (await scenario.supervisor_north.post(f"{path}/{act}", body)).status_code == 428
        assert (await scenario.supervisor_north.post(f"{path}/{act}", body, etag='"7"')).status_code == 412
    assert await status_of(scenario.partner_one, path) == "received"


async def test_of_two_acceptances_at_once_one_wins(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, "acknowledge")
    both = (scenario.supervisor_north, scenario.supervisor_both)
    answers = await asyncio.gather(
        *(caller.post(f"{path}/accept", acceptance_payload(), etag='"2"') for caller in both)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len((await scenario.manager.get("/v1/cases")).json()["items"]) == 1


async def test_a_partner_reads_what_is_asked_of_it_and_answers(scenario: Scenario) -> None:
    path, partner, supervisor = (
        await create_referral_after_acts(scenario, "acknowledge"),
        scenario.partner_one,
        scenario.supervisor_north,
    )
    conversation = [
        ("Who lives with the child?", "ម្តាយ។ The mother."),
        ("Which school?", "The one by the river."),
    ]
    for number, (question, reply) in enumerate(conversation, start=1):
        assert (await supervisor.act(path, "request-information", {"question": question})).status_code == 200
        seen = (await partner.get(path)).json()
        assert (seen["status"], len(seen["questions"])) == ("information_requested", number)
        assert (seen["questions"][-1]["question"], seen["questions"][-1]["answer"]) == (question, None)
        assert (await scenario.partner_two.get(path)).status_code == 404
        stolen = await scenario.partner_two.post(f"{path}/provide-information", {"answer": "x"}, etag='"3"')
        assert stolen.status_code == 404
        answered = (await partner.act(path, "provide-information", {"answer": reply})).json()
        assert answered["status"] == "acknowledged"
        assert answered["questions"][-1]["answered_at"] is not None
    for caller in (partner, supervisor):
        told = (await caller.get(path)).json()["questions"]
        assert [(line["question"], line["answer"]) for line in told] == conversation
    listed = (await partner.get("/v1/referrals")).json()["items"]
    assert [len(item["questions"]) for item in listed] == [2]


async def test_a_partner_decides_nothing(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, "acknowledge")
    for act in ("acknowledge", "request-information", "accept", "decline"):
        assert (await scenario.partner_one.act(path, act, REFERRAL_ACT_PAYLOADS[act])).status_code == 403
    assert (await scenario.partner_one.get(f"{path}/matches")).status_code == 403
    assert await status_of(scenario.partner_one, path) == "acknowledged"


async def test_declining_needs_a_code_and_a_reason_and_says_where_else_to_turn(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario)
    for missing in ("reason_code", "reason"):
        body = {name: value for name, value in REFERRAL_ACT_PAYLOADS["decline"].items() if name != missing}
        refused = await scenario.supervisor_north.act(path, "decline", body)
        assert parse_faults(refused) == {(f"/{missing}", "missing")}
    for name, value, code in (
        *(("reason_code", "bored", "literal_error"), ("reason", " \u200b", "blank")),
        *(("signposted_to", [""], "string_too_short"), ("signposted_to", ["x"] * 21, "too_long")),
    ):
        body = {**REFERRAL_ACT_PAYLOADS["decline"], name: value}
        [(pointer, found)] = parse_faults(await scenario.supervisor_north.act(path, "decline", body))
        assert (pointer.startswith(f"/{name}"), found) == (True, code)
    assert await status_of(scenario.partner_one, path) == "received"

    for said, kept in (("Hotline 1280", ["Hotline 1280"]), (["A", "ខ"], ["A", "ខ"]), (None, [])):
        path = await create_referral_after_acts(scenario)
        body = {**REFERRAL_ACT_PAYLOADS["decline"], "signposted_to": said}
        declined = (await scenario.supervisor_north.act(path, "decline", body)).json()
        assert (declined["reason"], declined["signposted_to"]) == (
            REFERRAL_ACT_PAYLOADS["decline"]["reason"],
            kept,
        )
        assert declined["decided_by_id"] == str(scenario.supervisor_north.id)
        told = await scenario.partner_one.get(path)
        assert told.json()["decline_reason_code"] == "no_capacity"
        assert told.json()["signposted_to"] == kept
        assert REFERRAL_ACT_PAYLOADS["decline"]["reason"] not in told.text


async def test_who_sent_a_referral_withdraws_it(scenario: Scenario) -> None:
    path = await create_referral_after_acts(scenario, "acknowledge")
    assert parse_faults(await scenario.partner_one.act(path, "withdraw", {})) == {("/reason", "missing")}
    other = await scenario.partner_two.post(f"{path}/withdraw", REFERRAL_ACT_PAYLOADS["withdraw"], etag='"2"')
    assert other.status_code == 404
    withdrawn = (await scenario.partner_one.act(path, "withdraw", REFERRAL_ACT_PAYLOADS["withdraw"])).json()
    assert withdrawn["status"] == "withdrawn"
    read = (await scenario.supervisor_north.get(path)).json()
    assert (read["reason"], read["decided_by_id"]) == (REFERRAL_ACT_PAYLOADS["withdraw"]["reason"], None)

    told = await scenario.create_referral("worker_north", source="walk_in", external_id=None)
    own = f"/v1/referrals/{told['id']}"
    by_staff = (await scenario.worker_north.act(own, "withdraw", REFERRAL_ACT_PAYLOADS["withdraw"])).json()
    assert (by_staff["status"], by_staff["decided_by_id"]) == ("withdrawn", str(scenario.worker_north.id))


async def test_a_partner_names_each_referral_once_and_another_may_use_the_same_name(
    scenario: Scenario,
) -> None:
    first, second = scenario.partner_one, scenario.partner_two
    nameless = {name: value for name, value in referral_payload().items() if name != "external_id"}
    assert parse_faults(await first.post("/v1/referrals", nameless)) == {("/external_id", "missing")}
    assert (await first.post("/v1/referrals", referral_payload(external_id="A/1"))).status_code == 201
    again = await first.post("/v1/referrals", referral_payload(external_id="A/1"))
    assert again.status_code == 409
    assert again.json()["type"] == "urn:firststep:problem:already-exists"
    assert (await second.post("/v1/referrals", referral_payload(external_id="A/1"))).status_code == 201
    for caller in (first, second):
        found = (await caller.get("/v1/referrals?external_id=A/1")).json()["items"]
        assert len(found) == 1


async def test_a_client_may_choose_the_id_and_a_taken_one_is_refused(scenario: Scenario) -> None:
    chosen = str(uuid.uuid4())
    made = await scenario.partner_one.post("/v1/referrals", referral_payload(id=chosen))
    assert (made.status_code, made.json()["id"]) == (201, chosen)
    for name in ("partner_one", "partner_two", "worker_south"):
        taken = await scenario.client_for(name).post("/v1/referrals", referral_payload(id=chosen))
        assert taken.status_code == 409
        assert taken.json()["type"] == "urn:firststep:problem:already-exists"
    assert (await scenario.partner_two.get(f"/v1/referrals/{chosen}")).status_code == 404


async def test_a_referral_that_borrows_a_childs_id_does_not_take_its_name_away(scenario: Scenario) -> None:
    names = [{"script": "latin", "family": "Uniq", "given": "Zorvath"}]
    case = await scenario.open_case(child={**referral_payload()["child"], "names": names})
    assert (
        await scenario.partner_one.post("/v1/referrals", referral_payload(id=case["child_id"]))
    ).status_code == 201
    found = (await scenario.worker_north.get("/v1/children?q=Zorvath")).json()["items"]
    assert [child["id"] for child in found] == [case["child_id"]]


async def test_a_social_worker_takes_a_call_and_carries_the_case(scenario: Scenario) -> None:
    worker = scenario.worker_south
    for source, recorded in ((None, "phone_call"), ("own_detection", "own_detection")):
        answer = await worker.post("/v1/referrals", referral_payload(source=source, external_id=None))
        told, path = answer.json(), answer.headers["location"]
        assert (answer.status_code, told["source"], told["agency_id"]) == (201, recorded, None)
        assert told["received_by_id"] == str(worker.id)
        assert (await scenario.worker_north.get(path)).status_code == 404
        assert (await scenario.partner_one.get(path)).status_code == 404
        assert (await scenario.supervisor_south.get(path)).status_code == 200
        team = await worker.act(path, "acknowledge", {"team_id": str(id_of("south"))})
        assert parse_faults(team) == {("/team_id", "not_yours")}
        assert (await worker.act(path, "acknowledge")).status_code == 200
        accepted = (await worker.act(path, "accept", acceptance_payload("worker_south"))).json()
        case = (await worker.get(f"/v1/cases/{accepted['case_id']}")).json()
        assert (case["lead_worker_id"], case["team_id"]) == (str(worker.id), str(id_of("south")))


async def test_what_a_partners_system_sends_came_from_its_system(scenario: Scenario) -> None:
    posted = await scenario.partner_one.post("/v1/referrals", referral_payload(source="phone_call"))
    assert parse_faults(posted) == {("/source", "not_yours")}
    assert (
        await scenario.partner_one.post("/v1/referrals", referral_payload(source="api"))
    ).status_code == 201
