# The worker, the command line and `python -m memory_maintenance`, as one image: some 270 MB of packages on Python's slim one.
#
# Checked without an engine (tests/deploy): hadolint; that what is copied is in the build context, is all the
# application imports, and runs from such a copy; that requirements/worker.lock names every package it imports.
# Not checked here: the build itself. Every package of the lock has a wheel for amd64 and for arm64.

# 3.11 and not the newest: the locks choose other releases of NumPy and NetworkX from 3.12 on than the tests ran with.
FROM python:3.11-slim-trixie AS packages
WORKDIR /build
COPY requirements/worker.lock ./
# Without pip of its own: the image has nothing to install packages with but its base.
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes --only-binary=:all: -r worker.lock

FROM python:3.11-slim-trixie
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="memory-maintenance" \
    org.opencontainers.image.description="Nightly maintenance of an agent memory store in Postgres, as Temporal workflows" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}"
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin maintenance
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY memory_maintenance/ memory_maintenance/
COPY activities/ activities/
COPY workflows/ workflows/
COPY embedded/ embedded/
COPY runtime/ runtime/
COPY web/ web/
COPY commands/ commands/
COPY samples/ samples/
COPY worker.py starter.py ./
# The image has no embedded servers; without an address a process ends with an error that names the setting.
ENV PATH=/opt/venv/bin:$PATH \
    MEMORY_MAINTENANCE_EMBEDDED=never \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# Compiled now, since the user cannot write here; readable whatever umask the checkout was made with.
RUN python -m compileall -q . && chmod -R a+rX .
USER 10001:10001
# On SIGTERM a worker lets the batches in flight finish, which takes up to 25 seconds: give it 40.
STOPSIGNAL SIGTERM
CMD ["python", "worker.py"]
