"""The recipes of docs/ARCHITECTURE.md as edits: what is put into which file, and after which words of it.

Each has a module beside this one that shows, in a changed copy of the house, that the thing works there.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """`insertion` follows `after`, which stands in `file` once."""

    file: str
    after: str
    insertion: str

    def make(self, tree: Path) -> None:
        """Change the file of `tree`."""
        path = tree / self.file
        text = path.read_text()
        times = text.count(self.after)
        assert times == 1, f"{self.file}: {self.after!r} stands there {times} times"
        path.write_text(text.replace(self.after, self.after + self.insertion))


@dataclass(frozen=True)
class Recipe:
    """`heading` is its name in the document; `most` counts changed files, a migration among them."""

    proof: str
    heading: str
    most: int
    edits: tuple[Edit, ...]


COUNTRY = Recipe(
    proof="country",
    heading="a country with a stay rule",
    most=3,
    edits=(
        Edit(
            "intake/countries.py",
            '        Country("US", _("United States"), "America/New_York", on_form=True),\n',
            '        Country("UY", _("Uruguay"), "America/Montevideo"),\n',
        ),
        Edit(
            "law/data/stay_rules.json",
            '\n "rules": [\n',
            '  {"id": "uy", "country": "UY", "basis": "visa_free", "counted_bases": ["visa_free"],\n'
            '   "rule": {"kind": "per_entry", "days": 90}, "valid_from": null, "valid_to": null,\n'
            '   "internal_passport": false, "risk": "low", "confidence": "low",\n'
            '   "sources": ["invented for a test"], "note": "", "verified_on": null, "verified_by": null},\n',
        ),
    ),
)
REMINDER = Recipe(
    proof="reminder",
    heading="a kind of reminder",
    most=4,
    edits=(
        Edit("cases/deadlines.py", '    INTERVIEW = "interview"\n', '    FINGERPRINTS = "fingerprints"\n'),
        Edit(
            "cases/models/deadline.py",
            '    INTERVIEW = Kind.INTERVIEW.value, _("Interview")\n',
            '    FINGERPRINTS = Kind.FINGERPRINTS.value, _("Fingerprints are taken")\n',
        ),
        Edit(
            "cases/models/application.py",
            '    interview_on = SealedDateField(_("interview"), null=True, blank=True)\n',
            '    fingerprints_on = SealedDateField(_("fingerprints"), null=True, blank=True)\n',
        ),
        Edit(
            "cases/models/application.py",
            '        Kind.INTERVIEW: "interview_on",\n',
            '        Kind.FINGERPRINTS: "fingerprints_on",\n',
        ),
    ),
)
SEALED = Recipe(
    proof="sealed",
    heading="a sealed field",
    most=4,
    edits=(
        Edit(
            "cases/models/identity.py",
            '    born_on = SealedDateField(_("date of birth"), null=True, blank=True)\n',
            '    tag_number = SealedCharField(_("number of the tag"), null=True, blank=True, max_length=40)\n'
            '    tag_index = BlindIndex("tag_number", normalise="vault.normalise.document_number")\n',
        ),
        Edit("cases/models/identity.py", "from vault.fields import ", "BlindIndex, "),
        Edit(
            "cases/search.py",
            '"number_index", DOCUMENT, _("document number"))\n',
            '    search.by_index(Identity.objects.all(), "tag_index", DOCUMENT, _("number of the tag"))\n',
        ),
        Edit(
            "docs/THREAT_MODEL.md",
            "- **Filled or empty**: a sealed column is NULL or not.\n",
            "- **Tags**: which two files share the number of a tag.\n",
        ),
    ),
)
RECIPES = (COUNTRY, REMINDER, SEALED)
