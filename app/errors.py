"""What can go wrong, as the caller may learn it: one family, each member knows its HTTP status.

    FirstStepError
    ├── Malformed              400  the body is not JSON as RFC 8259 means it
    ├── Unauthenticated        401  no, or no longer valid, proof of who is asking
    ├── Forbidden              403  the actor's roles do not include this act
    │   └── StepUpRequired     403  this act asks for a recent sign-in
    ├── NotFound               404  absent, or not for this actor: the same answer
    ├── MethodNotAllowed       405
    ├── Conflict               409  the record's state does not allow it
    │   ├── GateRefused        409  a step's conditions are unmet; they are listed one by one
    │   ├── AlreadyExists      409  the chosen id or key is taken
    │   └── StillRunning       409  the same Idempotency-Key is being worked on right now
    ├── Stale                  412  If-Match names an older version
    ├── TooLarge               413
    ├── UnsupportedMediaType   415
    ├── InvalidInput           422  fields are wrong; each is pointed at
    ├── KeyReused              422  the Idempotency-Key came with another body before
    ├── VersionRequired        428  If-Match is missing
    ├── TooManyRequests        429  slow down; Retry-After says how long
    ├── Unavailable            503  something this needs is down; nothing was done
    └── TimedOut               504  it took too long; nothing was done

No detail ever holds a value of a child's record: messages name fields and rules, not contents.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where (a JSON pointer, or None), a stable code, and a sentence."""

    pointer: str | None
    code: str
    detail: str


class FirstStepError(Exception):
    """The root: anything the API tells a caller about a request that did not succeed.

    `kind` ends the problem's `type` URI and never changes; `titles` are what a person reads (en, km).
    """

    status: ClassVar[int] = 500
    kind: ClassVar[str] = "internal"
    titles: ClassVar[dict[str, str]] = {
        "en": "Something went wrong on our side",
        "km": "មានបញ្ហានៅខាងប្រព័ន្ធរបស់យើង",
    }

    def __init__(self, detail: str | None = None, *, retry_after: int | None = None) -> None:
        super().__init__(detail or self.titles["en"])
        self.detail = detail
        self.retry_after = retry_after
        """Seconds after which another try may succeed, sent as `Retry-After`."""
        self.faults: tuple[Fault, ...] = ()


class MalformedRequest(FirstStepError):
    """The request cannot be read at all."""

    status = 400
    kind = "malformed-request"
    titles: ClassVar = {"en": "The request could not be read", "km": "មិនអាចអានសំណើបានទេ"}


class Unauthenticated(FirstStepError):
    """No valid proof of identity."""

    status = 401
    kind = "unauthenticated"
    titles: ClassVar = {"en": "Please sign in", "km": "សូមចូលប្រើប្រាស់ប្រព័ន្ធ"}


class Forbidden(FirstStepError):
    """The actor's roles or scopes do not include this act."""

    status = 403
    kind = "forbidden"
    titles: ClassVar = {"en": "Your role does not include this", "km": "តួនាទីរបស់អ្នកមិនមានសិទ្ធិធ្វើសកម្មភាពនេះទេ"}


class CrossSiteRequest(Forbidden):
    """A page of another site may have made the browser send this."""

    kind = "asked-from-elsewhere"
    titles: ClassVar = {
        "en": "Another site may have sent this",
        "km": "សំណើនេះអាចផ្ញើមកពីគេហទំព័រផ្សេង",
    }


class StepUpRequired(Forbidden):
    """The act asks for a sign-in more recent than the session's."""

    kind = "step-up-required"
    titles: ClassVar = {"en": "Please sign in again to do this", "km": "សូមចូលម្តងទៀត ដើម្បីធ្វើសកម្មភាពនេះ"}


class NotFound(FirstStepError):
    """Absent, or hidden from this actor: deliberately the same answer."""

    status = 404
    kind = "not-found"
    titles: ClassVar = {"en": "Not found", "km": "រកមិនឃើញ"}


