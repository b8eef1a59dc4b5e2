"""A referral's life, from outside: what each act asks for, what it changes, and who learns what of it."""

import asyncio
import uuid
from collections.abc import Mapping
from typing import Any

import httpx

from app.schemas.codes import get_codes
from app.services.referrals.states import TRANSITIONS
from tests.world import Caller, World, acceptance, id_of, referral

BODIES: dict[str, Mapping[str, Any]] = {
    "acknowledge": {},
    "request-information": {"question": "Is the child safe tonight?"},
    "provide-information": {"answer": "Yes, with an aunt."},
    "accept": acceptance(),
    "decline": {"reason_code": "no_capacity", "reason": "Full until March."},
    "withdraw": {"reason": "Sent by mistake."},
}
ROADS = {
    "received": (),
    "acknowledged": ("acknowledge",),
    "information_requested": ("acknowledge", "request-information"),
    "accepted": ("acknowledge", "accept"),
    "declined": ("decline",),
    "withdrawn": ("withdraw",),
}
UNDECIDED = ("received", "acknowledged", "information_requested")


async def at(world: World, *acts: str, **told: Any) -> str:
    """Return the path of a referral after some acts of the northern supervisor."""
    path = f"/v1/referrals/{(await world.referral(**told))['id']}"
    for act in acts:
        answer = await world.supervisor_north.act(path, act, BODIES[act])
        assert answer.status_code == 200, (act, answer.text)
    return path


def unmet(answer: httpx.Response) -> dict[str, str | None]:
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:firststep:problem:gate-refused"
    return {fault["code"]: fault["pointer"] for fault in answer.json()["unmet"]}


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}


async def status_of(caller: Caller, path: str) -> str:
    status: str = (await caller.get(path)).json()["status"]
    return status


async def test_every_act_moves_a_referral_only_from_where_the_table_says(world: World) -> None:
    assert {step.act for step in TRANSITIONS} == set(BODIES)
    assert set(ROADS) == set(get_codes("referral_status"))
    assert {(source, step.act, step.target) for step in TRANSITIONS for source in step.sources} == {
        ("received", "acknowledge", "acknowledged"),
        ("acknowledged", "request-information", "information_requested"),
        ("information_requested", "provide-information", "acknowledged"),
        ("acknowledged", "accept", "accepted"),
        *((source, "decline", "declined") for source in UNDECIDED),
        *((source, "withdraw", "withdrawn") for source in UNDECIDED),
    }
    supervisor = world.supervisor_north
    for status, road in ROADS.items():
        path = await at(world, *road)
        before = (await supervisor.get(path)).json()
        assert before["status"] == status
        for step in TRANSITIONS:
            if status in step.sources:
                moved = await supervisor.act(await at(world, *road), step.act, BODIES[step.act])
                assert moved.status_code == 200, (status, step.act, moved.text)
                assert moved.json()["status"] == step.target
                assert moved.headers["etag"] == f'"{len(road) + 2}"'
                continue
            refused = await supervisor.act(path, step.act, BODIES[step.act])
            assert unmet(refused)["status"] == "/status", (status, step.act)
            assert (await supervisor.get(path)).json() == before, (status, step.act)
    assert len((await supervisor.get("/v1/cases")).json()["items"]) == 2  # one as a start, one as an act


async def test_what_is_decided_is_frozen(world: World) -> None:
    for status in ("accepted", "declined", "withdrawn"):
        path = await at(world, *ROADS[status])
        for caller in (world.supervisor_north, world.partner_one):
            before = await caller.get(path)
            frozen = await caller.patch(path, {"urgency": "routine"}, etag=before.headers["etag"])
            assert list(unmet(frozen)) == ["status"]
            assert (await caller.get(path)).json() == before.json()


async def test_an_act_asks_for_the_version_that_was_seen(world: World) -> None:
    path = await at(world)
    for act, body in (("acknowledge", {}), ("decline", BODIES["decline"])):
        assert (await world.supervisor_north.post(f"{path}/{act}", body)).status_code == 428
        assert (await world.supervisor_north.post(f"{path}/{act}", body, etag='"7"')).status_code == 412
    assert await status_of(world.partner_one, path) == "received"


