"""The form: nine questions, and once it is sent the return phrase."""

from __future__ import annotations

import time

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from intake import phrases, throttle, tokens, uploads
from intake.forms import HelpForm, latest_today
from intake.models import HelpRequest, State
from intake.pages import language_of, page
from intake.views import door

# A field that people do not see: only programs fill it in.
BAIT = "website"


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The form in the language that the browser asks for."""
    return _form_page(language_of(request))


# Cookies are what Django's own protection needs; ours is a signed token in the page and the Origin header.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, language: str) -> HttpResponse:
    """The form; sent, the page with the return phrase. What cannot be taken comes back as it was typed."""
    if request.method != "POST":
        return _form_page(language)
    with translation.override(language):
        return door.refusal(request, language) or _send_request(request, language)


def _send_request(request: HttpRequest, language: str) -> HttpResponse:
    form = HelpForm(request.POST)
    if not form.is_valid():
        return _form_page(language, form, status=400)
    if not tokens.is_form_token(request.POST.get("token", "")):
        old = _("This page was open for more than a day. Nothing was sent yet. Look at it and send it again.")
        return _form_page(language, form, problem=old, status=400)
    try:
        pictures = uploads.clean_photographs(request.FILES.getlist("photographs"))
        phrase = _receive(request, form, language, pictures)
    except ValidationError as refused:
        form.add_error(None, refused)
        return _form_page(language, form, status=400)
    except door.TROUBLE:
        return _form_page(language, form, problem=door.too_busy(), status=503)
    return page(language, "thanks.html", {"phrase": phrase, "words": phrase.split()})


def _receive(request: HttpRequest, form: HelpForm, language: str, pictures: list[bytes]) -> str:
    """Keep the request and give its return phrase. Raises Busy; nothing is kept then."""
    now = timezone.now()
    found = form.triage(today=latest_today(now))
    throttle.REQUESTS.take(1, now=time.monotonic())
    phrase = phrases.new(language)
    lookup, pair = door.keys(phrase)
    HelpRequest.objects.receive(
        form.content(found, language=language, at=now),
        at=now,
        lookup=lookup,
        public_key=pair.public,
        photographs=pictures,
        language=language,
        colour=int(found.colour),
        state=State.SPAM if request.POST.get(BAIT) else State.NEW,
        **form.plain(),
    )
    return phrase


def _form_page(
    language: str, form: HelpForm | None = None, *, problem: str = "", status: int = 200
) -> HttpResponse:
    with translation.override(language):
        context = door.limits() | {
            "form": form or HelpForm(),
            "problem": problem,
            "token": tokens.form_token(),
            "bait": BAIT,
        }
    return page(language, "ask.html", context, status=status)
