"""Encryption at rest: the only room that imports a cryptography package."""
