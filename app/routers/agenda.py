"""The agenda of the caller, and calendar feeds of it."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from app.http.authorization import PublicEndpoint
from app.http.permissions import AccountOwner, AgendaReader, CalendarFeedCreator, CalendarFeedManager
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.http.sign_in_context import CurrentSignInContext
from app.schemas.agenda import (
    AgendaEntryList,
    AgendaFilters,
    CalendarFeedCreate,
    CalendarFeedList,
    CalendarFeedWithUrl,
    Counts,
    OwnSettings,
    OwnSettingsReplacement,
)
from app.schemas.wire import PageQuery
from app.services.agenda import agenda, calendar_feeds, counts, digests
from app.services.agenda.calendar_feeds import FeedOwner

router = Router(tags=["agenda"])


class CalendarResponse(Response):
    """An iCalendar document (RFC 5545)."""

    media_type = "text/calendar"


@router.get("/me/agenda")
async def list_agenda_entries(
    caller: AgendaReader,
    reader: Reader,
    filters: Annotated[AgendaFilters, Query()],
) -> AgendaEntryList:
    """List the agenda, earliest item first.

    Returns the caller's items that are due or overdue, each with the fields that a list shows. Workers receive the items of
    their cases, supervisors also the records of their team that wait for their decision, programme managers also the cases
    that reach 24 months and the disbursements that they can approve. Data protection officers and programme managers
    receive the changes of accounts and settings that they can confirm.
    """
    return await agenda.list_agenda_entries(reader, caller, filters)


@router.get("/me/counts")
async def get_counts(caller: AgendaReader, reader: Reader) -> Counts:
    """Get the counts for the menu of the caller.

    The response contains no data about children. The access log therefore gets no entry per child.
    """
    return await counts.get_counts(reader, caller)


@router.get("/me/settings")
async def get_my_settings(caller: AccountOwner, reader: Reader) -> OwnSettings:
    """Get the caller's settings.

    A caller who never changed them gets the defaults, with the version 1.
    """
    return await digests.get_own_settings(reader, caller)


@router.put("/me/settings")
async def replace_my_settings(
    caller: AccountOwner,
    session: Session,
    expected_version: ExpectedVersion,
    payload: OwnSettingsReplacement,
) -> OwnSettings:
    """Replace the caller's settings.

    With `agenda_digest`, the caller gets an e-mail every morning from 7:00 in Cambodia on, with the numbers of emergencies,
    overdue items, items due today and approvals, and a link. It is sent only if the server has a mail server and the agenda
    is not empty.
    """
    return await digests.replace_own_settings(session, caller, expected_version, payload)


@router.post("/me/calendar-feeds", status_code=201)
async def create_calendar_feed(
    caller: CalendarFeedCreator,
    session: Session,
    payload: CalendarFeedCreate,
) -> CalendarFeedWithUrl:
    """Create a calendar feed.

    Returns the secret address of an iCalendar feed of the caller's agenda. The address is returned once. A user can
    have at most ten active feeds.
    """
    return await calendar_feeds.create_calendar_feed(session, caller, payload)


@router.get("/me/calendar-feeds")
async def list_calendar_feeds(
    caller: CalendarFeedManager,
    reader: Reader,
    page: Annotated[PageQuery, Query()],
) -> CalendarFeedList:
    """List calendar feeds, newest first.

    Returns the caller's active feeds without their addresses.
    """
    return await calendar_feeds.list_calendar_feeds(reader, caller, page)


@router.delete("/me/calendar-feeds/{feed_id}", status_code=204)
async def delete_calendar_feed(
    caller: CalendarFeedManager,
    session: Session,
    feed_id: UUID,
) -> None:
    """Revoke a calendar feed.

    From the next request on, the response at the address of the feed is 404.
    """
    await calendar_feeds.revoke_calendar_feed(session, caller, feed_id)


async def open_feed_access(
    request: Request,
    context: CurrentSignInContext,
    token: Annotated[str, Path(description="Secret token of the feed, a part of its address.")],
) -> FeedOwner:
    """Open an access event for the owner of the feed. The request then has the owner's read access.

    Raises:
        NotFound: No active feed has this token.
    """
    owner = await calendar_feeds.open_feed_access(context, token)
    request.state.caller = owner.caller
    return owner


@router.get(
    "/calendar/{token}.ics",
    response_class=CalendarResponse,
    dependencies=[
        Depends(
            PublicEndpoint(
                "a calendar application cannot sign in: the token in the address is the credential"
            )
        )
    ],
)
async def download_calendar_feed(
    owner: Annotated[FeedOwner, Depends(open_feed_access)], reader: Reader
) -> Response:
    """Download a calendar feed.

    Returns the owner's agenda as an iCalendar document with times and neutral titles. It contains no names and no data
    of children. The token in the address is the only credential.
    """
    return CalendarResponse(await calendar_feeds.render_calendar_feed(reader, owner))
