"""Errors that the API reports to a caller. Each class has its HTTP status; one handler renders all of them.

    FirstStepError
    ├── MalformedRequest           400  the body is not valid JSON (RFC 8259)
    ├── Unauthenticated            401  the credentials are missing, invalid or expired
    ├── Forbidden                  403  the caller's roles do not include the permission
    │   ├── CrossSiteRequest       403  the request may come from a page of another site
    │   └── StepUpRequired         403  the permission requires a recent sign-in
    ├── NotFound                   404  the record does not exist or is not visible: one response for both
    ├── MethodNotAllowed           405
    ├── Conflict                   409  the record's state does not allow the request
    │   ├── GateRefused            409  conditions of a life-cycle step are unmet; each is listed
    │   ├── AlreadyExists          409  the chosen id or natural key is taken
    │   └── RequestInProgress      409  a request with the same Idempotency-Key is still running
    ├── StaleVersion               412  If-Match contains an older version
    ├── BodyTooLarge               413
    ├── UnsupportedMediaType       415
    ├── InvalidInput               422  fields are invalid; each is listed
    ├── IdempotencyKeyReused       422  the Idempotency-Key was used with another request
    ├── VersionRequired            428  If-Match is missing
    ├── TooManyRequests            429  the rate limit is exceeded; see Retry-After
    ├── Unavailable                503  a required component is down; no change was made
    └── TimedOut                   504  the request took too long; no change was made

The `detail` of an error never contains a value of a child's record. Messages name fields and rules only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from app.fault_codes import FaultCode


@dataclass(frozen=True, slots=True)
class Fault:
    """One validation error or unmet condition: its place (a JSON pointer or None), a stable code and a message."""

    pointer: str | None
    code: FaultCode
    detail: str
    params: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Values of the rule that the message contains, such as `max_length`, or `allowed` with the permitted values."""


class FirstStepError(Exception):
    """Base class of every error that the API reports to a caller.

    `kind` is the last part of the problem's `type` URI and never changes. `titles` holds the title in English and
    Khmer.
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    titles: ClassVar[dict[str, str]] = {
        "en": "Internal server error",
        "km": "មានបញ្ហានៅខាងប្រព័ន្ធរបស់យើង",
    }

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        super().__init__(detail or self.titles["en"])
        self.detail = detail
        self.retry_after = retry_after
        """Seconds until a retry may succeed, sent as `Retry-After`."""
        self.faults: tuple[Fault, ...] = ()


class MalformedRequest(FirstStepError):
    """The request cannot be parsed."""

    status = 400
    kind = "malformed-request"
    titles: ClassVar = {"en": "The request could not be parsed", "km": "មិនអាចអានសំណើបានទេ"}


class Unauthenticated(FirstStepError):
    """The credentials are missing, invalid or expired."""

    status = 401
    kind = "unauthenticated"
    titles: ClassVar = {"en": "Please sign in", "km": "សូមចូលប្រើប្រាស់ប្រព័ន្ធ"}


class Forbidden(FirstStepError):
    """The caller's roles or scopes do not include the required permission."""

    status = 403
    kind = "forbidden"
    titles: ClassVar = {
        "en": "Your role does not include this permission",
        "km": "តួនាទីរបស់អ្នកមិនមានសិទ្ធិធ្វើសកម្មភាពនេះទេ",
    }


class CrossSiteRequest(Forbidden):
    """The request uses a cookie and may have been sent by a page of another site."""

    kind = "asked-from-elsewhere"
    titles: ClassVar = {
        "en": "The request may come from another site",
        "km": "សំណើនេះអាចផ្ញើមកពីគេហទំព័រផ្សេង",
    }


class StepUpRequired(Forbidden):
    """The permission requires a more recent sign-in."""

    kind = "step-up-required"
    titles: ClassVar = {"en": "Please sign in again", "km": "សូមចូលម្តងទៀត ដើម្បីធ្វើសកម្មភាពនេះ"}


class NotFound(FirstStepError):
    """The record does not exist or is not visible to the caller. Both cases give the same response."""

    status = 404
    kind = "not-found"
    titles: ClassVar = {"en": "Not found", "km": "រកមិនឃើញ"}


