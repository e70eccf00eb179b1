#!/usr/bin/env python3
"""The one entrance: `up` starts the desk, `test` runs every test; see README.md."""

import os
import sys

from config import bootstrap


def main():
    """Find the packages, then run the command; a wrong setting ends it with one line, not a traceback."""
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
