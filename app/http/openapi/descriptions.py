"""The words of the OpenAPI document: the conventions, the tags, and what fields mean."""

from typing import Any

from app.http.openapi.operations import Operation
from app.schemas.words import get_field_description

DESCRIPTION = """
Case management of First Step Cambodia for children who were sexually abused or display harmful sexual behaviour. The
pathway is the menu: a referral becomes a case, with its child and the people around it.

**Who is asking.** Send `Authorization: Bearer …`. People get their access token from `POST /v1/auth/login`, machines
from `POST /v1/oauth/token`. Each operation names its `x-permission` and the `x-roles` that include it. A record that
is absent and one that you may not see get the same 404; an act that your roles do not include gets 403. Every look at
a child is in the access log before the answer leaves.

**Shapes.** JSON in `snake_case`, in UTF-8. Unknown fields, repeated keys and values of the wrong type are refused;
answers always carry every field. Ids are UUIDs, and a client may choose the id of what it creates. Times are UTC with
`Z`; dates are plain.

**Lists.** `{"items": […], "next_cursor": "…"}` and a `Link` header. `limit` is 1 to 200. Cursors are opaque, and
survive inserts: nothing is skipped, nothing comes twice. Filters are query parameters named after fields.

**Changes.** PATCH is a JSON merge patch (RFC 7396). A single record comes with a strong `ETag`; changing it asks for
that as `If-Match`: 428 without, 412 when somebody else was faster.

**Acts.** A step in a life cycle is `POST …/{id}/<verb>`. Where its conditions are unmet the answer is 409, and lists
them one by one in `unmet`.

**Retries.** Send an `Idempotency-Key` with a POST: the same key and body get the same answer again for 24 hours, with
`Idempotent-Replayed: true`; another body gets 422, a request that still runs 409. API clients must, people may.

**Problems.** Whatever goes wrong is `application/problem+json` (RFC 9457), its kinds explained at `/docs/problems`;
`errors` point at each field. No problem ever repeats what was sent, or holds a value of a record.

**Languages.** `Accept-Language: km` or `en` for titles of problems and labels of codes.

**Limits.** Of body size (413), rate (429 with `Retry-After`; every answer carries `RateLimit`), page size (422), and
time (504).

**Tracing.** `X-Request-Id` is taken over, or made; the same id stands in the access log.

**Caching.** Everything that may show a child is `no-store`; code lists, places and keys can be kept, and have an `ETag`.
""".strip()

TAGS: dict[str, str] = {
    "sign-in": "People sign in, stay signed in, and sign out.",
    "machines": "Systems sign in (OAuth 2.0 client credentials), and find out where.",
    "account": "One's own account: password, second factor, where one is signed in.",
    "administration": "Staff, teams, organisations and their systems. No child's data.",
    "referrals": "Intake: somebody tells us about a child; it becomes a case or it does not.",
    "children": "Who the children are, and who has seen them.",
    "people": "The supporter, the family, and others around a child.",
    "consents": "The register of consents, refusals and withdrawals.",
    "support": "Contacts with the child and the family: planned, held, missed; clinical notes and addenda.",
    "legal-steps": "Incidents, reports, hearings: the legal tier of a case.",
    "cases": "Periods of support: who works on them, and what happened.",
    "assessments": "How the child, a supporter or the family is: five sections, seven areas, wishes, risk.",
    "care-plans": "What is to become better in seven areas: goals, actions, editions, and the decisions on them.",
    "instruments": "Scored questionnaires, as data.",
    "providers": "The directory of those who serve children and families. No child's data.",
    "service-referrals": "Asking other providers to serve a child or family, on consent that holds at that moment.",
    "reviews": "Every three months a look at every area, which adapts the plan; and the outcomes they add up to.",
    "exit": "How support ends, and how the child is afterwards.",
    "funds": "The client assistance fund: what donors gave, its ledger, limits, rates. No child's data.",
    "disbursements": "Money for a child or family: asked for, approved and paid by three people.",
    "documents": "Letters, receipts, drawings: typed by content, encrypted, tiered.",
    "agenda": "What is due, overdue and waiting for me; on a phone, too.",
    "audit": "The access log: who saw which child, when, as what.",
    "reference": "Code lists with their labels, and Cambodia's places.",
    "health": "For load balancers.",
}

HEADER_MEANINGS = {"X-Requested-With": "Any value: no other site's page can send this header."}


def tags(used: set[str]) -> list[dict[str, str]]:
    """Return the tags that operations carry, explained."""
    return [{"name": name, "description": meaning} for name, meaning in TAGS.items() if name in used]


def explain(operation: Operation, told: dict[str, Any]) -> None:
    """Tell what an operation is, and who may."""
    text = told.get("description", "")
    told["summary"] = text.partition("\n")[0].rstrip(".")
    door = operation.door
    if door is None:
        return
    told["x-permission"] = door.permission.value
    told["x-roles"] = [role.value for role in operation.roles]
    told["x-recent-sign-in"] = door.recent
    who = ", ".join(role.value.replace("_", " ") for role in operation.roles)
    recent = " The sign-in must be no older than an hour." if door.recent else ""
    told["description"] = f"{text}\n\nFor: {who}.{recent}"


def explain_schemas(schemas: dict[str, Any]) -> None:
    """Tell what each field means, in place of the title that only repeats its name."""
    for name, schema in schemas.items():
        for field, told in schema.get("properties", {}).items():
            explain_field(name, field, told)


def explain_field(schema: str, field: str, told: dict[str, Any]) -> None:
    """Tell what a field means, unless it says so itself; where nobody wrote it down, its name has to do."""
    made_up = told.pop("title", None)
    described = told.get("description") or get_field_description(schema, field)
    if described:
        told["description"] = described
    elif "$ref" not in told:
        told["title"] = made_up or field
