"""The desk: the only admin site, and the base of every page on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from staff import trail
from staff.roles import Permission, may
from staff.trail import Verb

# Django's own sentences. Its Russian ones join words that do not agree; locale/ru says these anew.
DJANGO_SAYS = (
    gettext_noop("The {name} “{obj}” was added successfully."),
    gettext_noop("The {name} “{obj}” was added successfully. You may add another {name} below."),
    gettext_noop("The {name} “{obj}” was changed successfully."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may add another {name} below."),
    gettext_noop("The {name} “{obj}” was changed successfully. You may edit it again below."),
)


class DeskSite(admin.AdminSite):
    """Django's admin behind our own sign-in: nobody is on it without a second factor and a role."""

    site_header = site_title = settings.SITE_NAME
    site_url = None
    # One or two kinds of records: the links at the top lead everywhere, a second list of them takes room.
    enable_nav_sidebar = False
    # It would answer for every address under /desk/, also for pages that other rooms put there.
    final_catch_all_view = False

    def has_permission(self, request: HttpRequest) -> bool:
        verified = getattr(request.user, "is_verified", bool)()
        return bool(verified and request.user.is_active and request.user.is_staff)

    def get_urls(self) -> list[Any]:
        # The "view on site" redirect would turn ids into addresses for anybody with a role.
        unwanted = {"view_on_site", "password_change_done"}
        return [url for url in super().get_urls() if getattr(url, "name", None) not in unwanted]

    def index(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """The landing page is the first of these that the role opens."""
        user: Any = request.user
        pages = [
            (Permission.READ_CASES, "board"),
            (Permission.SEE_ACCOUNTS, "admin:staff_user_changelist"),
            (Permission.READ_TRAIL, "trail"),
        ]
        return redirect(next((name for act, name in pages if may(user, act)), "account"))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("login")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return sign_out(request)

    def password_change(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return redirect("password")


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End this session, and let the browser forget what it kept."""
    with transaction.atomic():
        if request.user.is_authenticated:
            trail.append(request.user, trail.Verb.SIGNED_OUT)
        logout(request)
    response = redirect("login")
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


class DeskModelAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Base of every list and form on the desk: writes to the trail instead of LogEntry, deletes nothing.

    LogEntry keeps str(obj) and field labels readable for ever; the trail keeps names of fields, sealed.
    """

    view_on_site = False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Only the filters that the list offers: Django's own lets any column of the record pass.

        A list that answers `password__regex` tells a password's hash, a letter at a time.
        """
        offered = set()
        for one in self.get_list_filter(request):
            name = getattr(one, "parameter_name", None) or (one if isinstance(one, str) else one[0])
            offered |= {name, f"{name}__exact", f"{name}__isnull", f"{name}__id__exact"}
        return lookup in offered

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        raise Http404

    def trail_case_id(self, obj: Model) -> UUID | None:
        """The case that a change of `obj` is written under; for models that hang on a case, that one."""
        return getattr(obj, "case_id", None)

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[str]:
        """Names of what changed, as `model.field`; never a value, never str(obj)."""
        return changed_names(form, formsets or ())

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        self._write(request, obj, Verb.CASE_CREATED, Verb.RECORD_CREATED, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:
        self._write(request, obj, Verb.CASE_CHANGED, Verb.RECORD_CHANGED, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:
        raise TypeError(
            "Nothing is deleted on the desk: close, cancel or erase through the record's own verb."
        )

    def _write(self, request: HttpRequest, obj: Any, of_a_case: Verb, otherwise: Verb, message: Any) -> None:
        case_id = self.trail_case_id(obj)
        if case_id is not None and obj.pk != case_id:
            of_a_case = Verb.CASE_CHANGED
        names = message if isinstance(message, list) else [obj._meta.model_name]
        about = obj.pk if isinstance(obj.pk, UUID) and obj.pk != case_id else None
        trail.append(
            request.user,  # type: ignore[arg-type]
            otherwise if case_id is None else of_a_case,
            case_id=case_id,
            fields=names,
            about=about,
        )

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """As Django's. A record that exists outside what this person may see is refused on the trail.

        The page they get is the same as for a record that never was.
        """
        found = super().get_object(request, object_id, from_field)
        if found is None and (hidden := self._outside_view(object_id)) is not None:
            trail.append(
                request.user,  # type: ignore[arg-type]
                Verb.REFUSED,
                case_id=self.trail_case_id(hidden),
                fields=[f"{self.opts.label_lower}"],
            )
        return found

    def _outside_view(self, object_id: str) -> Any:
        everything: QuerySet[Any] = self.model._base_manager.all()
        try:
            return everything.filter(pk=self.opts.pk.to_python(object_id)).first()
        except (ValidationError, ValueError):
            return None


def changed_names(form: Any, formsets: Iterable[Any] = ()) -> list[str]:
    """`model.field` for each changed field of `form` and of the rows in `formsets`."""
    names = set()
    forms = [form] if form is not None else []
    for formset in formsets:
        forms += [row for row in formset.forms if row.has_changed()]
    for one in forms:
        model = one._meta.model._meta.model_name
        names.update(f"{model}.{field}" for field in one.changed_data)
    return sorted(names)


desk = DeskSite(name="admin")
