"""The environment of a production desk, worker or public side, for tests that start one."""

import os
import secrets
from pathlib import Path

from vault.keyring import NEEDED

PASSED_ON = ("PATH", "LANG", "TMPDIR")


def environment(site: str, folder: Path, **changes: str) -> dict[str, str]:
    """What docker-compose.yml gives to one service, its secrets in files under `folder`."""
    keys = folder / "secrets"
    keys.mkdir(mode=0o700, exist_ok=True)
    secret = keys / f"{site}_secret_key"
    secret.write_text(secrets.token_urlsafe(64))
    secret.chmod(0o600)
    env = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
        "DESK_PREPARED": "1",
        "SITE": site,
        "DESK_VAR": str(folder / "var"),
        "DATABASE_URL": "postgres://desk@127.0.0.1:1/desk",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp+tls://desk:word@mail.invalid:587",
        "DEFAULT_FROM_EMAIL": "desk@mail.invalid",
        "SECRET_KEY_FILE": str(secret),
        "ALLOWED_HOSTS": "desk.example.org",
        "BEHIND_TLS_PROXY": "true",
    }
    env |= {f"{name.upper()}_KEY_FILE": str(keys / f"{name}.key") for name in NEEDED[site]}
    if site == "public":
        env["DROPBOX_PUBLIC_FILE"] = str(folder / "mailbox.pub")
        for needless in ("REDIS_URL", "EMAIL_URL", "DEFAULT_FROM_EMAIL"):
            del env[needless]
    if site == "desk":
        env["FILES_DIR"] = str(folder / "files")
    env |= changes
    return {name: value for name, value in env.items() if value}