async def test_of_two_acceptances_at_once_one_wins(world: World) -> None:
    path = await at(world, "acknowledge")
    both = (world.supervisor_north, world.supervisor_both)
    answers = await asyncio.gather(
        *(caller.post(f"{path}/accept", acceptance(), etag='"2"') for caller in both)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len((await world.manager.get("/v1/cases")).json()["items"]) == 1


async def test_a_partner_reads_what_is_asked_of_it_and_answers(world: World) -> None:
    path, partner, supervisor = await at(world, "acknowledge"), world.partner_one, world.supervisor_north
    conversation = [
        ("Who lives with the child?", "ម្តាយ។ The mother."),
        ("Which school?", "The one by the river."),
    ]
    for number, (question, reply) in enumerate(conversation, start=1):
        assert (await supervisor.act(path, "request-information", {"question": question})).status_code == 200
        seen = (await partner.get(path)).json()
        assert (seen["status"], len(seen["questions"])) == ("information_requested", number)
        assert (seen["questions"][-1]["question"], seen["questions"][-1]["answer"]) == (question, None)
        assert (await world.partner_two.get(path)).status_code == 404
        stolen = await world.partner_two.post(f"{path}/provide-information", {"answer": "x"}, etag='"3"')
        assert stolen.status_code == 404
        answered = (await partner.act(path, "provide-information", {"answer": reply})).json()
        assert answered["status"] == "acknowledged"
        assert answered["questions"][-1]["answered_at"] is not None
    for caller in (partner, supervisor):
        told = (await caller.get(path)).json()["questions"]
        assert [(line["question"], line["answer"]) for line in told] == conversation
    listed = (await partner.get("/v1/referrals")).json()["items"]
    assert [len(item["questions"]) for item in listed] == [2]


async def test_a_partner_decides_nothing(world: World) -> None:
    path = await at(world, "acknowledge")
    for act in ("acknowledge", "request-information", "accept", "decline"):
        assert (await world.partner_one.act(path, act, BODIES[act])).status_code == 403
    assert (await world.partner_one.get(f"{path}/matches")).status_code == 403
    assert await status_of(world.partner_one, path) == "acknowledged"


async def test_declining_needs_a_code_and_a_reason_and_says_where_else_to_turn(world: World) -> None:
    path = await at(world)
    for missing in ("reason_code", "reason"):
        body = {name: value for name, value in BODIES["decline"].items() if name != missing}
        refused = await world.supervisor_north.act(path, "decline", body)
        assert faults(refused) == {(f"/{missing}", "missing")}
    for name, value, code in (
        *(("reason_code", "bored", "literal_error"), ("reason", " \u200b", "blank")),
        *(("signposted_to", [""], "string_too_short"), ("signposted_to", ["x"] * 21, "too_long")),
    ):
        body = {**BODIES["decline"], name: value}
        [(pointer, found)] = faults(await world.supervisor_north.act(path, "decline", body))
        assert (pointer.startswith(f"/{name}"), found) == (True, code)
    assert await status_of(world.partner_one, path) == "received"

    for said, kept in (("Hotline 1280", ["Hotline 1280"]), (["A", "ខ"], ["A", "ខ"]), (None, [])):
        path = await at(world)
        body = {**BODIES["decline"], "signposted_to": said}
        declined = (await world.supervisor_north.act(path, "decline", body)).json()
        assert (declined["reason"], declined["signposted_to"]) == (BODIES["decline"]["reason"], kept)
        assert declined["decided_by_id"] == str(world.supervisor_north.id)
        told = await world.partner_one.get(path)
        assert told.json()["decline_reason_code"] == "no_capacity"
        assert told.json()["signposted_to"] == kept
        assert BODIES["decline"]["reason"] not in told.text


async def test_who_sent_a_referral_withdraws_it(world: World) -> None:
    path = await at(world, "acknowledge")
    assert faults(await world.partner_one.act(path, "withdraw", {})) == {("/reason", "missing")}
    other = await world.partner_two.post(f"{path}/withdraw", BODIES["withdraw"], etag='"2"')
    assert other.status_code == 404
    withdrawn = (await world.partner_one.act(path, "withdraw", BODIES["withdraw"])).json()
    assert withdrawn["status"] == "withdrawn"
    read = (await world.supervisor_north.get(path)).json()
    assert (read["reason"], read["decided_by_id"]) == (BODIES["withdraw"]["reason"], None)

    told = await world.referral("worker_north", source="walk_in", external_id=None)
    own = f"/v1/referrals/{told['id']}"
    by_staff = (await world.worker_north.act(own, "withdraw", BODIES["withdraw"])).json()
    assert (by_staff["status"], by_staff["decided_by_id"]) == ("withdrawn", str(world.worker_north.id))


async def test_a_partner_names_each_referral_once_and_another_may_use_the_same_name(world: World) -> None:
    first, second = world.partner_one, world.partner_two
    nameless = {name: value for name, value in referral().items() if name != "external_id"}
    assert faults(await first.post("/v1/referrals", nameless)) == {("/external_id", "missing")}
    assert (await first.post("/v1/referrals", referral(external_id="A/1"))).status_code == 201
    again = await first.post("/v1/referrals", referral(external_id="A/1"))
    assert again.status_code == 409
    assert again.json()["type"] == "urn:firststep:problem:already-exists"
    assert (await second.post("/v1/referrals", referral(external_id="A/1"))).status_code == 201
    for caller in (first, second):
        found = (await caller.get("/v1/referrals?external_id=A/1")).json()["items"]
        assert len(found) == 1


async def test_a_client_may_choose_the_id_and_a_taken_one_is_refused(world: World) -> None:
    chosen = str(uuid.uuid4())
    made = await world.partner_one.post("/v1/referrals", referral(id=chosen))
    assert (made.status_code, made.json()["id"]) == (201, chosen)
    for name in ("partner_one", "partner_two", "worker_south"):
        taken = await world.as_(name).post("/v1/referrals", referral(id=chosen))
        assert taken.status_code == 409
        assert taken.json()["type"] == "urn:firststep:problem:already-exists"
    assert (await world.partner_two.get(f"/v1/referrals/{chosen}")).status_code == 404


async def test_a_referral_that_borrows_a_childs_id_does_not_take_its_name_away(world: World) -> None:
    names = [{"script": "latin", "family": "Uniq", "given": "Zorvath"}]
    case = await world.case(child={**referral()["child"], "names": names})
    assert (await world.partner_one.post("/v1/referrals", referral(id=case["child_id"]))).status_code == 201
    found = (await world.worker_north.get("/v1/children?q=Zorvath")).json()["items"]
    assert [child["id"] for child in found] == [case["child_id"]]


async def test_a_social_worker_takes_a_call_and_carries_the_case(world: World) -> None:
    worker = world.worker_south
    for source, recorded in ((None, "phone_call"), ("own_detection", "own_detection")):
        answer = await worker.post("/v1/referrals", referral(source=source, external_id=None))
        told, path = answer.json(), answer.headers["location"]
        assert (answer.status_code, told["source"], told["agency_id"]) == (201, recorded, None)
        assert told["received_by_id"] == str(worker.id)
        assert (await world.worker_north.get(path)).status_code == 404
        assert (await world.partner_one.get(path)).status_code == 404
        assert (await world.supervisor_south.get(path)).status_code == 200
        team = await worker.act(path, "acknowledge", {"team_id": str(id_of("south"))})
        assert faults(team) == {("/team_id", "not_yours")}
        assert (await worker.act(path, "acknowledge")).status_code == 200
        accepted = (await worker.act(path, "accept", acceptance("worker_south"))).json()
        case = (await worker.get(f"/v1/cases/{accepted['case_id']}")).json()
        assert (case["lead_worker_id"], case["team_id"]) == (str(worker.id), str(id_of("south")))


async def test_what_a_partners_system_sends_came_from_its_system(world: World) -> None:
    posted = await world.partner_one.post("/v1/referrals", referral(source="phone_call"))
    assert faults(posted) == {("/source", "not_yours")}
    assert (await world.partner_one.post("/v1/referrals", referral(source="api"))).status_code == 201
