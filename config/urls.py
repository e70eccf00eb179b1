"""What the desk answers to; the public side gets its own list when it is built."""

import importlib.util

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []
for _room in ("staff", "cases"):
    if importlib.util.find_spec(f"{_room}.urls"):
        urlpatterns.append(path("", include(f"{_room}.urls")))
handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.page_not_found"
handler500 = "config.errors.server_error"
