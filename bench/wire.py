"""Constant responses with the sizes of the other programs: the upper bound set by server and load client."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

CASE_BODY, CASE_LIST_BODY, REFERRAL_BODY = (b"x" * int(size) for size in os.environ["BENCH_SIZES"].split(","))


async def get_readiness(_: Request) -> Response:
    return Response(status_code=204)


async def get_case(_: Request) -> Response:
    return Response(CASE_BODY, media_type="application/json")


async def list_cases(_: Request) -> Response:
    return Response(CASE_LIST_BODY, media_type="application/json")


async def create_referral(request: Request) -> Response:
    await request.body()
    return Response(REFERRAL_BODY, 201, media_type="application/json")


app = Starlette(
    routes=[
        Route("/readyz", get_readiness),
        Route("/v1/cases/{case_id}", get_case),
        Route("/v1/cases", list_cases),
        Route("/v1/referrals", create_referral, methods=["POST"]),
    ]
)
