"""Makes `.venv` from the pinned requirements when a command needs it, and starts the command over inside it.

Standard library only, and no syntax newer than the message for an old Python. A prepared environment (a
container, an activated virtual environment, uv) that has what the command needs is never touched.
"""

import contextlib
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "desk-stamp"
# Stands from the first moment until the stamp: a `.venv` with it was ours and was interrupted.
MAKING = VENV / "desk-making"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
NEEDS = {"up": "requirements.txt", "test": "requirements-dev.txt"}
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]*))?", re.MULTILINE)
MARKER = re.compile(r"^(\w+) (<|!=|==) '([^']*)'$")
# What pip says, and what to tell about it; the first that fits.
CAUSES = (
    (r"No space left on device|Errno 28", "the disk is full", "free about 300 MB"),
    (
        r"DO NOT MATCH THE HASHES|Hashes are required",
        "a package is not the pinned one",
        "try another package index; do not go on",
    ),
    (
        r"no such option: --python",
        "pip is older than 22.3",
        "run: python3 -m pip install --user --upgrade pip",
    ),
    (r"Permission denied|Read-only file system", "the folder cannot be written", "give this user the folder"),
    (
        r"NewConnectionError|ConnectTimeout|Max retries|name resolution|Connection refused|ProxyError"
        r"|No matching distribution|from versions: none",
        "the packages cannot be fetched",
        "connect to the network (only the first start needs it), and use Python 3.11, 3.12 or 3.13",
    ),
)


def enter(arguments):
    """Come back only in an interpreter that has what `arguments` (sys.argv) needs; else start over in one.

    Raises SystemExit with one line that names the cause and the next step.
    """
    command = arguments[1] if len(arguments) > 1 else ""
    if sys.version_info < (3, 11):  # noqa: UP036 (manage.py is what an older Python runs to be told so)
        sys.exit(
            f"Python {sys.version.split()[0]} is too old. Install Python 3.11 or newer and run it again."
        )
    needed = NEEDS.get(command, "requirements.txt")
    if os.environ.get("DESK_PREPARED") == "1" or (not _inside() and not missing(needed)):
        return
    if command in NEEDS:
        if not _is_filled(needed):
            _fill_alone(needed)
    elif not PYTHON.exists():
        sys.exit("The packages are not installed yet. Run first: python3 manage.py up")
    if not _inside():
        with contextlib.suppress(OSError):
            os.execv(str(PYTHON), [str(PYTHON), *arguments])
        sys.exit(f"{PYTHON} does not start. Delete the folder .venv and run: python3 manage.py up")


def missing(requirements, folders=None):
    """The first pinned distribution of the file that `folders` (this interpreter, if None) does not have."""
    import importlib.metadata  # an old Python lacks it, and must get as far as its message

    have = {}
    where = {} if folders is None else {"path": folders}
    for found in importlib.metadata.distributions(**where):
        with contextlib.suppress(KeyError, TypeError, AttributeError):
            have.setdefault(_plain(found.metadata["Name"]), found.version)
    for name, version, marker in PIN.findall((ROOT / requirements).read_text()):
        if _applies(marker.strip()) and have.get(_plain(name)) != version:
            return f"{name} {version}"
    return ""


def _plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _applies(marker):
    """Whether a pin with this marker is for this machine. A form not known here counts as not needed."""
    if not marker:
        return True
    values = {
        "python_full_version": platform.python_version(),
        "sys_platform": sys.platform,
        "implementation_name": sys.implementation.name,
        "platform_python_implementation": platform.python_implementation(),
    }
    parts = MARKER.match(marker)
    if not parts or parts[1] not in values:
        return False
    have, sign, want = values[parts[1]], parts[2], parts[3]
    if sign == "<":
        return _numbers(have) < _numbers(want)
    return (have == want) == (sign == "==")


def _numbers(version):
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _inside():
    return Path(sys.prefix).resolve() == VENV.resolve()


def _mark(requirements):
    """What the stamp holds for a file: a new pin or another Python means filling again."""
    text = (ROOT / requirements).read_bytes() + VERSION.encode()
    return hashlib.sha256(text).hexdigest()


def _is_filled(requirements):
    """Whether `.venv` has what is needed: by our stamp, or, if somebody else made it, by what lies in it."""
    if not PYTHON.exists() or MAKING.exists():
        return False
    with contextlib.suppress(OSError):
        return _mark(requirements) in STAMP.read_text().split()
    folders = [str(path) for path in VENV.glob(f"lib/python{VERSION}/site-packages")]
    return not missing(requirements, folders)


def _fill_alone(requirements):
    """One start at a time fills `.venv`; the others wait, then find it filled."""
    try:
        lock = os.open(str(ROOT), os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_filled(requirements):
            _fill(requirements)
    except OSError as error:
        sys.exit(
            f"Cannot make {VENV}: {error.strerror}. Free space or give this user the folder; run it again."
        )
    os.close(lock)


def _fill(requirements):
    if VENV.exists() and not STAMP.exists() and not MAKING.exists():
        lacks = missing(requirements, [str(path) for path in VENV.glob("lib/*/site-packages")])
        sys.exit(
            f"The folder .venv was made by hand and lacks {lacks}. "
            f"Run: .venv/bin/python -m pip install -r {requirements}, or delete the folder."
        )
    base = getattr(sys, "_base_executable", "") or sys.executable
    if subprocess.run([base, "-c", "import pip"], capture_output=True).returncode:
        sys.exit(f"{base} has no pip. Install it (Debian: apt install python3-pip) and run it again.")
    if MAKING.exists() or not _runs():
        shutil.rmtree(VENV, ignore_errors=True)
        VENV.mkdir()
    MAKING.touch()
    print("Installing the pinned packages into .venv (once; this needs the network) ...", flush=True)
    if not _runs():
        _run([base, "-m", "venv", "--without-pip", str(VENV)], "venv")
    install = [
        base,
        "-m",
        "pip",
        "--python",
        str(PYTHON),
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    try:
        _run([*install, "--require-hashes", "--only-binary", ":all:", "-r", str(ROOT / requirements)], "pip")
    except SystemExit:
        # pip took back what it had begun: what worked for the older pins still does.
        if STAMP.exists():
            MAKING.unlink()
        raise
    # The file for the tests contains everything of the other one.
    files = {"requirements.txt", requirements}
    new = VENV / "desk-stamp.new"
    new.write_text("\n".join(_mark(name) for name in sorted(files)) + "\n")
    new.replace(STAMP)
    MAKING.unlink()


def _runs():
    """Whether the interpreter in `.venv` starts and is of the version that runs this."""
    code = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    with contextlib.suppress(OSError):
        return subprocess.run([str(PYTHON), "-c", code], capture_output=True).returncode == 0
    return False


def _run(command, what):
    """Run quietly; on failure end with one line made of what the program said."""
    # Settings of this user's pip must not send the packages elsewhere than into `.venv`.
    env = dict(os.environ, PIP_USER="0", PIP_NO_INPUT="1")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PYTHONHOME", "PYTHONPATH"):
        env.pop(name, None)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env)
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    for pattern, cause, next_step in CAUSES:
        if re.search(pattern, said):
            sys.exit(f"Cannot install the packages: {cause}. Next: {next_step}, then run it again.")
    last = ([line for line in said.splitlines() if line.strip()] or ["no reason given"])[-1].strip()
    sys.exit(f"Cannot install the packages: {what} said: {last[:300]}")
