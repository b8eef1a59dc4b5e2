"""Security schemes, and the schemes of each operation."""

from typing import Any

from app.access.permissions import ROLE_BY_SCOPE
from app.http.openapi.operations import Operation

SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of a person, from `POST /v1/auth/login` or `POST /v1/auth/refresh`.",
    },
    "oauth2": {
        "type": "oauth2",
        "description": "The access token of an API client, sent as a bearer token.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/v1/oauth/token",
                "scopes": {
                    "referrals": "Create referrals and follow those of the client's own agency.",
                    "reports": "Read reports.",
                },
            }
        },
    },
}


def security_of(operation: Operation) -> list[dict[str, list[str]]]:
    """Return the alternatives by which callers of an operation authenticate; empty for a public operation."""
    people = set(operation.roles) - set(ROLE_BY_SCOPE.values())
    scopes = [scope for scope, role in ROLE_BY_SCOPE.items() if role in operation.roles]
    alternatives: list[dict[str, list[str]]] = [{"bearer": []}] if people else []
    return alternatives + [{"oauth2": [scope]} for scope in scopes]
