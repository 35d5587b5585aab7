# The broker's image: a build stage with a compiler, and a final one without, whose user is not root.
# For a release, pin both FROM lines by digest.

FROM python:3.13-slim-trixie AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/build.txt requirements/broker.txt requirements/store.txt requirements/
RUN python -m venv /opt/blindlink \
    && /opt/blindlink/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        --requirement requirements/build.txt \
    && /opt/blindlink/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        --no-binary bashplotlib --no-build-isolation \
        --requirement requirements/broker.txt --requirement requirements/store.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY app app
COPY blindlink blindlink
COPY encoding encoding
COPY schemas schemas
RUN /opt/blindlink/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/blindlink/bin/pip install --no-cache-dir --no-deps /wheels/*.whl \
    && /opt/blindlink/bin/pip check \
    && /opt/blindlink/bin/pip uninstall --yes wheel pip

FROM python:3.13-slim-trixie
# pg_dump and pg_restore, with which `backup` and `restore` work; of the same release as the database's image.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends postgresql-client-17 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin blindlink \
    && install --directory --owner 10001 --mode 0700 /state
COPY --from=build /opt/blindlink /opt/blindlink
ENV PATH=/opt/blindlink/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    BLINDLINK_STATE_DIR=/state \
    BLINDLINK_HOST=0.0.0.0 \
    BLINDLINK_PORT=8443
USER 10001
VOLUME /state
EXPOSE 8443
# The broker's certificate names the host that agencies call, not this loopback address.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import http.client, os, ssl, sys; c = http.client.HTTPSConnection('127.0.0.1', int(os.environ['BLINDLINK_PORT']), timeout=4, context=ssl._create_unverified_context()); c.request('GET', '/healthz'); sys.exit(c.getresponse().status != 200)"]
CMD ["blindlink-broker", "serve"]
