# One image for web, worker and clock. Third-party files are installed from the lock files, never copied in by hand.
FROM node:24-slim AS assets
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts

FROM python:3.13-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home /var/lib/hms --create-home hms
WORKDIR /srv/hms
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY --from=assets /build/node_modules ./node_modules
COPY . .
RUN python tools/assets.py && rm -rf node_modules && python -m compileall -q hms
USER hms
EXPOSE 8000
CMD ["gunicorn", "-k", "gevent", "-w", "4", "-b", "0.0.0.0:8000", "wsgi:app"]
