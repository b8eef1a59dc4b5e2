"""Texts of a case are stored in encrypted form only, and do not occur in logs or error responses."""

import json
import logging
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog

from app import structured_log as logs
from tests.support.environment import TEST_HOME
from tests.support.scenario import Scenario, acceptance_payload, id_of, referral_payload

LATIN_MARKER, KHMER_MARKER = "Zqxcanary", "កណារីសម្ងាត់ឃ្លាំង"
BIRTH_DATE, VILLAGE, PHONE, LOCAL_PHONE = "2013-02-17", "17100901", "+85599927100", "099 927 100"
EMAIL = "zqxcanary@duty.example"
MARKERS = [
    text.encode()
    for text in (
        LATIN_MARKER.lower(),
        KHMER_MARKER,
        BIRTH_DATE,
        VILLAGE,
        PHONE,
        PHONE[1:],
        LOCAL_PHONE,
        EMAIL,
    )
]
SELECT_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_t'
       AND c.relname <> 'places' ORDER BY 1
"""
SELECT_ENCRYPTED_COLUMNS = """
    SELECT table_name::text, column_name::text FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE '%encrypted'
"""
TABLES_WITH_CONTENT = {
    *(
        "break_glass",
        "case_history",
        "case_links",
        "cases",
        "children",
        "consents",
        "idempotency_records",
        "people",
        "record_changes",
    ),
    *("referral_questions", "referrals"),
}
Responses = list[httpx.Response]


def mark_text(name: str) -> str:
    return f"{LATIN_MARKER} {name} {KHMER_MARKER}"


@pytest.fixture(autouse=True)
def debug_logging() -> Iterator[None]:
    """Configure the log as the server does, at level DEBUG, with every statement and row of the database."""
    root, engine = logging.getLogger(), logging.getLogger("sqlalchemy.engine")
    previous = (root.handlers[:], root.level, warnings.showwarning, engine.level)
    logs.configure_logging(logging.DEBUG)
    engine.setLevel(logging.DEBUG)
    yield
    structlog.reset_defaults()
    root.handlers[:] = previous[0]
    root.setLevel(previous[1])
    warnings.showwarning = previous[2]
    engine.setLevel(previous[3])


def build_marked_referral(**changes: Any) -> dict[str, Any]:
    """Return a referral in which every text contains a marker."""
    phone = {"number": LOCAL_PHONE, "owner": "self", "safe_to_call": True}
    basis = {
        "basis": "vital_interest",
        "decided_by": mark_text("decider"),
        "on": "2026-01-02",
        "reason": mark_text("basis"),
    }
    names = [
        {"script": "latin", "family": f"{LATIN_MARKER}fam", "given": f"{LATIN_MARKER}giv"},
        {"script": "khmer", "family": KHMER_MARKER, "given": f"{KHMER_MARKER}ក"},
    ]
    referral = referral_payload(
        concern={"kind": "survivor", "summary": mark_text("summary"), "period": mark_text("period")},
        child={
            "names": names, "nickname": mark_text("nickname"), "birth": {"date": BIRTH_DATE, "precision": "day"},
            "place_code": VILLAGE, "address_detail": mark_text("address"), "phone": phone,
            "disability": {"has_difficulty": True, "note": mark_text("disability")},
            "school": {"status": "attending", "name": mark_text("school")},
        },
        caregiver={"names": names, "relationship": "mother", "phone": phone, "address_detail": mark_text("home")},
        referrer={"name": mark_text("referrer"), "position": mark_text("position"), "phone": PHONE, "email": EMAIL},
        consent={**referral_payload()["consent"], "witness": mark_text("witness"), "basis_without_consent": basis},
        documents=[{"title": mark_text("title"), "note": mark_text("note")}],
    )  # fmt: skip
    return {**referral, **changes}


async def create_case_with_markers(scenario: Scenario) -> tuple[Responses, str]:
    """Send every request of the intake with markers and return the responses and the path of the case."""
    partner, supervisor = scenario.partner_one, scenario.supervisor_north
    body = build_marked_referral()
    creation = await partner.post("/v1/referrals", body, key="replayed")
    path = creation.headers["location"]
    responses = [
        creation,
        await partner.post("/v1/referrals", body, key="replayed"),
        await partner.patch(path, {"child": {"nickname": mark_text("new nickname")}}, etag='"1"'),
        await supervisor.act(path, "acknowledge"),
        await supervisor.act(path, "request-information", {"question": mark_text("question")}),
        await partner.act(path, "provide-information", {"answer": mark_text("answer")}),
        await supervisor.get(f"{path}/matches"),
        await supervisor.act(
            path,
            "accept",
            acceptance_payload(screening={"meets_criteria": True, "reason": mark_text("screening")}),
        ),
    ]
    case = f"/v1/cases/{responses[-1].json()['case_id']}"
    for act, payload in (
        (
            "decline",
            {
                "reason_code": "other",
                "reason": mark_text("decline"),
                "signposted_to": mark_text("signposted"),
            },
        ),
        ("withdraw", {"reason": mark_text("withdrawal")}),
    ):
        other = (await partner.post("/v1/referrals", build_marked_referral())).headers["location"]
        responses.append(await supervisor.act(other, act, payload))
        if act == "decline":
            responses.append(await supervisor.act(other, "reinstate", {"reason": mark_text("reinstated")}))
    return responses, case


async def use_case_with_markers(scenario: Scenario, case: str) -> Responses:
    """Send every request about a case with markers and return the responses."""
    worker, supervisor = scenario.worker_north, scenario.supervisor_north
    child = f"/v1/children/{(await worker.get(case)).json()['child_id']}"
    person = {
        **build_marked_referral()["caregiver"],
        "role": "other",
        "nickname": mark_text("aunt"),
        "note": mark_text("person"),
    }
    person_creation = await worker.post(f"{case}/people", person)
    consent = {
        "given_by": ["child", "other"],
        "alternative_giver_reason": mark_text("alternative giver"),
        "method": "oral",
        "on": "2026-01-02",
        "scope": ["recording"],
        "note": mark_text("consent"),
    }
    consent_creation = await worker.post(f"{case}/consents", consent)
    other_case = f"/v1/cases/{(await scenario.open_case('worker_south'))['id']}"
    link = {"linked_case_id": other_case.removeprefix("/v1/cases/"), "reason": mark_text("link")}
    transfer = {
        "team_id": str(id_of("north")),
        "lead_worker_id": str(id_of("worker_north")),
        "reason": mark_text("transfer"),
    }
    mistake = {"reason": mark_text("mistake")}
    return [
        person_creation,
        consent_creation,
        await worker.patch(
            f"/v1/people/{person_creation.json()['id']}", {"note": mark_text("new note")}, etag='"1"'
        ),
        await worker.act(
            f"/v1/consents/{consent_creation.json()['id']}", "withdraw", {"reason": mark_text("withdrawn")}
        ),
        await worker.patch(
            child,
            {"names": build_marked_referral()["child"]["names"], "address_detail": mark_text("moved")},
            etag='"1"',
        ),
        await worker.patch(case, {"summary": mark_text("case summary")}, etag='"1"'),
        await worker.get("/v1/children", params={"q": f"{LATIN_MARKER}fam"}),
        await worker.get("/v1/children", params={"q": KHMER_MARKER}),
        await scenario.worker_south.post(f"{case}/break-glass", {"reason": mark_text("break glass")}),
        await scenario.manager.act(case, "transfer", transfer),
        link_creation := await scenario.supervisor_both.post(f"{case}/links", link),
        await scenario.supervisor_both.post(
            f"/v1/case-links/{link_creation.json()['id']}/enter-in-error", mistake, etag='"1"'
        ),
        await worker.act(f"/v1/people/{person_creation.json()['id']}", "enter-in-error", mistake),
        await worker.act(f"/v1/consents/{consent_creation.json()['id']}", "enter-in-error", mistake),
        await supervisor.get(f"{case}/timeline"),
        await scenario.dpo.get("/v1/audit/accesses", params={"limit": 200}),
    ]


async def send_invalid_requests(scenario: Scenario, case: str) -> Responses:
    """Send the markers in invalid places and return the responses. Rejections must not repeat the markers."""
    worker, partner = scenario.worker_north, scenario.partner_one
    return [
        await partner.post("/v1/referrals", build_marked_referral(urgency=mark_text("urgency"))),
        await partner.post("/v1/referrals", {**build_marked_referral(), LATIN_MARKER: KHMER_MARKER}),
        await partner.post("/v1/referrals", build_marked_referral(), key="replayed"),
        await partner.request("POST", "/v1/referrals", content=mark_text("no json").encode()),
        await partner.post(
            "/v1/referrals",
            build_marked_referral(
                child={**build_marked_referral()["child"], "phone": {"number": mark_text("")[:1] * 201}}
            ),
        ),
        await worker.patch(case, {"kind": mark_text("kind")}, etag='"1"'),
        await worker.get("/v1/cases", params={"status": mark_text("status")}),
        await worker.get("/v1/children", params={"q": mark_text("q"), LATIN_MARKER: KHMER_MARKER}),
        await worker.get(
            "/v1/cases",
            headers={"x-request-id": LATIN_MARKER + "x" * 70, "if-none-match": f'"{LATIN_MARKER}"'},
        ),
        await scenario.http.get(
            "/v1/cases", headers={"authorization": f"Bearer {LATIN_MARKER}.{LATIN_MARKER}.{LATIN_MARKER}"}
        ),
    ]


async def dump_tables(superuser: Any) -> bytes:
    """Return every value of every table in lower case."""
    content = bytearray()
    for table in [row[0] for row in await superuser.fetch(SELECT_TABLES)]:
        for row in await superuser.fetch(f"SELECT * FROM {table}"):  # noqa: S608 - the catalogue's own names
            for value in row.values():
                content += (value if isinstance(value, bytes) else str(value).encode()) + b"\n"
    return bytes(content).lower()


def find_markers(content: bytes) -> list[str]:
    return [text.decode() for text in MARKERS if text in content]


async def test_texts_are_stored_in_encrypted_form_only(
    scenario: Scenario, superuser_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    responses, case = await create_case_with_markers(scenario)
    responses += await use_case_with_markers(scenario, case)
    assert [a.text for a in responses if a.status_code not in {200, 201}] == []
    invalid = await send_invalid_requests(scenario, case)
    statuses = [response.status_code for response in invalid]
    assert statuses == [422, 201, 422, 415, 201, 422, 422, 422, 200, 401]
    assert [
        find_markers(response.content.lower()) for response in invalid if response.status_code >= 400
    ] == [[]] * 7

    encrypted_columns = [
        (table, column)
        for table, column in await superuser_connection.fetch(SELECT_ENCRYPTED_COLUMNS)
        if table in TABLES_WITH_CONTENT
    ]
    assert {table for table, _ in encrypted_columns} == TABLES_WITH_CONTENT
    for table, column in encrypted_columns:  # every encrypted column contains values
        count_query = f"SELECT count(*) FROM {table} WHERE length({column}) > 0"  # noqa: S608 - the catalogue's own names
        assert await superuser_connection.fetchval(count_query), (table, column)
    content = await dump_tables(superuser_connection)
    number = (await scenario.worker_north.get(case)).json()["number"]
    assert number.lower().encode() in content  # plain values do occur in the dump
    assert find_markers(content) == []
    await superuser_connection.execute("CREATE TABLE planted (b bytea, j jsonb)")
    await superuser_connection.execute(
        "INSERT INTO planted VALUES ($1, $2)", mark_text("b").encode(), json.dumps([BIRTH_DATE, PHONE])
    )
    assert set(find_markers(await dump_tables(superuser_connection))) == {
        LATIN_MARKER.lower(),
        KHMER_MARKER,
        BIRTH_DATE,
        PHONE,
        PHONE[1:],
    }

    captured = capsys.readouterr()
    lines = [json.loads(line) for line in captured.out.splitlines()]
    assert {"request"} < {line["event"] for line in lines}  # the log contains the statements of the database
    assert any("INSERT INTO children" in line["event"] for line in lines)
    assert (
        find_markers((captured.out + captured.err + json.dumps(lines, ensure_ascii=False)).lower().encode())
        == []
    )
    server_log = b"".join(path.read_bytes() for path in TEST_HOME.rglob("*.log"))
    assert find_markers(server_log.lower()) == []


async def test_ciphertext_moved_to_another_row_is_not_decrypted(
    scenario: Scenario, superuser_connection: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [
        f"/v1/cases/{(await scenario.open_case(child=build_marked_referral()['child'], caregiver=build_marked_referral()['caregiver']))['id']}"
        for _ in "12"
    ]
    worker, case = scenario.worker_north, paths[0]
    case_body = (await worker.get(case)).json()
    referral_paths = [f"/v1/referrals/{(await scenario.create_referral())['id']}" for _ in "12"]
    for path in referral_paths:
        await scenario.supervisor_north.act(path, "acknowledge")
        await scenario.supervisor_north.act(path, "request-information", {"question": mark_text("question")})
    [person, *_] = (await worker.get(f"{case}/people")).json()["items"]
    [consent, *_] = (await worker.get(f"{case}/consents")).json()["items"]
    for path in paths:
        await worker.patch(path, {"summary": mark_text("summary")}, etag='"1"')
    child = f"/v1/children/{case_body['child_id']}"
    for table, column, reads in (
        (
            "children",
            "identity_encrypted",
            (child, case, "/v1/children", "/v1/cases", f"/v1/children?q={LATIN_MARKER}fam"),
        ),
        ("people", "details_encrypted", (f"/v1/people/{person['id']}", f"{case}/people")),
        (
            "consents",
            "details_encrypted",
            (f"/v1/consents/{consent['id']}", f"{case}/consents", "/v1/consents"),
        ),
        ("cases", "content_encrypted", (case,)),
        ("referrals", "content_encrypted", (f"/v1/referrals/{case_body['referral_id']}",)),
        ("referrals", "outcome_encrypted", (f"/v1/referrals/{case_body['referral_id']}",)),
        ("referral_questions", "question_encrypted", (referral_paths[0], "/v1/referrals")),
    ):
        reader = scenario.partner_one if table == "referral_questions" else worker
        statuses = [(await reader.get(path)).status_code for path in reads]
        assert statuses == [200] * len(reads), table
        await swap_rows(superuser_connection, table, column)
        for path in reads:
            response = await reader.get(path)
            assert response.status_code == 500, (table, column, path)
            assert response.json()["type"] == "urn:firststep:problem:internal"
            assert find_markers(response.content.lower()) == []
            assert (await scenario.list_access_entries(response.headers["x-request-id"]))[0][
                "outcome"
            ] == "failed"
        await swap_rows(superuser_connection, table, column)
        assert (await reader.get(reads[0])).status_code == 200, table
    await superuser_connection.execute(
        "UPDATE children SET identity_encrypted = set_byte(identity_encrypted, 40, get_byte(identity_encrypted, 40) # 1)"
    )
    assert (await worker.get(child)).status_code == 500
    assert find_markers((capsys.readouterr().out).lower().encode()) == []


async def swap_rows(superuser: Any, table: str, column: str) -> None:
    """Exchange the ciphertexts of a column between pairs of rows."""
    await superuser.execute(
        f"WITH ranked AS (SELECT id, {column} AS content, row_number() OVER (ORDER BY id) - 1 AS n FROM {table}"  # noqa: S608
        f"                 WHERE length({column}) > 0),"
        f"     pairs AS (SELECT a.id, b.content FROM ranked a JOIN ranked b ON b.n = (a.n # 1))"
        f" UPDATE {table} t SET {column} = p.content FROM pairs p WHERE p.id = t.id"
    )


async def test_stored_response_is_not_returned_for_another_idempotency_key(
    scenario: Scenario, superuser_connection: Any
) -> None:
    bodies = {key: build_marked_referral() for key in (uuid.uuid4().hex, uuid.uuid4().hex)}
    for key, body in bodies.items():
        assert (await scenario.partner_one.post("/v1/referrals", body, key=key)).status_code == 201
    await swap_rows(superuser_connection, "idempotency_records", "response_encrypted")
    for key, body in bodies.items():
        replayed = await scenario.partner_one.post("/v1/referrals", body, key=key)
        assert (replayed.status_code, replayed.json()["type"]) == (500, "urn:firststep:problem:internal")
    assert len((await scenario.partner_one.get("/v1/referrals")).json()["items"]) == 2
