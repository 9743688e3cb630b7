# The one image of web, worker, beat and migrations: Debian's own Python, so that security updates come with the base.
FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3-venv python3-dev gcc libc6-dev libmariadb-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
COPY requirements.txt /tmp/requirements.txt
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 libmariadb3 tzdata ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /app --shell /usr/sbin/nologin fleet
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1
COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY . .
# Settings refuse to load without their secrets; these live only as long as this step.
RUN key=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_') \
    && SECRET_KEY=$key FIELD_ENCRYPTION_KEY=$key DATABASE_URL=mysql://build/build REDIS_URL=redis://build \
    python manage.py collectstatic --noinput \
    && python -m compileall -q .
USER fleet
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["scripts/web", "--host", "0.0.0.0"]
