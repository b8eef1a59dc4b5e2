"""Security schemes of the OpenAPI document, and the schemes that each operation accepts."""

from typing import Any

from app.access.roles import ROLE_BY_SCOPE
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
                    "referrals": "Create referrals, and read and update the referrals of the client's own agency.",
                    "reports": "Read reports.",
                },
            }
        },
    },
}


def get_security_schemes(operation: Operation) -> list[dict[str, list[str]]]:
    """Return the alternative security schemes of an operation. A public operation has none."""
    people = set(operation.roles) - set(ROLE_BY_SCOPE.values())
    scopes = [scope for scope, role in ROLE_BY_SCOPE.items() if role in operation.roles]
    alternatives: list[dict[str, list[str]]] = [{"bearer": []}] if people else []
    return alternatives + [{"oauth2": [scope]} for scope in scopes]
