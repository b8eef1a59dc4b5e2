"""Malformed bodies, queries, paths and headers get a 4xx problem that does not repeat the input."""

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.support.referrals import FULL_REFERRAL_PAYLOAD, LEAK_CANARY
from tests.support.scenario import AuthenticatedClient, Scenario, referral_payload


@pytest.fixture
async def path(scenario: Scenario) -> str:
    """Return the path of a referral of the first partner."""
    return f"/v1/referrals/{(await scenario.create_referral())['id']}"


def expect_problem(response: httpx.Response, *statuses: int) -> dict[str, Any]:
    assert response.status_code in statuses, response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert (body["status"], body["request_id"]) == (response.status_code, response.headers["x-request-id"])
    instance = body.pop(
        "instance"
    )  # The path is the only part of the request that a problem repeats (RFC 9457).
    assert len(instance) <= 512
    assert "Canary" not in str(body)
    assert "Canary" not in str(response.headers)
    assert len(response.content) < 20_000
    return body


async def test_body_that_is_not_strict_json_is_rejected(scenario: Scenario, path: str) -> None:
    body = json.dumps(FULL_REFERRAL_PAYLOAD)
    deep = "[" * 5_000 + f'"{LEAK_CANARY}"' + "]" * 5_000
    for broken in (
        body.replace('"urgent"', "NaN"), body.replace('"urgent"', "-Infinity"), body.replace('"urgent"', "1e400"),
        body.replace('"urgent"', "9" * 400), body.replace("sample summary", LEAK_CANARY + "\\ud800"),
        body.replace("sample summary", LEAK_CANARY + "\\u0000"), body.replace('{"id"', f'{{"id": "{LEAK_CANARY}", "id"'),
        body.replace('"urgent"', deep), body[:-1], body + body, f"{{'id': '{LEAK_CANARY}'}}", LEAK_CANARY, "\ufeff" + body, "//", " ",
    ):  # fmt: skip
        for method, where in (("POST", "/v1/referrals"), ("PATCH", path)):
            sent = {"content-type": "application/json", "if-match": '"1"'}
            response = await scenario.partner_one.request(
                method, where, content=broken.encode(), headers=sent
            )
            assert expect_problem(response, 400)["type"] == "urn:firststep:problem:malformed-request", broken[
                :80
            ]
    assert (await scenario.partner_one.get(path)).headers["etag"] == '"1"'


async def test_body_with_wrong_media_type_or_size_is_rejected(scenario: Scenario) -> None:
    body = json.dumps(FULL_REFERRAL_PAYLOAD).encode()

    async def stream() -> Any:
        for _ in range(160):
            yield LEAK_CANARY.encode() * 6_553

    for content, kind, status in (
        (body, "text/plain", 415), (body, "application/xml", 415), (body, "application/json; charset=utf-16", 415),
        (body, "multipart/form-data; boundary=x", 415), (b"child=Canary9271", "application/x-www-form-urlencoded", 415),
        (body, LEAK_CANARY, 415), (body, "", 415), (b"\xff\xfe" + body, "application/json", 400), (b"", "application/json", 422),
        (b'"' + LEAK_CANARY.encode() * 1_048_576 + b'"', "application/json", 413), (stream(), "application/json", 413),
    ):  # fmt: skip
        response = await scenario.partner_one.request(
            "POST", "/v1/referrals", content=content, headers={"content-type": kind}
        )
        expect_problem(response, status)
    assert (await scenario.partner_one.post("/v1/referrals")).status_code == 422
    gzipped = {"content-type": "application/json", "content-encoding": "gzip"}
    assert (
        await scenario.partner_one.request("POST", "/v1/referrals", content=body, headers=gzipped)
    ).status_code == 415


