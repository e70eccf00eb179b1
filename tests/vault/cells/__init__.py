"""A small app of sealed models for the tests of the vault; it never gets a migration."""
