"""How gunicorn serves the desk, here and in the container; the address comes from the command line."""

import os

workers = 2
worker_class = "gthread"
# A slow telephone holds a thread while it sends a photograph; it must not hold the form.
threads = 16 if os.environ.get("SITE") == "public" else 4
# Loaded once, before the workers are: unfit to serve, the whole server ends instead of starting workers anew.
preload_app = True
timeout = 60
graceful_timeout = 5
# A leak in a library must not grow for ever.
max_requests, max_requests_jitter = 5000, 500
umask = 0o077
control_socket_disable = True
proc_name = "desk"
ACCESS_LOG = os.environ.get("ACCESS_LOG") == "true"
# The path without its query: searches and return addresses do not belong in a log. No client address either.
access_log_format = "%(m)s %(U)s %(s)s %(M)sms"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"quiet": {"()": "config.logs.QuietFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "quiet"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # At "warning" gunicorn quotes malformed requests and the addresses they came from.
        "gunicorn.error": {"level": "ERROR", "handlers": ["console"], "propagate": False},
        "gunicorn.access": {
            "level": "INFO" if ACCESS_LOG else "WARNING",
            "handlers": ["console"],
            "propagate": False,
        },
    },
}