async def test_invalid_pagination_parameters_are_rejected(scenario: Scenario) -> None:
    lists = ("/v1/referrals", "/v1/cases", "/v1/children", "/v1/consents", "/v1/audit/accesses", "/v1/places")
    for path in lists:
        caller = scenario.dpo if path in {"/v1/audit/accesses", "/v1/consents"} else scenario.supervisor_north
        for query in (
            *("limit=0", "limit=201", "limit=abc", "limit=1e3", "limit=-1", "limit=", "limit=5.5", "limit=%2B5x"),
            *(f"limit={'9' * 5_000}", "limit=1&limit=2", "limit=1&limit=1", "limit[]=1", "limit=None", "limit=٣x"),
            *("cursor=", f"cursor={LEAK_CANARY}", f"cursor={'x' * 501}", "cursor=%F0%9F%98%80", "cursor=AAAA", "cursor=a&cursor=b"),
            *(f"{LEAK_CANARY}=1", "offset=5", "Limit=5", f"child_id={LEAK_CANARY}x", "urgency=now;", f"q={LEAK_CANARY * 20}", "=", "a[b]=c"),
        ):  # fmt: skip
            problem = expect_problem(await caller.get(f"{path}?{query}"), 422)
            assert problem["errors"], (path, query)
        expect_problem(await caller.get(f"{path}?q=%00{LEAK_CANARY}"), 400)
        for good in ("", "limit=1", "limit=200"):
            assert (await caller.get(f"{path}?{good}")).status_code == 200, (path, good)


async def test_time_filter_requires_offset_and_valid_range(scenario: Scenario) -> None:
    for value in (
        *("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-14:00", "0000-00-00T00:00:00Z", "2026-02-29T00:00:00Z"),
        *("2026-01-01T00:00:00", "2026-01-01", "2026-01-01T24:00:01Z", "2026-01-01T00:00:00+99:99", "1767225600"),
        *("2026-01-01 00:00:00Z", "២០២៦-01-01T00:00:00Z", "now", "", LEAK_CANARY, "9" * 5_000),
    ):  # fmt: skip
        for name in ("from", "to"):
            problem = expect_problem(await scenario.dpo.get("/v1/audit/accesses", params={name: value}), 422)
            assert [fault["pointer"] for fault in problem["errors"]] == [f"query:{name}"], value
    for value in (
        "2026-01-01T00:00:00Z",
        "2026-01-01T07:00:00+07:00",
        "1900-01-01T00:00:00Z",
        "2199-12-31T16:59:59.999999Z",
    ):
        assert (await scenario.dpo.get("/v1/audit/accesses", params={"from": value})).status_code == 200, (
            value
        )


async def test_cursor_is_bound_to_list_filters_and_caller(scenario: Scenario) -> None:
    for _ in range(2):
        await scenario.open_case()
    caller = scenario.supervisor_north
    children = (await caller.get("/v1/children?limit=1")).json()["next_cursor"]
    queue = (await caller.get("/v1/referrals?limit=1&urgency=urgent")).json()["next_cursor"]
    assert (await caller.get("/v1/children", params={"cursor": children})).status_code == 200
    for reader, path, query in (
        (caller, "/v1/cases", {"cursor": children}),
        (caller, "/v1/children", {"cursor": queue}),
        (caller, "/v1/children", {"cursor": children, "q": "Keo"}),
        (caller, "/v1/referrals", {"cursor": queue}),
        (caller, "/v1/referrals", {"cursor": queue, "urgency": "routine"}),
        (caller, "/v1/children", {"cursor": children[:-1] + ("A" if children[-1] != "A" else "B")}),
        (caller, "/v1/children", {"cursor": children[4:]}),
        (scenario.worker_north, "/v1/children", {"cursor": children}),
        (scenario.manager, "/v1/children", {"cursor": children}),
        (scenario.partner_one, "/v1/referrals", {"cursor": queue}),
    ):
        [fault] = expect_problem(await reader.get(path, params=query), 422)["errors"]
        assert (fault["pointer"], fault["code"]) == ("query:cursor", "cursor_invalid"), (path, query)


