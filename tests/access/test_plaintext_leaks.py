"""A whole journey with marked words: none of them stands in the database, in a log, or in an answer that failed."""

import json
import logging
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from app.http.middleware import request_log as logs
from tests.support.environment import TEST_HOME
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

LATIN, KHMER = "Zqxcanary", "កណារីសម្ងាត់ឃ្លាំង"
BORN, VILLAGE, PHONE, LOCAL_PHONE = "2013-02-17", "17100901", "+85599927100", "099 927 100"
EMAIL = "zqxcanary@duty.example"
MARKS = [
    text.encode() for text in (LATIN.lower(), KHMER, BORN, VILLAGE, PHONE, PHONE[1:], LOCAL_PHONE, EMAIL)
]
TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_t'
       AND c.relname <> 'places' ORDER BY 1
"""
SEALED = """
    SELECT table_name::text, column_name::text FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE '%encrypted'
"""
WRITTEN = {
    *(
        "break_glass",
        "case_history",
        "case_links",
        "cases",
        "children",
        "consents",
        "idempotency_records",
        "people",
    ),
    *("referral_questions", "referrals"),
}
Answers = list[httpx.Response]


def mark(where: str) -> str:
    return f"{LATIN} {where} {KHMER}"


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    """The log as the server keeps it, at its most talkative: every statement and row of the database too."""
    root, engine = logging.getLogger(), logging.getLogger("sqlalchemy.engine")
    before = (root.handlers[:], root.level, warnings.showwarning, engine.level)
    logs.configure_logging(logging.DEBUG)
    engine.setLevel(logging.DEBUG)
    yield
    structlog.reset_defaults()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    warnings.showwarning = before[2]
    engine.setLevel(before[3])


def told(**changes: Any) -> dict[str, Any]:
    """A referral in which every word is marked."""
    phone = {"number": LOCAL_PHONE, "owner": "self", "safe_to_call": True}
    basis = {
        "basis": "vital_interest",
        "decided_by": mark("decider"),
        "on": "2026-01-02",
        "reason": mark("basis"),
    }
    names = [
        {"script": "latin", "family": f"{LATIN}fam", "given": f"{LATIN}giv"},
        {"script": "khmer", "family": KHMER, "given": f"{KHMER}ក"},
    ]
    full = referral_payload(
        concern={"kind": "survivor", "summary": mark("summary"), "period": mark("period")},
        child={
            "names": names, "nickname": mark("nickname"), "birth": {"date": BORN, "precision": "day"},
            "place_code": VILLAGE, "address_detail": mark("address"), "phone": phone,
            "disability": {"has_difficulty": True, "note": mark("disability")},
            "school": {"status": "attending", "name": mark("school")},
        },
        caregiver={"names": names, "relationship": "mother", "phone": phone, "address_detail": mark("home")},
        referrer={"name": mark("referrer"), "position": mark("position"), "phone": PHONE, "email": EMAIL},
        consent={**referral_payload()["consent"], "witness": mark("witness"), "basis_without_consent": basis},
        documents=[{"title": mark("title"), "note": mark("note")}],
    )  # fmt: skip
    return {**full, **changes}


async def intake(scenario: Scenario) -> tuple[Answers, str]:
    """Everything that is said until there is a case; returns its path."""
    partner, chief = scenario.partner_one, scenario.supervisor_north
    body = told()
    made = await partner.post("/v1/referrals", body, key="replayed")
    path = made.headers["location"]
    answers = [
        made,
        await partner.post("/v1/referrals", body, key="replayed"),
        await partner.patch(path, {"child": {"nickname": mark("new nickname")}}, etag='"1"'),
        await chief.act(path, "acknowledge"),
        await chief.act(path, "request-information", {"question": mark("question")}),
        await partner.act(path, "provide-information", {"answer": mark("answer")}),
        await chief.get(f"{path}/matches"),
        await chief.act(
            path,
            "accept",
            acceptance_payload(screening={"meets_criteria": True, "reason": mark("screening")}),
        ),
    ]
    case = f"/v1/cases/{answers[-1].json()['case_id']}"
    for act, said in (
        ("decline", {"reason_code": "other", "reason": mark("decline"), "signposted_to": mark("signposted")}),
        ("withdraw", {"reason": mark("withdrawal")}),
    ):
        other = (await partner.post("/v1/referrals", told())).headers["location"]
        answers.append(await chief.act(other, act, said))
    return answers, case


async def casework(scenario: Scenario, case: str) -> Answers:
    """Everything that is said about a case."""
    worker, chief = scenario.worker_north, scenario.supervisor_north
    child = f"/v1/children/{(await worker.get(case)).json()['child_id']}"
    person = {**told()["caregiver"], "role": "other", "nickname": mark("aunt"), "note": mark("person")}
    added = await worker.post(f"{case}/people", person)
    consent = {
        "given_by": ["child"],
        "method": "oral",
        "on": "2026-01-02",
        "scope": ["research"],
        "note": mark("consent"),
    }
    entered = await worker.post(f"{case}/consents", consent)
    far = f"/v1/cases/{(await scenario.open_case('worker_south'))['id']}"
    link = {"linked_case_id": far.removeprefix("/v1/cases/"), "reason": mark("link")}
    moved = {
        "team_id": str(id_of("north")),
        "lead_worker_id": str(id_of("worker_north")),
        "reason": mark("transfer"),
    }
    return [
        added,
        entered,
        await worker.patch(f"/v1/people/{added.json()['id']}", {"note": mark("new note")}, etag='"1"'),
        await worker.act(f"/v1/consents/{entered.json()['id']}", "withdraw", {"reason": mark("withdrawn")}),
        await worker.patch(
            child, {"names": told()["child"]["names"], "address_detail": mark("moved")}, etag='"1"'
        ),
        await worker.patch(case, {"summary": mark("case summary")}, etag='"1"'),
        await worker.get("/v1/children", params={"q": f"{LATIN}fam"}),
        await worker.get("/v1/children", params={"q": KHMER}),
        await scenario.worker_south.post(f"{case}/break-glass", {"reason": mark("break glass")}),
        await scenario.manager.act(case, "transfer", moved),
        await scenario.supervisor_both.post(f"{case}/links", link),
        await chief.get(f"{case}/timeline"),
        await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200}),
    ]


async def refusals(scenario: Scenario, case: str) -> Answers:
    """The same words where they do not belong: none of these may answer with them, or remember them."""
    worker, partner = scenario.worker_north, scenario.partner_one
    return [
        await partner.post("/v1/referrals", told(urgency=mark("urgency"))),
        await partner.post("/v1/referrals", {**told(), LATIN: KHMER}),
        await partner.post("/v1/referrals", told(), key="replayed"),
        await partner.request("POST", "/v1/referrals", content=mark("no json").encode()),
        await partner.post("/v1/referrals", told(child={**told()["child"], "phone": {"number": mark("")}})),
        await worker.patch(case, {"kind": mark("kind")}, etag='"1"'),
        await worker.get("/v1/cases", params={"status": mark("status")}),
        await worker.get("/v1/children", params={"q": mark("q"), LATIN: KHMER}),
        await worker.get(
            "/v1/cases", headers={"x-request-id": LATIN + "x" * 70, "if-none-match": f'"{LATIN}"'}
        ),
        await scenario.http.get("/v1/cases", headers={"authorization": f"Bearer {LATIN}.{LATIN}.{LATIN}"}),
    ]


async def dump(superuser: Any) -> bytes:
    """Every value of every table, bytes as they are, in lower case."""
    held = bytearray()
    for table in [row[0] for row in await superuser.fetch(TABLES)]:
        for row in await superuser.fetch(f"SELECT * FROM {table}"):  # noqa: S608 - the catalogue's own names
            for value in row.values():
                held += (value if isinstance(value, bytes) else str(value).encode()) + b"\n"
    return bytes(held).lower()


def found(held: bytes) -> list[str]:
    return [text.decode() for text in MARKS if text in held]


async def test_a_journeys_words_stand_sealed_and_nowhere_else(
    scenario: Scenario, superuser_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers, case = await intake(scenario)
    answers += await casework(scenario, case)
    assert [a.text for a in answers if a.status_code not in {200, 201}] == []
    failed = await refusals(scenario, case)
    assert [answer.status_code for answer in failed] == [422, 422, 422, 415, 422, 422, 422, 422, 200, 401]
    assert [found(answer.content.lower()) for answer in failed if answer.status_code != 200] == [[]] * 9

    sealed = [
        (table, column) for table, column in await superuser_connection.fetch(SEALED) if table in WRITTEN
    ]
    assert {table for table, _ in sealed} == WRITTEN
    for table, column in sealed:  # each had its chance to be plain
        filled = f"SELECT count(*) FROM {table} WHERE length({column}) > 0"  # noqa: S608 - the catalogue's own names
        assert await superuser_connection.fetchval(filled), (table, column)
    held = await dump(superuser_connection)
    number = (await scenario.worker_north.get(case)).json()["number"]
    assert number.lower().encode() in held  # the dump does see what is plain
    assert found(held) == []
    await superuser_connection.execute("CREATE TABLE planted (b bytea, j jsonb)")
    await superuser_connection.execute(
        "INSERT INTO planted VALUES ($1, $2)", mark("b").encode(), json.dumps([BORN, PHONE])
    )
    assert set(found(await dump(superuser_connection))) == {LATIN.lower(), KHMER, BORN, PHONE, PHONE[1:]}

    written = capsys.readouterr()
    lines = [json.loads(line) for line in written.out.splitlines()]
    assert {"request"} < {line["event"] for line in lines}  # the database's statements are there too
    assert any("INSERT INTO referrals" in line["event"] for line in lines)
    assert found((written.out + written.err + json.dumps(lines, ensure_ascii=False)).lower().encode()) == []
    server_log = b"".join(path.read_bytes() for path in TEST_HOME.rglob("*.log"))
    assert found(server_log.lower()) == []


async def test_a_value_moved_to_another_place_opens_nowhere(
    scenario: Scenario, superuser_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        f"/v1/cases/{(await scenario.open_case(child=told()['child'], caregiver=told()['caregiver']))['id']}"
        for _ in "12"
    ]
    worker, here = scenario.worker_north, paths[0]
    file = (await worker.get(here)).json()
    asked = [f"/v1/referrals/{(await scenario.create_referral())['id']}" for _ in "12"]
    for path in asked:
        await scenario.supervisor_north.act(path, "acknowledge")
        await scenario.supervisor_north.act(path, "request-information", {"question": mark("question")})
    [person, *_] = (await worker.get(f"{here}/people")).json()["items"]
    [consent, *_] = (await worker.get(f"{here}/consents")).json()["items"]
    for path in paths:
        await worker.patch(path, {"summary": mark("summary")}, etag='"1"')
    child = f"/v1/children/{file['child_id']}"
    for table, column, reads in (
        (
            "children",
            "identity_encrypted",
            (child, here, "/v1/children", "/v1/cases", f"/v1/children?q={LATIN}fam"),
        ),
        ("people", "details_encrypted", (f"/v1/people/{person['id']}", f"{here}/people")),
        (
            "consents",
            "details_encrypted",
            (f"/v1/consents/{consent['id']}", f"{here}/consents", "/v1/consents"),
        ),
        ("cases", "content_encrypted", (here,)),
        ("referrals", "content_encrypted", (f"/v1/referrals/{file['referral_id']}",)),
        ("referrals", "outcome_encrypted", (f"/v1/referrals/{file['referral_id']}",)),
        ("referral_questions", "question_encrypted", (asked[0], "/v1/referrals")),
    ):
        reader = scenario.partner_one if table == "referral_questions" else worker
        statuses = [(await reader.get(path)).status_code for path in reads]
        assert statuses == [200] * len(reads), table
        await swap(superuser_connection, table, column)
        for path in reads:
            answer = await reader.get(path)
            assert answer.status_code == 500, (table, column, path)
            assert answer.json()["type"] == "urn:firststep:problem:internal"
            assert found(answer.content.lower()) == []
            assert (await scenario.list_access_entries(answer.headers["x-request-id"]))[0][
                "outcome"
            ] == "failed"
        await swap(superuser_connection, table, column)
        assert (await reader.get(reads[0])).status_code == 200, table
    await superuser_connection.execute(
        "UPDATE children SET identity_encrypted = set_byte(identity_encrypted, 40, get_byte(identity_encrypted, 40) # 1)"
    )
    assert (await worker.get(child)).status_code == 500
    assert found((capsys.readouterr().out).lower().encode()) == []


async def swap(superuser: Any, table: str, column: str) -> None:
    """Exchange a sealed column between rows: each row of a pair gets the other's."""
    await superuser.execute(
        f"WITH ranked AS (SELECT id, {column} AS held, row_number() OVER (ORDER BY id) - 1 AS n FROM {table}"  # noqa: S608
        f"                 WHERE length({column}) > 0),"
        f"     pairs AS (SELECT a.id, b.held FROM ranked a JOIN ranked b ON b.n = (a.n # 1))"
        f" UPDATE {table} t SET {column} = p.held FROM pairs p WHERE p.id = t.id"
    )


async def test_an_answer_kept_for_a_retry_is_not_given_to_another_key(
    scenario: Scenario, superuser_connection: Any
) -> None:
    bodies = {key: told() for key in (uuid.uuid4().hex, uuid.uuid4().hex)}
    for key, body in bodies.items():
        assert (await scenario.partner_one.post("/v1/referrals", body, key=key)).status_code == 201
    await swap(superuser_connection, "idempotency_records", "response_encrypted")
    for key, body in bodies.items():
        replayed = await scenario.partner_one.post("/v1/referrals", body, key=key)
        assert (replayed.status_code, replayed.json()["type"]) == (500, "urn:firststep:problem:internal")
    assert len((await scenario.partner_one.get("/v1/referrals")).json()["items"]) == 2