class MethodNotAllowed(FirstStepError):
    """The path exists but does not support the method."""

    status = 405
    kind = "method-not-allowed"
    titles: ClassVar = {"en": "Method not allowed", "km": "វិធីសាស្ត្រនេះមិនមាននៅទីនេះទេ"}


class Conflict(FirstStepError):
    """The state of the record does not allow the request."""

    status = 409
    kind = "conflict"
    titles: ClassVar = {"en": "The record's state does not allow this", "km": "ស្ថានភាពនៃកំណត់ត្រាមិនអនុញ្ញាតទេ"}


class GateRefused(Conflict):
    """Conditions of a life-cycle step are unmet. The response lists each of them."""

    kind = "gate-refused"
    titles: ClassVar = {"en": "Some conditions are not met yet", "km": "លក្ខខណ្ឌខ្លះមិនទាន់បានបំពេញ"}

    def __init__(self, unmet: list[Fault]) -> None:
        super().__init__("The step is refused until every condition in `unmet` is met.")
        self.faults = tuple(unmet)


class AlreadyExists(Conflict):
    """The id or natural key that the client chose is taken."""

    kind = "already-exists"
    titles: ClassVar = {"en": "The record exists already", "km": "មានរួចហើយ"}
    record_id: UUID | None = None
    """Id of the existing record, if the caller can see it."""
    location: str | None = None
    """Path of the existing record, if the caller can see it."""


class RequestInProgress(Conflict):
    """Another request with the same Idempotency-Key is still running."""

    kind = "still-running"
    titles: ClassVar = {"en": "The first request is still running", "km": "សំណើដំបូងកំពុងដំណើរការ"}


class StaleVersion(FirstStepError):
    """The record was changed after the caller read it."""

    status = 412
    kind = "stale"
    titles: ClassVar = {
        "en": "The record has changed since you read it",
        "km": "កំណត់ត្រានេះបានផ្លាស់ប្តូរ តាំងពីអ្នកបានអានវា",
    }


class BodyTooLarge(FirstStepError):
    """The request body exceeds the limit of the endpoint."""

    status = 413
    kind = "too-large"
    titles: ClassVar = {"en": "The request body is too large", "km": "សំណើធំពេក"}


class UnsupportedMediaType(FirstStepError):
    """The endpoint does not accept the content type of the request body."""

    status = 415
    kind = "unsupported-media-type"
    titles: ClassVar = {"en": "Please send JSON", "km": "សូមផ្ញើជាទម្រង់ JSON"}


class InvalidInput(FirstStepError):
    """Fields or parameters are invalid. `errors` lists each of them."""

    status = 422
    kind = "invalid-input"
    titles: ClassVar = {"en": "Some fields are invalid", "km": "មានចំណុចខ្លះត្រូវពិនិត្យឡើងវិញ"}

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("See `errors` for each field.")
        self.faults = tuple(faults)


class IdempotencyKeyReused(FirstStepError):
    """The Idempotency-Key was used before with another request."""

    status = 422
    kind = "idempotency-key-reused"
    titles: ClassVar = {
        "en": "This Idempotency-Key belongs to another request",
        "km": "Idempotency-Key នេះជារបស់សំណើផ្សេង",
    }


class VersionRequired(FirstStepError):
    """The header If-Match is missing. It is required to change an existing record."""

    status = 428
    kind = "version-required"
    titles: ClassVar = {
        "en": "The header If-Match is required",
        "km": "សូមបញ្ជាក់កំណែដែលអ្នកបានអាន (If-Match)",
    }


class TooManyRequests(FirstStepError):
    """The caller exceeded its rate limit."""

    status = 429
    kind = "too-many-requests"
    titles: ClassVar = {"en": "Too many requests", "km": "សំណើច្រើនពេក សូមរង់ចាំបន្តិច"}


class Unavailable(FirstStepError):
    """A required component cannot be reached. No change was made."""

    status = 503
    kind = "unavailable"
    titles: ClassVar = {"en": "Temporarily unavailable", "km": "មិនអាចប្រើបានជាបណ្តោះអាសន្ន"}


class TimedOut(FirstStepError):
    """The request took longer than the limit. No change was made."""

    status = 504
    kind = "timed-out"
    titles: ClassVar = {"en": "The request took too long", "km": "ចំណាយពេលយូរពេក"}
