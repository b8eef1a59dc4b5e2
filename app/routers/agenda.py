"""One's agenda, and the calendar feeds that carry it to a phone."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from app.http.authorization import Public
from app.http.permissions import AgendaReader, CalendarFeedCreator, CalendarFeedManager
from app.http.route import Router
from app.http.session import Session
from app.http.sign_in_context import Visiting
from app.schemas.agenda import (
    AgendaEntry,
    AgendaFilters,
    CalendarFeed,
    CalendarFeedCreate,
    CalendarFeedWithUrl,
)
from app.schemas.wire import Page, PageQuery
from app.services.cases import agenda, calendar_feeds
from app.services.cases.calendar_feeds import FeedOwner

router = Router(tags=["agenda"])


class CalendarResponse(Response):
    """An iCalendar object (RFC 5545); that it is not to be kept is said of every answer."""

    media_type = "text/calendar"


@router.get("/me/agenda")
async def list_agenda_entries(
    caller: AgendaReader,
    session: Session,
    filters: Annotated[AgendaFilters, Query()],
) -> Page[AgendaEntry]:
    """List what is due, overdue and waiting for me, soonest first."""
    return await agenda.list_agenda_entries(session, caller, filters)


@router.post("/me/calendar-feeds", status_code=201)
async def create_calendar_feed(
    caller: CalendarFeedCreator,
    session: Session,
    payload: CalendarFeedCreate,
) -> CalendarFeedWithUrl:
    """Open a feed of my agenda for a calendar; its address is shown once. Asks for a recent sign-in."""
    return await calendar_feeds.create_calendar_feed(session, caller, payload)


@router.get("/me/calendar-feeds")
async def list_calendar_feeds(
    caller: CalendarFeedManager,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[CalendarFeed]:
    """List my calendar feeds, newest first."""
    return await calendar_feeds.list_calendar_feeds(session, caller, page)


@router.delete("/me/calendar-feeds/{feed_id}", status_code=204)
async def delete_calendar_feed(
    caller: CalendarFeedManager,
    session: Session,
    feed_id: UUID,
) -> None:
    """Revoke a calendar feed: its address answers nothing any more."""
    await calendar_feeds.revoke_calendar_feed(session, caller, feed_id)


async def get_feed_reader(
    request: Request,
    visit: Visiting,
    token: Annotated[str, Path(description="The secret part of the feed's address.")],
) -> FeedOwner:
    """Open the access of whose feed this is; the session that follows sees what they see.

    Raises:
        NotFound: there is no such feed.
    """
    reader = await calendar_feeds.open_feed_access(visit, token)
    request.state.caller = reader.caller
    return reader


@router.get(
    "/calendar/{token}.ics",
    response_class=CalendarResponse,
    dependencies=[Depends(Public("calendars cannot sign in: the token in the address is the proof"))],
)
async def download_calendar_feed(
    reader: Annotated[FeedOwner, Depends(get_feed_reader)], session: Session
) -> Response:
    """Read a feed as iCalendar: times and neutral words, nothing about anybody."""
    return CalendarResponse(await calendar_feeds.render_calendar_feed(session, reader))
