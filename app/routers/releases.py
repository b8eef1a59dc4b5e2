"""Endpoints of released statistics."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import Response

from app.http.language import AcceptedLanguage
from app.http.permissions import ReleasePreparer, ReleasePublisher, ReleaseReader
from app.http.responses import (
    RevalidatedResponse,
    build_attachment_response,
    build_response,
    build_revalidated_response,
    describe_attachment,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, ReleaseSource, Session
from app.schemas.releases import Release, ReleaseCreate, ReleaseFilters, ReleaseList, ReleaseQuery
from app.services.releases import preparation, publication, release_files, responses
from app.services.releases.release_files import ReleaseFile
from app.services.reports.files import XLSX_MEDIA_TYPE

router = Router(prefix="/releases", tags=["releases"])


@router.post("", status_code=201)
async def create_release(
    caller: ReleasePreparer, session: Session, source: ReleaseSource, payload: ReleaseCreate
) -> Release:
    """Prepare a release of statistics.

    Counts the facts of a closed quarter or year, rounds every count at random to a multiple of 5, and stores the tables as
    a draft. Another person publishes it. A period has one draft at a time. A correction of a published release is another
    edition, at the earliest a year after the previous one.
    """
    return await preparation.create_release(session, source, caller, payload)


@router.get("")
async def list_releases(
    caller: ReleaseReader, reader: Reader, filters: Annotated[ReleaseFilters, Query()]
) -> ReleaseList:
    """List releases, by default the latest period first.

    API clients and most staff see published releases. The monitoring officer and the programme manager see releases of
    every status.
    """
    return await responses.list_releases(reader, caller, filters)


@router.get(
    "/{release_id}",
    response_model=Release,
    response_class=RevalidatedResponse,
    responses=describe_attachment("text/csv", XLSX_MEDIA_TYPE),
)
async def get_release(
    request: Request,
    caller: ReleaseReader,
    reader: Reader,
    release_id: UUID,
    query: Annotated[ReleaseQuery, Query()],
    accepted_language: AcceptedLanguage,
) -> Response:
    """Get a release with its tables, as JSON, CSV or XLSX.

    A published release never changes. With `If-None-Match` and the `ETag` of an earlier response, the response is 304. Every
    count is a multiple of 5; a printed 0 means 0 to 4.
    """
    return _build_release_response(
        request, await release_files.get_release(reader, caller, release_id, query, accepted_language)
    )


@router.post("/{release_id}/publish", status_code=202)
async def publish_release(
    caller: ReleasePublisher, session: Session, release_id: UUID, expected_version: ExpectedVersion
) -> Release:
    """Publish a release that another person prepared.

    Begins an audit in the background. It computes what the new tables reveal together with all tables that are already
    published about the same year. `audited_reports` shows its progress. If no small count becomes known, the release is
    published. Otherwise it is refused, and `tables_to_drop` lists the tables that a new draft must not contain.
    """
    return await publication.publish_release(session, caller, release_id, expected_version)


@router.post("/{release_id}/discard")
async def discard_release(
    caller: ReleasePreparer, session: Session, release_id: UUID, expected_version: ExpectedVersion
) -> Release:
    """Discard a draft, even while it is being audited.

    A discarded release stays in the list of those who prepare releases.
    """
    return await publication.discard_release(session, caller, release_id, expected_version)


def _build_release_response(request: Request, release: Release | ReleaseFile) -> Response:
    if isinstance(release, ReleaseFile):
        response = build_attachment_response(*release.file)
        response.headers["ETag"] = release.etag
    else:
        response = build_response(release, 200)
    return build_revalidated_response(request, response)
