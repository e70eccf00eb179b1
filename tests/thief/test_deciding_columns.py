"""Of every column: does somebody see more if SQL changes it? BoundModel, sealed, or harmless by name."""

from django.apps import apps

from vault.bound import SEAL, BoundModel

# Rows that let nobody in, whoever changes them; the reason holds for every plain column.
HARMLESS = {
    "Django's and axes' own; no permission of ours is read from there": """
        admin.LogEntry auth.Permission auth.Group contenttypes.ContentType axes.AccessFailureLog
        axes.AccessAttempt axes.AccessAttemptExpiration axes.AccessLog
    """,
    "sealed for its place by a key: moved or changed it does not open": """
        vault.RecordKey vault.Canary staff.Session cases.FactHistory cases.Identity cases.WarConduct
    """,
    "the chain and its signed checkpoints tell": "staff.TrailRow staff.TrailLink staff.Checkpoint",
    "a digest for its account; the seal of the sheet says which count": "staff.BackupCode",
    "a name": "staff.Team",
    "facts of a file: the key they are sealed under says whose they are": """
        cases.Appeal cases.ClockPause cases.Application cases.ContactChannel cases.Consent cases.Deadline
        cases.NameWord cases.Attachment cases.Blocker cases.IdentityDocument cases.CaseLink cases.Task
        cases.Proceeding cases.Hearing cases.WantedCheck cases.ExtraditionNote cases.RouteNote cases.Note
        cases.NotSamePerson cases.Stay cases.Residence cases.RecomputedCase
    """,
    "boxes for the mailbox; who may read a request again could read it when it came": """
        intake.Message intake.Photograph intake.Answer intake.Reading intake.HelpRequest intake.Withdrawal
        inbox.RequestTrace inbox.RequestMark inbox.RequestOutcome inbox.RequestTally
    """,
    "wrong law makes wrong dates, and shows nothing": """
        law.LegalRule law.RuleConfirmation cases.Recomputation
    """,
    "work of the house: changed it tells nobody more": """
        cases.DigestSignature reminders.Heartbeat reminders.Circuit reminders.Reminder reminders.Postbox
        reminders.LeadTimes figures.Publication
    """,
}
# Of bound rows, the columns that are not.
UNBOUND = {
    "staff.User": {"language": "words", "time_zone": "words", "demo": "production refuses demo rows"},
    "staff.TotpDevice": {"name": "words", "drift_steps": "one step either way is allowed anyway"},
    "staff.BackupSheet": {
        "name": "words",
        "throttling_failure_count": "eighty bits are not guessed",
        "throttling_failure_timestamp": "eighty bits are not guessed",
    },
    "staff.RoleGrant": {"requested_at": "shown", "decided_at": "shown"},
    "staff.Invitation": {"made_by_id": "shown"},
    "staff.DeviceReset": {
        "requested_at": "an older request is refused, a newer one needs two",
        "decided_at": "shown",
    },
    "cases.CaseShare": {"id": "case and person are unique together"},
    "cases.TypedDeadline": {"application_id": "a fact", "term": "a fact", "in_force": "a fact"},
    "cases.Case": dict.fromkeys(
        ("code_name", "status", "colour", "country", "category", "version", "erased", "demo"),
        "shown to who opens the case",
    ),
}


def test_each_column_is_bound_sealed_or_named_as_harmless():
    """Sabotage: take "team_id" out of the bound columns of Case."""
    harmless = {label for labels in HARMLESS.values() for label in labels.split()}
    for model in apps.get_models():
        label = model._meta.label
        if model._meta.proxy or model.__module__.startswith("tests."):
            continue
        if not issubclass(model, BoundModel):
            assert label in harmless, f"{label}: bind what decides, or say why nothing does"
            continue
        assert label not in harmless
        fields = model._meta.concrete_fields
        plain = {f.attname for f in fields if not getattr(f, "sealed", False)}
        left = (
            plain - {*model.bound_columns, *SEAL} - {f.attname for f in fields if hasattr(f, "computed_from")}
        )
        assert left == set(UNBOUND.get(label, ())), label


def test_each_seal_has_a_label_of_its_own():
    """Sabotage: give Deputy the bound_label of CaseShare."""
    labels = [model.bound_label for model in apps.get_models() if issubclass(model, BoundModel)]
    assert all(labels)
    assert len(labels) == len(set(labels))
