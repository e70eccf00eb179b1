"""System checks: models that could not be opened or searched, and key files in the wrong place."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, models
from django.utils.module_loading import import_string

from vault import canaries
from vault.blind_index import BlindIndex, ComputedField
from vault.fields import SealedMixin
from vault.keyring import NAMES, KeyProblem, keyring
from vault.models import Canary, OwnerModel, SealedModel, SealedQuerySet


@register(Tags.models)
def sealed_models_hold_together(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """Every sealed model can be sealed, opened, listed and told apart."""
    found: list[CheckMessage] = []
    labels: dict[str, type[models.Model]] = {}
    for model in apps.get_models():
        fields = [f for f in model._meta.local_concrete_fields if isinstance(f, SealedMixin)]
        if not issubclass(model, SealedModel):
            if fields:
                found.append(
                    _error("E001", model, "has sealed fields but is no SealedModel. Derive it from one.")
                )
            continue
        if model._meta.proxy:
            continue
        label = model.sealed_label or model._meta.label_lower
        if label in labels:
            other = labels[label]._meta.label
            found.append(_error("E002", model, f"has the sealed_label of {other}. Give each model its own."))
        labels[label] = model
        found.extend(_owner_problems(model, fields))
        found.extend(_query_problems(model))
        found.extend(_computed_problems(model))
    return found


def _error(number: str, model: type[models.Model], text: str) -> Error:
    return Error(f"{model._meta.label} {text}", obj=model, id=f"vault.{number}")


def _owner_problems(model: type[SealedModel], fields: Sequence[Any]) -> Iterator[Error]:
    under = model.sealed_under
    if issubclass(model, OwnerModel) != (under == "self"):
        yield _error("E003", model, 'must be an OwnerModel exactly if sealed_under is "self".')
    if under is None:
        for field in fields:
            if field.key is None:
                yield _error("E004", model, f"says no sealed_under, so its field {field.name} needs key=.")
    elif under not in ("self", "house"):
        owner = next((f for f in model._meta.concrete_fields if f.name == under), None)
        target = getattr(owner, "related_model", None)
        if not (isinstance(owner, models.UUIDField) or (target and issubclass(target, OwnerModel))):
            yield _error(
                "E005", model, f"sealed_under {under!r} must name a key to an OwnerModel, or a UUID."
            )
    row = next((f for f in model._meta.concrete_fields if f.name == model.sealed_row_id), None)
    if not isinstance(row, models.UUIDField) or not (row.primary_key or row.unique):
        yield _error("E006", model, f"sealed_row_id {model.sealed_row_id!r} must name a unique UUID column.")
    for field in fields:
        if field.key is not None and field.key not in NAMES:
            yield _error(
                "E007", model, f"{field.name}: there is no key {field.key!r}, only {', '.join(NAMES)}."
            )


def _query_problems(model: type[SealedModel]) -> Iterator[Error]:
    if not isinstance(model._default_manager.get_queryset(), SealedQuerySet):
        yield _error("E008", model, "needs a manager whose queryset is a SealedQuerySet.")
    sealed = {field.name for field in model.sealed_fields()}
    for item in model._meta.ordering or ():
        name = item.removeprefix("-") if isinstance(item, str) else ""
        if name in sealed:
            yield _error("E009", model, f"cannot be ordered by {name}, which is sealed. Sort in Python.")
    for index in model._meta.indexes:
        if sealed & {name for name, _order in index.fields_orders}:
            yield _error("E010", model, f"the index {index.name} is on a sealed column. Use a BlindIndex.")
    for constraint in model._meta.constraints:
        if sealed & set(getattr(constraint, "fields", ())):
            yield _error("E010", model, f"the constraint {constraint.name} is on a sealed column.")


def _computed_problems(model: type[SealedModel]) -> Iterator[Error]:
    sealed = {field.name for field in model.sealed_fields()}
    for field in model._meta.local_concrete_fields:
        if isinstance(field, ComputedField):
            if field.source not in sealed:
                yield _error("E011", model, f"{field.name}: {field.source} is no sealed field of this model.")
            if field.key not in NAMES:
                yield _error("E007", model, f"{field.name}: there is no key {field.key!r}.")
        if isinstance(field, BlindIndex):
            try:
                import_string(field.normalise)
            except ImportError:
                yield _error("E012", model, f"{field.name}: {field.normalise} cannot be imported.")


@register(Tags.security, deploy=True)
def key_files_are_in_a_safe_place(app_configs: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """For `check --deploy`: no key in the repository, beside what is served, or readable by others."""
    found: list[CheckMessage] = []
    if settings.EMBEDDED:
        text = "The keys lie beside the data under var/: whoever takes this machine can read everything."
        found.append(Warning(text, hint="Set DATABASE_URL and keep the keys elsewhere.", id="vault.W001"))
    served = [getattr(settings, name, None) for name in ("MEDIA_ROOT", "STATIC_ROOT")]
    forbidden = [Path(folder) for folder in served if folder]
    if not settings.EMBEDDED:
        forbidden += [settings.ROOT, settings.VAR_DIR]
    for name in NAMES:
        path = keyring().path(name)
        if path is None:
            continue
        try:
            keyring().keys(name)
        except KeyProblem as problem:
            found.append(Error(str(problem), id="vault.E020"))
        for folder in forbidden:
            if path.resolve().is_relative_to(folder.resolve()):
                text = f"The {name} key file {path} lies inside {folder}. Move it to a place of its own."
                found.append(Error(text, id="vault.E021"))
                break
        if path.parent.is_dir() and path.parent.stat().st_mode & 0o077:
            text = f"The folder of the {name} key can be entered by others. Run: chmod 700 {path.parent}"
            found.append(Error(text, id="vault.E022"))
    return found


@register(Tags.database)
def canaries_sing(app_configs: Any = None, databases: Any = None, **_kwargs: Any) -> list[CheckMessage]:
    """With a database at hand: the keys held here are the ones the data was sealed with."""
    found: list[CheckMessage] = []
    if not databases:
        return found
    try:
        placed = dict(Canary.objects.values_list("key_name", "sealed"))
        held = [(name, bytes(sealed)) for name, sealed in placed.items() if keyring().holds(name)]
        problems = [canaries.problem(name, sealed) for name, sealed in held]
    except DatabaseError:
        return found  # before the first migration
    return [Error(problem, id="vault.E030") for problem in problems if problem]