async def test_malformed_path_is_rejected(scenario: Scenario, path: str) -> None:
    record_id = path.rpartition("/")[2]
    for verb, end in (
        ("GET", ""),
        ("GET", "/matches"),
        ("PATCH", ""),
        ("POST", "/decline"),
        ("POST", "/accept"),
    ):
        for malformed_id in (
            *(LEAK_CANARY, "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2fetc", "1", "-1", "null", "*", "%20", f"%20{record_id}"),
            *(f"{record_id}%00", "%00", f"{record_id}%0a", "%ff", "%ED%A0%80", "%E2%80%AE", "x" * 10_000, f"{record_id}x", record_id[:-1]),
            *(f"{record_id};x=1", f"{record_id}'--", "00000000-0000-0000-0000-00000000000g", "%252e%252e", "{id}", "🧒"),
        ):  # fmt: skip
            body = {"reason_code": "other", "reason": LEAK_CANARY} if end == "/decline" else {}
            sent: dict[str, Any] = {} if verb == "GET" else {"json": body, "etag": '"1"'}
            response = await scenario.supervisor_north.request(
                verb, f"/v1/referrals/{malformed_id}{end}", **sent
            )
            expect_problem(response, 400, 404, 405, 422)
    for absent in (str(uuid.UUID(int=0)), str(uuid.uuid4())):
        for kind in ("referrals", "cases", "children", "people", "consents"):
            expect_problem(await scenario.supervisor_north.get(f"/v1/{kind}/{absent}"), 404)
    assert (await scenario.partner_one.get(path.replace(record_id, record_id.upper()))).json()[
        "id"
    ] == record_id
    expect_problem(await scenario.partner_one.get(f"{path}/"), 404)
    expect_problem(await scenario.partner_one.request("DELETE", path), 405)
    expect_problem(await scenario.partner_one.request("BREW", path), 405)
    assert (await scenario.partner_one.get(path)).headers["etag"] == '"1"'


async def test_if_match_accepts_only_one_strong_etag(scenario: Scenario, path: str) -> None:
    for tag in (
        *('"2"', '"0"', '"01"', '"1', '1"', "1", '""', "''", 'W/"1"', '"1", "2"', '"-1"', '"1e0"', '"1 "', '" 1"', '"²"'),
        *('"¹"', '"9999999999"', f'"{"9" * 5_000}"', LEAK_CANARY, '"\x00"', "", '"١"'.encode().decode("latin-1")),
    ):  # fmt: skip
        headers = {"if-match": tag.encode("latin-1")}
        response = await scenario.partner_one.request(
            "PATCH", path, json={"urgency": "routine"}, headers=headers
        )
        assert expect_problem(response, 412, 428)["status"] == 412, tag
    for wild in ("*", " * "):
        expect_problem(await scenario.partner_one.patch(path, {"urgency": "routine"}, etag=wild), 428)
    assert (await scenario.partner_one.get(path)).headers["etag"] == '"1"'


async def test_idempotency_key_must_be_one_printable_text(scenario: Scenario) -> None:
    async def sent(*keys: str) -> httpx.Response:
        lines = [(b"idempotency-key", key.encode()) for key in keys]
        return await scenario.http.post(
            "/v1/referrals",
            json=referral_payload(),
            headers=[*lines, build_authorization_header(scenario.partner_one)],
        )

    for key in ("", "x" * 256, "x" * 300, "clé", "ឈ្មោះ", "a\tb", "\u00a0"):
        expect_problem(await sent(key), 400)
    expect_problem(await sent("one", "two"), 400)
    assert expect_problem(await sent(), 422)["errors"][0]["pointer"] == "header:Idempotency-Key"
    assert (await scenario.partner_one.get("/v1/referrals")).json()["items"] == []
    for key in ("x" * 255, "'; --", "../..", "{}"):
        assert (await sent(key)).status_code == 201
    assert expect_problem(await sent("{}"), 422)["type"] == "urn:firststep:problem:idempotency-key-reused"


def build_authorization_header(caller: AuthenticatedClient) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {caller.token}".encode()


