"""docker-compose.yml, read as an engine would: who holds which key, who reaches whom, who may write."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.house.production import environment
from tests.house.tree import ROOMS, ROOT, run
from vault.keyring import NEEDED

FILE = ROOT / "docker-compose.yml"
OURS = ("desk", "chores", "worker", "beat", "public")
# Files that a process is given on a volume, not as a secret: the desk makes them anew every week.
MAILBOX = {"DROPBOX_PRIVATE_FILE": "mailbox_private", "DROPBOX_PUBLIC_FILE": "mailbox_public"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(FILE.read_text())


def sources(service):
    """The secrets a service is given, by name, with the path each appears at."""
    return {
        secret if isinstance(secret, str) else secret["source"]: f"/run/secrets/{secret}"
        if isinstance(secret, str)
        else secret["target"]
        for secret in service.get("secrets", [])
    }


def test_it_is_a_compose_file():
    """By the schema of the compose specification that check-jsonschema brings along."""
    done = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(FILE))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "site"),
    [("desk", "desk"), ("chores", "desk"), ("worker", "worker"), ("beat", "worker"), ("public", "public")],
)
def test_each_process_holds_only_its_own_keys(compose, name, site):
    """Sabotage: give root_key to the worker."""
    service = compose["services"][name]
    given = {secret.removesuffix("_key") for secret in sources(service) if not secret.endswith("secret_key")}
    keys = {secret for secret in given if secret in NEEDED["both"]}
    assert service["environment"]["SITE"] == site
    assert keys == set(NEEDED[site])
    named = {
        name for name in service["environment"] if name.endswith("_KEY_FILE") and name != "SECRET_KEY_FILE"
    }
    assert named == {f"{key.upper()}_KEY_FILE" for key in NEEDED[site]}


def test_desk_worker_and_public_form_share_no_session_secret(compose):
    files = {name: compose["services"][name]["environment"]["SECRET_KEY_FILE"] for name in OURS}
    assert len({files["desk"], files["worker"], files["public"]}) == 3
    assert files["beat"] != files["desk"]


def volumes(service):
    """The volumes of a service, by name: where each appears, and whether it may be written."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return {part[0]: (part[1], part[2:] != ["ro"]) for part in parts}


def test_the_public_form_holds_the_half_that_seals_and_cannot_change_it(compose):
    """Sabotage: give mailbox_private to it, or leave ":ro" out."""
    services = compose["services"]
    assert volumes(services["public"]) == {"mailbox_public": ("/mailbox/public", False)}
    assert set(sources(services["public"])) == {"public_database_url", "public_secret_key"}
    holders = {name for name, service in services.items() if "mailbox_private" in volumes(service)}
    assert holders == {"desk", "chores"}


def test_the_public_form_reaches_the_database_and_nothing_else(compose):
    """Neither the desk nor the broker nor the world. Sabotage: put it into the network `data`."""
    services, networks = compose["services"], compose["networks"]
    reached = {
        name
        for name, service in services.items()
        if name != "public" and set(service["networks"]) & set(services["public"]["networks"])
    }
    assert reached == {"proxy", "postgres"}
    assert all(networks[network] == {"internal": True} for network in services["public"]["networks"])
    given = set(services["public"]["environment"])
    assert not [name for name in given if name.startswith(("REDIS", "EMAIL", "DESK_URL", "DEFAULT_FROM"))]


@pytest.mark.parametrize("name", OURS)
def test_every_file_that_is_named_is_given(compose, name):
    """A name without its secret, or the reverse, shows only when somebody starts it."""
    service = compose["services"][name]
    files = {key: value for key, value in service["environment"].items() if key.endswith("_FILE")}
    for key in set(files) & set(MAILBOX):
        assert files.pop(key).rpartition("/")[0] == volumes(service)[MAILBOX[key]][0]
    assert set(files.values()) == set(sources(service).values())
    assert set(sources(service)) <= set(compose["secrets"])


def test_nobody_is_root_and_nobody_writes_where_it_need_not(compose):
    """Sabotage: drop `read_only` from the common part."""
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert str(service["user"]).partition(":")[0] not in ("0", "root"), name
        assert service.get("privileged") is None, name
        assert service["healthcheck"]["test"][0] == "CMD", name


def test_only_the_proxy_is_reached_from_outside(compose):
    """And what holds data has no way out."""
    services, networks = compose["services"], compose["networks"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert networks["data"] == {"internal": True}
    assert networks["front"] == {"internal": True}
    assert set(services["proxy"]["networks"]) == {"edge", "front", "entrance"}
    for name in ("desk", "chores", "beat", "public", "postgres", "redis"):
        assert all((networks[network] or {}).get("internal") for network in services[name]["networks"]), name


def test_no_secret_stands_in_the_file(compose):
    """Secrets are files; their folder is kept out of the history and out of the image."""
    assert all(set(secret) == {"file"} for secret in compose["secrets"].values())
    assert not re.search(r"password\s*[:=]\s*[^/\s]+$", FILE.read_text(), re.I | re.M)
    assert "secrets/" in (ROOT / ".gitignore").read_text().split()
    assert "*" in (ROOT / ".dockerignore").read_text().split()


def test_the_image_is_built_from_the_pinned_requirements():
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes --only-binary :all: -r requirements.txt" in text
    assert "requirements-dev" not in text
    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.M))
    assert copied == {*ROOMS, "templates", "locale"}
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {f"!{folder}" for folder in copied} <= set(ignored)


@pytest.mark.parametrize("site", ["desk", "worker", "public"])
def test_what_the_image_holds_is_enough_to_start(site, tmp_path):
    """A room that is not copied shows when somebody starts the image, and then nowhere else.

    Sabotage: leave `COPY law law` out of the Dockerfile.
    """
    image = tmp_path / "app"
    image.mkdir()
    for line in re.findall(r"^COPY (.+) (?:\./|\w+)$", (ROOT / "Dockerfile").read_text(), re.M):
        for name in line.split():
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, image / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, image)
    for who, command in (("desk", ("vault", "init", "--keys-only")), (site, ("check", "--deploy"))):
        env = environment(who, tmp_path) | {"PYTHONDONTWRITEBYTECODE": "1"}
        command = (sys.executable, "manage.py", *command)
        done = subprocess.run(command, cwd=image, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert not (image / "tests").exists()
