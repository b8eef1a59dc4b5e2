"""An assessment from outside: whom it is about, written piece by piece, compared with the one before."""

import asyncio
import uuid
from typing import Any

import httpx

from tests.pathway import AREAS, SECTIONS, assess, assessed, assessment_words, done
from tests.services.test_referral_life import faults
from tests.world import Caller, World

FIELDS = ("rating", "need", "strengths", "risk", "source")
INITIAL = {"subject": "child", "kind": "initial"}


def unmet(answer: httpx.Response) -> set[tuple[str | None, str]]:
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "urn:firststep:problem:gate-refused"
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["unmet"]}


async def drafted(world: World, words: dict[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    """A case, and the path of a draft about its child."""
    case = await world.case()
    made = await world.worker_north.post(f"/v1/cases/{case['id']}/assessments", INITIAL)
    path = f"/v1/assessments/{done(made, 201)['id']}"
    if words is not None:
        done(await world.worker_north.patch(path, words, etag='"1"'))
    return case, path


async def people_of(world: World, case: dict[str, Any]) -> list[str]:
    return [p["id"] for p in done(await world.worker_north.get(f"/v1/cases/{case['id']}/people"))["items"]]


async def test_a_draft_is_written_piece_by_piece_and_loses_nothing(world: World) -> None:
    case, path = await drafted(world)
    worker = world.worker_north
    empty = done(await worker.get(path))
    assert empty["sections"] == dict.fromkeys(SECTIONS)
    assert empty["areas"] == dict.fromkeys(AREAS)
    assert (empty["status"], empty["instruments"], empty["previous_id"]) == ("draft", {}, None)
    for version, piece in enumerate(
        [
            {"sections": {"current_situation": "ស្នាក់នៅជាមួយជីដូន"}},
            {"sections": {"family_home": "A quiet home."}},
            {"areas": {"legal": {"rating": 1}}},
            {"areas": {"legal": {"need": "A lawyer."}, "education": {"source": "The teacher, by phone."}}},
            {"child_wishes": "To stay at school.", "risk_level": "high"},
        ],
        start=1,
    ):
        done(await worker.patch(path, piece, etag=f'"{version}"'))
    whole = done(await worker.get(path))
    assert whole["sections"] == {
        **dict.fromkeys(SECTIONS),
        "current_situation": "ស្នាក់នៅជាមួយជីដូន",
        "family_home": "A quiet home.",
    }
    nothing = dict.fromkeys(FIELDS)
    assert whole["areas"]["legal"] == {**nothing, "rating": 1, "need": "A lawyer."}
    assert whole["areas"]["education"] == {**nothing, "source": "The teacher, by phone."}
    assert (whole["child_wishes"], whole["risk_level"]) == ("To stay at school.", "high")

    removed = {"areas": {"legal": {"need": None}, "education": None}, "risk_level": None}
    less = done(await worker.patch(path, removed, etag='"6"'))
    assert less["areas"] == {**dict.fromkeys(AREAS), "legal": {**nothing, "rating": 1}}
    assert (less["risk_level"], less["sections"]) == (None, whole["sections"])
    [listed] = done(await worker.get(f"/v1/cases/{case['id']}/assessments"))["items"]
    assert listed["ratings"] == {**dict.fromkeys(AREAS), "legal": 1}
    assert not {"sections", "areas", "child_wishes"} & set(listed)


async def test_two_phones_write_at_once_and_neither_overwrites_the_other(world: World) -> None:
    _, path = await drafted(world)
    answers = await asyncio.gather(
        *(
            world.worker_north.patch(path, {"sections": {name: "Written."}}, etag='"1"')
            for name in ("family_home", "physical_state")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    now = await world.worker_north.get(path)
    assert sum(said is not None for said in done(now)["sections"].values()) == 1
    late = next(name for name in ("family_home", "physical_state") if now.json()["sections"][name] is None)
    again = await world.worker_north.patch(path, {"sections": {late: "Again."}}, etag=now.headers["etag"])
    assert sum(said is not None for said in done(again)["sections"].values()) == 2
    assert (await world.worker_north.patch(path, {"risk_level": "low"})).status_code == 428


async def test_what_is_wrong_in_a_piece_is_pointed_at_and_nothing_of_it_is_kept(world: World) -> None:
    _, path = await drafted(world)
    for wrong, fault in (
        ({"areas": {"legal": {"rating": 5}}}, ("/areas/legal/rating", "less_than_equal")),
        ({"areas": {"legal": {"rating": 0}}}, ("/areas/legal/rating", "greater_than_equal")),
        ({"areas": {"legal": {"rating": "3"}}}, ("/areas/legal/rating", "int_type")),
        ({"areas": {"legal": {"rating": True}}}, ("/areas/legal/rating", "int_type")),
        ({"areas": {"legal": {"source": "x" * 201}}}, ("/areas/legal/source", "string_too_long")),
        ({"areas": {"legal": {"score": 1}}}, ("/areas/legal/score", "extra_forbidden")),
        ({"areas": {"money": {"rating": 1}}}, ("/areas/money", "extra_forbidden")),
        ({"sections": {"family_home": " "}}, ("/sections/family_home", "blank")),
        ({"sections": {"family_home": "x" * 20_001}}, ("/sections/family_home", "string_too_long")),
        ({"sections": []}, ("/sections", "model_attributes_type")),
        ({"risk_level": "none"}, ("/risk_level", "literal_error")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
        ({"author_id": str(uuid.uuid4())}, ("/author_id", "extra_forbidden")),
        ({"instruments": {"no_such_one": {"a": 1}}}, ("/instruments", "instrument_unknown")),
    ):
        answer = await world.worker_north.patch(path, {"child_wishes": "Kept?", **wrong}, etag='"1"')
        assert fault in faults(answer), wrong
    assert done(await world.worker_north.get(path))["child_wishes"] is None


async def test_a_subject_has_one_assessment_under_way_however_many_begin_at_once(world: World) -> None:
    case = await world.case()
    path = f"/v1/cases/{case['id']}/assessments"
    callers: list[Caller] = [world.worker_north, world.supervisor_north, world.supervisor_both] * 2
    answers = await asyncio.gather(*(caller.post(path, INITIAL) for caller in callers))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == len(callers) - 1
    assert all(unmet(answer) == {("/subject", "under_way")} for answer in refused)
    assert len(done(await world.worker_north.get(path))["items"]) == 1
    [mother] = await people_of(world, case)
    for subject in ("supporter", "family"):  # others are under way beside it
        told = {"subject": subject, "kind": "initial", "person_id": mother}
        done(await world.worker_north.post(path, told), 201)
    found = done(await world.worker_north.get(path, params={"subject": "family"}))["items"]
    assert [(one["subject"], one["person_id"]) for one in found] == [("family", mother)]


async def test_whom_it_is_about_is_the_child_or_a_person_of_the_case(world: World) -> None:
    case, other = await world.case(), await world.case()
    path, worker = f"/v1/cases/{case['id']}/assessments", world.worker_north
    [mother], [elsewhere] = await people_of(world, case), await people_of(world, other)
    for told, fault in (
        ({**INITIAL, "person_id": mother}, ("/person_id", "not_asked")),
        ({"subject": "supporter", "kind": "initial"}, ("/person_id", "missing")),
        ({"subject": "family", "kind": "initial", "person_id": elsewhere}, ("/person_id", "person_unknown")),
        ({"subject": "neighbour", "kind": "initial"}, ("/subject", "literal_error")),
        ({"subject": "child"}, ("/kind", "missing")),
        ({**INITIAL, "risk_level": "low"}, ("/risk_level", "extra_forbidden")),
    ):
        assert faults(await worker.post(path, told)) == {fault}, told
    neighbour = {
        "role": "other",
        "relationship": "neighbour",
        "names": [{"script": "latin", "given": "Sok"}],
    }
    people = f"/v1/cases/{case['id']}/people"
    other_one = done(await worker.post(people, neighbour), 201)["id"]
    aunt = {**neighbour, "role": "family", "relationship": "aunt"}
    relative = done(await worker.post(people, aunt), 201)["id"]
    for subject, person in (("supporter", other_one), ("family", other_one), ("supporter", relative)):
        told = {"subject": subject, "kind": "initial", "person_id": person}
        assert faults(await worker.post(path, told)) == {("/person_id", "role_unfit")}, told
    done(await worker.post(path, {"subject": "family", "kind": "initial", "person_id": relative}), 201)
    chosen = str(uuid.uuid4())
    made = await worker.post(path, {**INITIAL, "id": chosen})
    assert (made.status_code, made.headers["location"]) == (201, f"/v1/assessments/{chosen}")
    elsewhere = f"/v1/cases/{other['id']}/assessments"
    assert (await worker.post(elsewhere, {**INITIAL, "id": chosen})).status_code == 409


async def test_a_reassessment_rests_on_an_approved_one_and_shows_what_changed(world: World) -> None:
    case, first = await assessed(world, weak=("legal", "education"), risk_level="high")
    path, worker = f"/v1/cases/{case['id']}/assessments", world.worker_north
    assert unmet(await worker.post(path, INITIAL)) == {("/kind", "assessed_before")}
    [mother] = await people_of(world, case)
    early = {"subject": "supporter", "kind": "reassessment", "person_id": mother}
    assert unmet(await worker.post(path, early)) == {("/kind", "not_assessed_before")}

    second = await assess(world, case, kind="reassessment", weak=("legal",), risk_level="low")
    assert second["previous_id"] == first["id"]
    changes = done(await worker.get(f"/v1/assessments/{second['id']}/changes"))
    assert changes["areas"]["education"] == {"before": 2, "after": 3, "change": 1}
    assert changes["areas"]["legal"] == {"before": 2, "after": 2, "change": 0}
    assert changes["risk_level"] == {"before": "high", "after": "low"}
    assert (changes["previous_id"], changes["previous_decided_at"]) == (first["id"], first["decided_at"])
    assert (changes["child_id"], set(changes["areas"])) == (case["child_id"], set(AREAS))

    begun = done(await worker.post(path, {**INITIAL, "kind": "reassessment"}), 201)
    assert begun["previous_id"] == second["id"]
    assert begun["areas"] == dict.fromkeys(AREAS)
    alone = done(await worker.get(f"/v1/assessments/{first['id']}/changes"))
    assert alone["previous_id"] is None
    assert alone["areas"]["legal"] == {"before": None, "after": 2, "change": None}


async def test_assessments_are_seen_through_the_case_and_by_nobody_else(world: World) -> None:
    case, path = await drafted(world, assessment_words())
    in_case = f"/v1/cases/{case['id']}/assessments"
    for caller, status in (
        (world.worker_north_2, 404),
        (world.worker_south, 404),
        (world.supervisor_south, 404),
        (world.supervisor_north, 200),
        (world.manager, 200),
        (world.admin, 403),
        (world.finance, 403),
        (world.dpo, 403),
        (world.partner_one, 403),
    ):
        for target in (path, f"{path}/changes", in_case):
            assert (await caller.get(target)).status_code == status, (caller.name, target)
    for caller, status in ((world.worker_south, 404), (world.manager, 403), (world.partner_one, 403)):
        assert (await caller.post(in_case, INITIAL)).status_code == status
        assert (await caller.patch(path, {"risk_level": "low"}, etag='"2"')).status_code == status
        assert (await caller.post(f"{path}/submit", etag='"2"')).status_code == status
    shown = await world.worker_north.get(path)
    [entry] = await world.log(shown.headers["x-request-id"])
    assert (entry["record"], entry["case_id"]) == (
        {"kind": "assessment", "id": done(shown)["id"]},
        case["id"],
    )


async def test_nothing_is_written_in_a_closed_case(world: World, superuser: Any) -> None:
    case, path = await drafted(world, assessment_words())
    await superuser.execute("UPDATE cases SET status = 'closed' WHERE id = $1", uuid.UUID(case["id"]))
    worker, closed = world.worker_north, {("/status", "status")}
    assert unmet(await worker.patch(path, {"risk_level": "low"}, etag='"2"')) == closed
    assert unmet(await worker.act(path, "submit")) == closed
    [mother] = await people_of(world, case)
    told = {"subject": "family", "kind": "initial", "person_id": mother}
    assert unmet(await worker.post(f"/v1/cases/{case['id']}/assessments", told)) == closed
    assert done(await worker.get(path))["status"] == "draft"


async def test_words_are_sealed_and_only_numbers_and_codes_are_not(world: World, superuser: Any) -> None:
    await drafted(world, assessment_words())
    [row] = await superuser.fetch("SELECT * FROM assessments")
    plain = " ".join(str(value) for name, value in dict(row).items() if name != "content_encrypted")
    assert "grandmother" not in plain
    assert "football" not in plain
    assert b"grandmother" not in row["content_encrypted"]
    assert '"legal": 3' in row["ratings"]