async def test_authorization_header_must_be_one_valid_token(scenario: Scenario) -> None:
    good = scenario.worker_north.token
    head, body, signature = good.split(".")
    for header in (
        *("", "Bearer", "Bearer ", f"Bearer {LEAK_CANARY} {LEAK_CANARY}", f"Bearer {'x' * 100_000}", f"Bearer {'.' * 50_000}"),
        *(f"Basic {LEAK_CANARY}", good, f"Token {good}", f"Bearer  {good}", f"Bearer {good}.", f"Bearer {good[:-3]}"),
        *(f"Bearer {head}.{body}.", f"Bearer {head}..{signature}", f"Bearer {good},{good}", "Bearer é", "Bearer null"),
    ):  # fmt: skip
        response = await scenario.http.get(
            "/v1/cases", headers=[(b"authorization", header.encode("latin-1"))]
        )
        assert expect_problem(response, 401)["type"] == "urn:firststep:problem:unauthenticated", header[:40]
        assert response.headers["www-authenticate"] == "Bearer"
    assert (
        await scenario.http.get("/v1/cases", headers={"authorization": f"bearer {good}"})
    ).status_code == 200


async def test_server_generates_the_request_id_and_returns_a_valid_id_of_the_caller(
    scenario: Scenario,
) -> None:
    # Catches: the id of the caller as the request id; an id of the caller that is not compared with the pattern.
    for request_id in (
        *("", "x" * 65, "short", f"<{LEAK_CANARY}>", "a b c d e f", "x\u00e9xxxxxxxx", "../../etc/passwd", '{"a":"bcdef"}'),
    ):  # fmt: skip
        lines = [
            (b"x-request-id", request_id.encode("latin-1")),
            build_authorization_header(scenario.worker_north),
        ]
        response = await scenario.http.get("/v1/cases", headers=lines)
        generated_id = response.headers["x-request-id"]
        assert (response.status_code, len(generated_id), generated_id.isalnum()) == (200, 32, True), (
            request_id
        )
        assert "x-correlation-id" not in response.headers
        (entry,) = await scenario.list_access_entries(generated_id)
        assert (entry["act"], entry["correlation_id"]) == ("case.list", None)
    for headers, correlation_id in (
        ({"x-request-id": "screen-42.a_b"}, "screen-42.a_b"),
        ({"x-correlation-id": "screen-42.a_c"}, "screen-42.a_c"),
        ({"x-correlation-id": "screen-42.a_d", "x-request-id": "screen-42.a_e"}, "screen-42.a_d"),
    ):
        for path, status in (("/v1/cases", 200), ("/v1/users", 403), ("/v1/cases?limit=0", 422)):
            response = await scenario.worker_north.get(path, headers=headers)
            assert response.status_code == status
            assert response.headers["x-correlation-id"] == correlation_id
            request_id = response.headers["x-request-id"]
            assert (len(request_id), request_id.isalnum()) == (32, True)
            for filters in ({"request_id": request_id}, {"correlation_id": correlation_id}):
                log = await scenario.dpo.get("/v1/audit/accesses", params=filters)
                entries = [item for item in log.json()["items"] if item["request_id"] == request_id]
                assert [entry["correlation_id"] for entry in entries] == [correlation_id]
    refused = await scenario.http.post(
        "/v1/auth/login",
        json={"email": "nobody@fsc.example", "password": "not the password"},
        headers={"x-correlation-id": "sign-in-42", "x-requested-with": "fetch"},
    )
    assert (refused.status_code, refused.headers["x-correlation-id"]) == (401, "sign-in-42")
    (entry,) = await scenario.list_access_entries(refused.headers["x-request-id"])
    assert entry["correlation_id"] == "sign-in-42"


async def test_malformed_accept_language_does_not_cause_an_error(scenario: Scenario) -> None:
    for language in (
        *("x" * 10_000, "km;q=abc", "en;q=nan", "km;q=1e999", ";;;,,,", "*;q=-1", "\u00ff\u00fe", LEAK_CANARY, "km-\u00e9"),
    ):  # fmt: skip
        for path, status in (("/v1/nothing", 404), ("/v1/cases", 401), ("/v1/places?limit=0", 422)):
            lines = [(b"accept-language", language.encode("latin-1"))]
            assert expect_problem(await scenario.http.get(path, headers=lines), status)["title"]


async def test_malformed_host_is_rejected(scenario: Scenario) -> None:
    for host in ("a b", "x" * 300, "<script>", "a,b", "user@host"):
        expect_problem(await scenario.http.get("/v1/codes", headers={"host": host}), 400)
