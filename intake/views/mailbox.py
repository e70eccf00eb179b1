"""The mailbox behind a return phrase: read, add, correct, withdraw. It never shows what was written."""

from __future__ import annotations

import time
import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from intake import throttle, tokens, uploads
from intake.forms import AddForm, PhraseForm
from intake.models import Answer, Category, HelpRequest
from intake.pages import page
from intake.views import door


# As the form: without cookies there is nothing that another site could ride on.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox(request: HttpRequest, language: str) -> HttpResponse:
    """Ask for the phrase; with it, the mailbox; from its page, what is added or withdrawn."""
    with translation.override(language):
        if request.method != "POST":
            return _phrase_page(language, PhraseForm())
        refused = door.refusal(request, language)
        if refused:
            return refused
        act = {"add": _add, "withdraw": _withdraw}.get(request.POST.get("act", ""), _open)
        try:
            return act(request, language)
        except door.TROUBLE:
            return _phrase_page(
                language, PhraseForm(), problem=door.too_busy(), status=503, kept=request.POST.get("text", "")
            )


def _phrase_page(
    language: str, form: PhraseForm, *, problem: str = "", status: int = 200, kept: str = ""
) -> HttpResponse:
    """`kept` is a text that was to be added: it is not lost because a pass ran out."""
    context: dict[str, Any] = {"form": form, "problem": problem}
    if kept:
        context["adding"] = AddForm(initial={"text": kept, "kind": "added"})
    return page(language, "phrase.html", context, status=status)


def _open(request: HttpRequest, language: str) -> HttpResponse:
    """The answers that the phrase opens; none, where there are none yet or nobody has this phrase."""
    form = PhraseForm(request.POST)
    if not form.is_valid():
        return _phrase_page(language, form, status=400)
    lookup, pair = door.keys(form.cleaned_data["phrase"])
    # Of a phrase that nobody has the database is asked the same, about a request that nobody sent.
    owner = HelpRequest.objects.mailbox(lookup) or uuid.uuid4()
    answers = Answer.objects.open_all(owner, pair, today=timezone.now().date())
    return _mailbox_page(language, AddForm(), (lookup, pair.public), answers=answers)


def _mailbox_page(
    language: str,
    form: AddForm,
    box: tuple[str, bytes],
    *,
    answers: list[dict[str, Any]] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = door.limits() | {
        "form": form,
        "pass": tokens.mailbox_pass(*box),
        "answers": answers,
        "read_answers": answers is not None,
        "problem": problem,
    }
    return page(language, "mailbox.html", context, status=status, padded=True)


def _box_of(request: HttpRequest, language: str) -> tuple[str, bytes] | HttpResponse:
    """The mailbox of the pass on the page, or of a phrase typed again; else the page that asks for it."""
    if box := tokens.read_pass(request.POST.get("pass", "")):
        return box
    form = PhraseForm(request.POST if "phrase" in request.POST else None)
    if form.is_valid():
        lookup, pair = door.keys(form.cleaned_data["phrase"])
        return lookup, pair.public
    old = _("The mailbox was open for more than half an hour. Nothing was sent yet. Write your phrase again.")
    return _phrase_page(
        language, form, problem="" if form.errors else old, status=400, kept=request.POST.get("text", "")
    )


def _add(request: HttpRequest, language: str) -> HttpResponse:
    box = _box_of(request, language)
    if isinstance(box, HttpResponse):
        return box
    form = AddForm(request.POST)
    try:
        pictures = uploads.clean_photographs(request.FILES.getlist("photographs"))
        if form.is_valid():
            form.require(pictures)
    except ValidationError as refused:
        form.add_error(None, refused)
    if not form.is_valid():
        return _mailbox_page(language, form, box, status=400)
    try:
        _keep(form, language, box, pictures)
    except door.TROUBLE:
        return _mailbox_page(language, form, box, problem=door.too_busy(), status=503)
    return page(language, "added.html", {"pass": tokens.mailbox_pass(*box)}, padded=True)


def _keep(form: AddForm, language: str, box: tuple[str, bytes], pictures: list[bytes]) -> None:
    """Add to the request of the mailbox; to a new one, where the phrase has none (any more)."""
    throttle.REQUESTS.take(1, now=time.monotonic())
    now, found = timezone.now(), form.triage()
    for _again in range(2):
        owner = HelpRequest.objects.mailbox(box[0])
        try:
            if owner:
                content = form.content(found, at=now)
                HelpRequest.objects.add_to(
                    owner, content, at=now, colour=int(found.colour), photographs=pictures
                )
            else:
                HelpRequest.objects.receive(
                    form.as_request(found, language=language, at=now),
                    at=now,
                    lookup=box[0],
                    public_key=box[1],
                    photographs=pictures,
                    language=language,
                    colour=int(found.colour),
                    category=Category.UNKNOWN,
                )
        except IntegrityError:
            # Withdrawn, or begun, by the same person at the same moment: look again.
            continue
        return
    raise throttle.Busy


def _withdraw(request: HttpRequest, language: str) -> HttpResponse:
    box = _box_of(request, language)
    if isinstance(box, HttpResponse):
        return box
    if not request.POST.get("sure"):
        problem = _("Nothing was erased. Tick the box first if you are sure.")
        return _mailbox_page(language, AddForm(), box, problem=problem, status=400)
    HelpRequest.objects.withdraw(box[0], at=timezone.now())
    said = {
        "title": _("Everything is erased"),
        "text": _(
            "What was sent under this phrase, its photographs and its answers are gone from our mailbox. If "
            "we opened a case for you already, ask your helper to erase it too."
        ),
    }
    return page(language, "message.html", said, padded=True)
