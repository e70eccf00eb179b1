"""Forms over sealed models: what does not open is shown, disabled, and keeps its ciphertext."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from vault.show import unreadable_fields

UNREADABLE_HELP = _("This cannot be opened here. What is stored stays as it is. Tell your administrator.")


class SealedFormMixin:
    """Put before `forms.ModelForm`: one damaged cell must not break the form nor be overwritten."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        form: Any = self
        for name, text in unreadable_fields(form.instance).items():
            field = form.fields.get(name)
            if field is not None:
                field.disabled = True
                field.required = False
                field.help_text = UNREADABLE_HELP
                field.widget.attrs["placeholder"] = text
