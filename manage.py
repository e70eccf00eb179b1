#!/usr/bin/env python3
"""The one entrance: `up` starts the desk, `test` runs every test; see README.md."""

import os
import re
import sys

from config import bootstrap

# These read standard input and nothing else: no setting of an installation may keep them from answering.
NEED_NO_INSTALLATION = ("assess_stays", "assess_deadlines")
PASSED_ON = re.compile("PATH|HOME|TMPDIR|VIRTUAL_ENV|DESK_PREPARED|LANG|LC_.*|PYTHON.*")


def forget_the_installation():
    """Leave only what Python itself goes by."""
    for name in [name for name in os.environ if not PASSED_ON.fullmatch(name)]:
        del os.environ[name]


def main():
    """Find the packages, then run the command; a wrong setting ends it with one line, not a traceback."""
    if sys.argv[1:2] and sys.argv[1] in NEED_NO_INSTALLATION:
        forget_the_installation()
    bootstrap.enter(sys.argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refused:
        sys.exit(str(refused))


if __name__ == "__main__":
    main()
