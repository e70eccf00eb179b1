"""What the desk answers to. The public side has its own list; where one process is both, under help/."""

import importlib.util

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []
for _room in ("staff", "desk"):
    if importlib.util.find_spec(f"{_room}.urls"):
        urlpatterns.append(path("", include(f"{_room}.urls")))
if settings.SITE == "both":
    urlpatterns.append(path("help/", include("intake.addresses")))
handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
