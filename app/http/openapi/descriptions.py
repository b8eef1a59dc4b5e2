"""Texts of the OpenAPI document (introduction, tags). Adds permissions to operations."""

from typing import Any

from app.http.openapi.operations import Operation
from app.schemas.codes import get_code_label

DESCRIPTION = """
Case management of First Step Cambodia for children who were sexually abused or who display harmful sexual behaviour.
A referral becomes a case, with a child and the people around the child. The tags follow the stages of this pathway.

**Authentication.** Send `Authorization: Bearer …`. People get an access token from `POST /v1/auth/login`, API clients
from `POST /v1/oauth/token`. Each operation requires a permission (`x-permission`), which certain roles have
(`x-roles`). Without the permission, the response is 403. The response is the same 404 for a record that does not exist
and for a record that the caller cannot see. For every child whose data a request reads or changes, the access log
contains an entry.

**Data formats.** JSON in `snake_case` and UTF-8. Unknown fields, repeated keys and values of the wrong type are
rejected. Responses contain every field. Ids are UUIDs; a client may choose the id of a record that it creates. Times
are UTC with `Z`. Dates have no time zone.

**Lists.** `{"items": […], "next_cursor": "…"}` and a `Link` header. `limit` is 1 to 200. Cursors are opaque. Paging never
skips or repeats records, even if records are added in the meantime. Filters are query parameters named after fields; an
array takes several values, separated by commas. `sort=field` sorts in ascending and `sort=-field` in descending order. A
search (`q`) determines the order, so that it excludes `sort`. With `count=true` the response contains `total`, at most
10,000, and `total_is_capped`.

**Updates.** PATCH takes a JSON merge patch (RFC 7396), as `application/json` or `application/merge-patch+json`. The second
media type is accepted but not listed, because client generators produce broken code for an operation with two media types.
A response with a single record has a strong `ETag`. To change the record, send the ETag as `If-Match`. The response is 428
if it is missing and 412 if the record has changed in the meantime.

**Acts.** A step in the life cycle of a record is `POST …/{id}/<verb>`. If its conditions are not met, the response is
409 and lists every unmet condition in `unmet`.

**Retries.** Send an `Idempotency-Key` with a POST to retry it safely. For 24 hours, the same request with the same key
gets the stored response, with `Idempotent-Replayed: true`. With another path, query string, `If-Match` or body, the
response is 422. While the first request is running, it is 409. The key is required for API clients and optional for
people. Secrets that are shown once (`x-secret: shown-once`) are null in a stored response, which then has the header
`Secrets-Omitted: true`.

**Problems.** Errors are `application/problem+json` (RFC 9457). `/docs/problems` explains each type, and each operation
lists its types in `x-problems`. The member `errors` contains each invalid field or parameter, with the values of the
rule in `params`. For an unknown query parameter or value, `params.allowed` lists the permitted values. A problem
contains no value of the request or of a record.

**Languages.** `Accept-Language: km` or `en` selects the language of problem titles, errors of query parameters and code
labels.

**Limits.** The size of a body (413), the number of requests per minute (429 with `Retry-After`; every response has
`RateLimit`), the size of a page (422) and the processing time (504) are limited.

**Tracing.** Every response has an `X-Request-Id`, which the server generates. The access log contains the same id. A
client can send its own id as `X-Correlation-Id` (8 to 64 letters, digits, `.`, `_`, `-`). The response returns it,
and the access log stores it. An id of another form is ignored. Never put personal data into it.

**Caching.** Responses that may contain a child's data are `no-store`. Code lists, places and public keys may be cached
and have an `ETag`.
""".strip()

TAGS: dict[str, str] = {
    "sign-in": "Sign-in, token refresh and sign-out of people.",
    "api-client-authentication": "Access tokens of API clients (OAuth 2.0 client credentials), and server metadata.",
    "account": "The caller's own account: password, second factor, sessions.",
    "administration": "Staff, teams, agencies and API clients. They contain no data about children.",
    "referrals": "Intake: receive, acknowledge, and accept or decline referrals.",
    "children": "Children, and the access log of each child.",
    "people": "Supporters, family members and other people around a child.",
    "consents": "The register of consents, refusals and withdrawals.",
    "corrections": "Marks of records that were entered in error, and the history of a child's records.",
    "support": "Support sessions with the child and the family, clinical notes and addenda.",
    "legal-steps": "Incidents, reports and hearings.",
    "cases": "Cases: their staff, their life cycle and their timeline.",
    "assessments": "Assessments of the child, a supporter or the family: five sections, seven areas, wishes, risk.",
    "care-plans": "Care plans: goals and actions in seven areas, editions, submission and approval.",
    "instruments": "Scored questionnaires.",
    "providers": "The directory of service providers. It contains no data about children.",
    "service-referrals": "Referrals of a child or family to service providers, based on a valid consent or a legal basis.",
    "reviews": "Reviews of a case every three months, and the outcomes of a case.",
    "feedback": "The opinions of children and caregivers about the support.",
    "exit": "Exit plans, and follow-ups after a case is closed.",
    "funds": "The assistance fund: deposits, ledger, limits, exchange rates. It contains no data about children.",
    "disbursements": "Requests for money for a child or family: approval, payment, receipts.",
    "documents": "Documents of a case. The file type is detected from the content, which is stored encrypted.",
    "outreach": "Outreach activities: awareness sessions, training, coaching, meetings and dissemination. They contain numbers of "
    "participants, and no data about children.",
    "supervision": "Supervision: caseload standard, supervision meetings, missing data, and the overview of a team.",
    "agenda": "Items of the caller that are due or overdue, and a calendar feed of them.",
    "audit": "The access log.",
    "reports": "Exact figures for staff. A response contains no data of a single child.",
    "releases": "Statistics for scripts and the public: rounded tables of closed periods, which never change.",
    "reference": "Code lists with their labels, and the places of Cambodia.",
    "health": "Health checks for load balancers and operators.",
}


def tags(used: set[str]) -> list[dict[str, str]]:
    """Return the used tags with their descriptions, in the order of `TAGS`."""
    return [{"name": name, "description": text} for name, text in TAGS.items() if name in used]


def add_permission(operation: Operation, described: dict[str, Any]) -> None:
    """Describe the permission that an operation requires, and the roles that have it."""
    guard = operation.guard
    if guard is None:
        return
    described["x-permission"] = guard.permission.value
    described["x-roles"] = [role.value for role in operation.roles]
    described["x-recent-sign-in"] = guard.recent
    roles = ", ".join(get_code_label("role", role.value, "en") for role in operation.roles)
    recent = " Requires a sign-in within the last hour." if guard.recent else ""
    described["description"] += f"\n\nPermission: `{guard.permission.value}`. Roles: {roles}.{recent}"
