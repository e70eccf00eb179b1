"""Everything that the public process (SITE=public) answers to; it knows no address of the desk."""

from django.urls import URLPattern, URLResolver, include, path

from intake.views import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("intake.addresses")),
    path("healthz", health.healthz, name="healthz"),
]
handler400 = "intake.errors.bad_request"
handler403 = "intake.errors.permission_denied"
handler404 = "intake.errors.page_not_found"
handler500 = "intake.errors.server_error"
