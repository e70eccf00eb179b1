"""A person in eleven texts: sealed by the vault, plain, by django-cryptography-5 and by Fernet."""

from __future__ import annotations

import uuid
from typing import Any

from cryptography.fernet import Fernet
from django.db import models
from django_cryptography.fields import encrypt

from vault.fields import BlindIndex, SealedCharField, SealedDateField
from vault.models import OwnerModel, SealedModel

COLUMNS = (
    "surname",
    "given_name",
    "patronymic",
    "surname_latin",
    "given_name_latin",
    "phone",
    "handle",
    "passport",
    "address",
    "unit",
    "remark",
)
FERNET = Fernet(Fernet.generate_key())


class FernetField(models.CharField):
    """The usual dozen lines: Fernet around a text column, opened when the row is read."""

    def get_internal_type(self) -> str:
        return "TextField"

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else FERNET.encrypt(value.encode()).decode()

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        return None if value is None else FERNET.decrypt(value.encode()).decode()


class Twin(models.Model):
    """What the three twins share: the same kind of key as a sealed row has."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)

    class Meta:
        abstract = True
        app_label = "twins"


class SealedPerson(OwnerModel):
    """The vault's way, with a key for every person."""

    sealed_label = "twins.person"

    surname = SealedCharField()
    given_name = SealedCharField()
    patronymic = SealedCharField()
    surname_latin = SealedCharField()
    given_name_latin = SealedCharField()
    phone = SealedCharField()
    handle = SealedCharField()
    passport = SealedCharField()
    address = SealedCharField()
    unit = SealedCharField()
    remark = SealedCharField()
    phone_index = BlindIndex("phone", normalise="vault.normalise.phone")

    class Meta:
        app_label = "twins"

    def __str__(self) -> str:
        return "person"


class SealedDay(SealedModel):
    """A day of a person under the calendar key, as deadlines are."""

    sealed_label = "twins.day"
    sealed_under = "person"

    person = models.ForeignKey(SealedPerson, models.CASCADE)
    due_on = SealedDateField(key="calendar")
    due_week = BlindIndex("due_on", normalise="vault.normalise.iso_week", key="calendar")

    class Meta:
        app_label = "twins"

    def __str__(self) -> str:
        return "day"


def _columns(make: Any) -> dict[str, Any]:
    return {name: make() for name in COLUMNS}


def _twin(name: str, make: Any) -> type[models.Model]:
    return type(name, (Twin,), {"__module__": __name__, **_columns(make), "__str__": lambda self: "person"})


PlainPerson = _twin("PlainPerson", lambda: models.CharField(max_length=200))
PickledPerson = _twin("PickledPerson", lambda: encrypt(models.CharField(max_length=200)))
FernetPerson = _twin("FernetPerson", lambda: FernetField(max_length=200))
TWINS = (SealedPerson, PlainPerson, PickledPerson, FernetPerson)
