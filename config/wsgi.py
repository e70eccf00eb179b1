"""The web process: gunicorn loads `application` from here; unfit to serve, it ends with one line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
    from config.startup import refuse_unless_safe

    # A locked desk shows one page until it is unlocked: config.middleware.LockedDeskMiddleware.
    refuse_unless_safe(may_be_locked=True)
except ImproperlyConfigured as refused:
    sys.exit(str(refused))
