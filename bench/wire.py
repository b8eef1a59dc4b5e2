"""Constant bytes, as many as the others answer: what the server and the client can do at all."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CASE, LIST, REFERRAL = (b"x" * int(size) for size in os.environ["BENCH_SIZES"].split(","))


async def ready(_: Request) -> Response:
    return Response(status_code=204)


async def case(_: Request) -> Response:
    return Response(CASE, media_type="application/json")


async def cases(_: Request) -> Response:
    return Response(LIST, media_type="application/json")


async def referral(request: Request) -> Response:
    await request.body()
    return Response(REFERRAL, 201, media_type="application/json")


app = Starlette(
    routes=[
        Route("/readyz", ready),
        Route("/v1/cases/{case_id}", case),
        Route("/v1/cases", cases),
        Route("/v1/referrals", referral, methods=["POST"]),
    ]
)
