"""An app of twins: one table of persons, four ways to store it."""
