"""The kinds of jobs that the job process runs."""

from app.kit.jobs import JobKind
from app.server import maintenance
from app.services.agenda.digests import DIGEST_MAIL, DIGEST_SCHEDULE
from app.services.alerts.creation import ALERT_SEARCH
from app.services.alerts.notifications import ALERT_MAIL
from app.services.releases.publication import RELEASE_AUDIT
from app.services.reports.report_run_job import REPORT_RUN

JOB_KINDS: tuple[JobKind, ...] = (
    maintenance.CLEANUP,
    maintenance.LOG_PARTITIONS,
    ALERT_SEARCH,
    ALERT_MAIL,
    DIGEST_SCHEDULE,
    DIGEST_MAIL,
    RELEASE_AUDIT,
    REPORT_RUN,
)
