"""The file `demo.json` with the users and API clients of the demonstration."""

import json

from app.config import Settings
from app.database.urls import get_api_url
from app.errors import Conflict
from app.server.installation import ProgressReporter


def prepare_demo(settings: Settings, report_progress: ProgressReporter) -> None:
    """Create the demonstration if the file does not exist, and write the current addresses to the file."""
    credentials_file = settings.home / "demo.json"
    api_url = get_api_url(settings)
    if not credentials_file.exists():
        from app.demo import seed  # noqa: PLC0415 - most starts create no demonstration

        seed.create_demo(settings, api_url, report_progress)
    if credentials_file.exists():
        try:
            credentials = json.loads(credentials_file.read_text())
        except ValueError:
            raise Conflict(
                f"{credentials_file} is not valid JSON. Remove it to start without it, or run `demo reset`."
            ) from None
        credentials |= {"base_url": settings.issuer, "database": {"api": api_url}}
        credentials_file.write_text(json.dumps(credentials, indent=2, ensure_ascii=False) + "\n")