class MethodNotAllowed(FirstStepError):
    """The path exists, the method does not."""

    status = 405
    kind = "method-not-allowed"
    titles: ClassVar = {"en": "This method is not offered here", "km": "វិធីសាស្ត្រនេះមិនមាននៅទីនេះទេ"}


class Conflict(FirstStepError):
    """The record is in a state that does not allow the act."""

    status = 409
    kind = "conflict"
    titles: ClassVar = {"en": "The record's state does not allow this", "km": "ស្ថានភាពនៃកំណត់ត្រាមិនអនុញ្ញាតទេ"}


class GateRefused(Conflict):
    """A step in a life cycle whose conditions are unmet; every one of them is listed."""

    kind = "gate-refused"
    titles: ClassVar = {"en": "Some conditions are not met yet", "km": "លក្ខខណ្ឌខ្លះមិនទាន់បានបំពេញ"}

    def __init__(self, unmet: list[Fault]) -> None:
        super().__init__("This step is refused until every condition listed in `unmet` is met.")
        self.faults = tuple(unmet)


class AlreadyExists(Conflict):
    """The id or natural key chosen by the client is taken."""

    kind = "already-exists"
    titles: ClassVar = {"en": "This exists already", "km": "មានរួចហើយ"}


class RequestInProgress(Conflict):
    """Another request with the same Idempotency-Key has not finished."""

    kind = "still-running"
    titles: ClassVar = {"en": "The first request is still running", "km": "សំណើដំបូងកំពុងដំណើរការ"}


class StaleVersion(FirstStepError):
    """Somebody changed the record since the caller read it."""

    status = 412
    kind = "stale"
    titles: ClassVar = {
        "en": "The record has changed since you read it",
        "km": "កំណត់ត្រានេះបានផ្លាស់ប្តូរ តាំងពីអ្នកបានអានវា",
    }


class BodyTooLarge(FirstStepError):
    """The body exceeds the limit for this endpoint."""

    status = 413
    kind = "too-large"
    titles: ClassVar = {"en": "The request is too large", "km": "សំណើធំពេក"}


class UnsupportedMediaType(FirstStepError):
    """The body's content type is not accepted here."""

    status = 415
    kind = "unsupported-media-type"
    titles: ClassVar = {"en": "Please send JSON", "km": "សូមផ្ញើជាទម្រង់ JSON"}


class InvalidInput(FirstStepError):
    """Fields are wrong; `faults` points at each."""

    status = 422
    kind = "invalid-input"
    titles: ClassVar = {"en": "Some fields need another look", "km": "មានចំណុចខ្លះត្រូវពិនិត្យឡើងវិញ"}

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("See `errors` for each field.")
        self.faults = tuple(faults)


class IdempotencyKeyReused(FirstStepError):
    """The Idempotency-Key was used before, with another request."""

    status = 422
    kind = "idempotency-key-reused"
    titles: ClassVar = {
        "en": "This Idempotency-Key belongs to another request",
        "km": "Idempotency-Key នេះជារបស់សំណើផ្សេង",
    }


class VersionRequired(FirstStepError):
    """Changing an existing record asks for the version the caller saw."""

    status = 428
    kind = "version-required"
    titles: ClassVar = {
        "en": "Say which version you saw (If-Match)",
        "km": "សូមបញ្ជាក់កំណែដែលអ្នកបានអាន (If-Match)",
    }


class TooManyRequests(FirstStepError):
    """The caller's rate is above its limit."""

    status = 429
    kind = "too-many-requests"
    titles: ClassVar = {"en": "Too many requests; please slow down", "km": "សំណើច្រើនពេក សូមរង់ចាំបន្តិច"}


class Unavailable(FirstStepError):
    """A part this needs cannot be reached; nothing was done."""

    status = 503
    kind = "unavailable"
    titles: ClassVar = {"en": "Temporarily unavailable", "km": "មិនអាចប្រើបានជាបណ្តោះអាសន្ន"}


class TimedOut(FirstStepError):
    """The work took longer than the limit; nothing was done."""

    status = 504
    kind = "timed-out"
    titles: ClassVar = {"en": "This took too long", "km": "ចំណាយពេលយូរពេក"}
