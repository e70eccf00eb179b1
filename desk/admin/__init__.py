"""The pages of the desk that list and change records; one module for each page."""

from desk.admin import case  # noqa: F401  (registers it)
