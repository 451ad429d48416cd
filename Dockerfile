# One image for web, worker and clock. Third-party files are installed from the lock files, never copied by hand; packages that
# only tests and `make run` need are left out. It runs as a user without rights, on a read-only file system: the programs
# write only to /var/lib/hms and /tmp.
FROM node:24-slim AS assets
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev

FROM python:3.13-slim AS build
WORKDIR /srv/hms
COPY requirements/production.lock ./requirements/production.lock
RUN python -m venv /opt/hms \
 && /opt/hms/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/production.lock \
 && /opt/hms/bin/pip uninstall --yes pip
COPY --from=assets /build/node_modules ./node_modules
COPY config.py wsgi.py gunicorn.conf.py ./
COPY hms ./hms
COPY migrations ./migrations
COPY static ./static
COPY templates ./templates
COPY tools/assets.py tools/fonts.py ./tools/
RUN python tools/assets.py \
 && /opt/hms/bin/python tools/fonts.py \
 && rm -rf node_modules tools requirements \
 && python -m compileall -q .

FROM python:3.13-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /var/lib/hms --create-home --shell /usr/sbin/nologin hms
COPY --from=build /opt/hms /opt/hms
COPY --from=build /srv/hms /srv/hms
WORKDIR /srv/hms
ENV PATH=/opt/hms/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HMS_DATA_DIR=/var/lib/hms
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "-w", "4", "--graceful-timeout", "3", "--no-control-socket", "-b", "0.0.0.0:8000", "wsgi:app"]
