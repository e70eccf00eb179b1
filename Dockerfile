FROM caddy:2 AS proxy
COPY Caddyfile /etc/caddy/Caddyfile
RUN chown -R 10001:10001 /data /config
USER 10001

FROM python:3.13-slim AS desk
# A prepared environment: manage.py makes no .venv here.
ENV DESK_PREPARED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Keys are mounted into a folder that only this user may enter.
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin desk \
 && install -d -m 700 -o desk -g desk /keys /files /mailbox /mailbox/private /mailbox/public
# pg_dump and pg_restore for the backups, not older than the server.
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.txt
COPY manage.py LICENSE ./
COPY config config
COPY desk desk
COPY importing importing
COPY demo demo
COPY figures figures
COPY reminders reminders
COPY inbox inbox
COPY cases cases
COPY law law
COPY intake intake
COPY staff staff
COPY vault vault
COPY templates templates
COPY locale locale
RUN python -m compileall -q .
USER desk
EXPOSE 8000
CMD ["gunicorn", "--config=python:config.gunicorn", "--bind=0.0.0.0:8000", "config.wsgi"]
