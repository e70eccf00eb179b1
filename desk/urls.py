"""Addresses of the work on cases that are not plain lists and forms."""

from __future__ import annotations

from django.urls import path
from django.views.generic import RedirectView

from desk.admin import compartments
from desk.views import (
    access,
    applications,
    board,
    digest,
    duplicates,
    export,
    files,
    health,
    imports,
    inbox,
    readers,
    rules,
    search,
    statistics,
)
from staff.sites import desk

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("desk/board/", desk.admin_view(board.show), name="board"),
    path("desk/board/<uuid:key>/", desk.admin_view(board.deadline), name="deadline"),
    path("desk/readers/<uuid:key>/", desk.admin_view(readers.show), name="readers"),
    path("desk/case/<uuid:key>/files/", desk.admin_view(files.of_case), name="case_files"),
    path("desk/case/<uuid:key>/erase/", desk.admin_view(files.erase), name="case_erase"),
    path("desk/file/<uuid:key>/", desk.admin_view(files.download), name="case_file"),
    path("desk/case/<uuid:key>/closed/<str:which>/", desk.admin_view(compartments.show), name="compartment"),
    path(
        "desk/case/<uuid:key>/vetting/", desk.admin_view(compartments.confirm_vetting), name="vetting_confirm"
    ),
    path("desk/case/<uuid:key>/export/", desk.admin_view(export.of_case), name="case_export"),
    path("desk/access/", desk.admin_view(access.show), name="access"),
    path("desk/access/hand-over/<uuid:key>/", desk.admin_view(access.hand_over), name="hand_over"),
    path("desk/emergency/", desk.admin_view(access.emergency), name="emergency"),
    path("desk/duplicates/", desk.admin_view(duplicates.show), name="duplicates"),
    path("desk/duplicates/<uuid:key>/", desk.admin_view(duplicates.show), name="case_duplicates"),
    path("desk/search/", desk.admin_view(search.show), name="search"),
    path("desk/applications/", desk.admin_view(applications.show), name="applications"),
    path("desk/rules/", desk.admin_view(rules.index), name="rules"),
    path("desk/rules/new/<slug:table>/", desk.admin_view(rules.add), name="rule_add"),
    path("desk/rules/dates/<uuid:key>/", desk.admin_view(rules.recomputation), name="recomputation"),
    path("desk/rules/<slug:code>/", desk.admin_view(rules.one), name="rule"),
    path("desk/rules/<slug:code>/<int:number>/confirm/", desk.admin_view(rules.confirm), name="rule_confirm"),
    path(
        "desk/rules/<slug:code>/<int:number>/replace/",
        desk.admin_view(rules.new_version),
        name="rule_new_version",
    ),
    path("desk/inbox/", desk.admin_view(inbox.show), name="inbox"),
    path("desk/inbox/new/", desk.admin_view(inbox.new), name="request_new"),
    path("desk/inbox/<uuid:key>/", desk.admin_view(inbox.one), name="request"),
    path("desk/inbox/photograph/<uuid:key>/", desk.admin_view(inbox.photograph), name="request_photograph"),
    path("desk/statistics/", desk.admin_view(statistics.show), name="statistics"),
    path("desk/statistics/csv/<str:kind>/", desk.admin_view(statistics.exact_csv), name="statistics_csv"),
    path("desk/statistics/published/", desk.admin_view(statistics.published_statistics), name="published"),
    path(
        "desk/statistics/published/<str:kind>/<str:code>/",
        desk.admin_view(statistics.one),
        name="publication",
    ),
    path(
        "desk/statistics/published/<str:kind>/<str:code>/csv/",
        desk.admin_view(statistics.one_csv),
        name="publication_csv",
    ),
    path(
        "desk/statistics/publish/<str:kind>/<str:code>/",
        desk.admin_view(statistics.publish),
        name="publish_statistics",
    ),
    path("desk/import/", desk.admin_view(imports.show), name="import"),
    path(
        "desk/import/<slug:what>/<slug:language>/", desk.admin_view(imports.template), name="import_template"
    ),
    path("desk/digest/", desk.admin_view(digest.show), name="digest"),
]
