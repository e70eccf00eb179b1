"""From nothing but Python: `.venv` is made once, mended after an interruption, and only if it is ours."""

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import bootstrap
from tests.house.tree import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]
# A package of one line, so that a whole installation takes a second; its name is nobody's.
WHEEL = "deskprobe-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path):
    """A folder of wheels, instead of the network."""
    import base64
    import hashlib
    import zipfile

    folder = tmp_path / "wheels"
    folder.mkdir()
    files = {
        "deskprobe.py": "HERE = True\n",
        "deskprobe-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: deskprobe\nVersion: 1.0\n",
        "deskprobe-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    with zipfile.ZipFile(folder / WHEEL, "w") as wheel:
        for name, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            rows.append(f"{name},sha256={digest},{len(text)}")
            wheel.writestr(name, text)
        wheel.writestr(
            "deskprobe-1.0.dist-info/RECORD", "\n".join([*rows, "deskprobe-1.0.dist-info/RECORD,,\n"])
        )
    return folder


@pytest.fixture
def project(tmp_path, index):
    """A project with our manage.py and bootstrap; it needs the probe, its commands tell where they ran."""
    import hashlib

    root = tmp_path / "project"
    (root / "config").mkdir(parents=True)
    shutil.copy(ROOT / "manage.py", root)
    shutil.copy(ROOT / "config" / "bootstrap.py", root / "config")
    (root / "config" / "__init__.py").touch()
    (root / "django" / "core").mkdir(parents=True)
    for package in ("django", "django/core"):
        (root / package / "__init__.py").touch()
    (root / "django" / "core" / "exceptions.py").write_text("class ImproperlyConfigured(Exception): pass\n")
    (root / "django" / "core" / "management.py").write_text(
        "import sys\ndef execute_from_command_line(argv):\n"
        "    import deskprobe\n    print('ran', argv[1], 'in', sys.prefix)\n"
    )
    digest = hashlib.sha256((index / WHEEL).read_bytes()).hexdigest()
    for name in ("requirements.txt", "requirements-dev.txt"):
        (root / name).write_text(f"deskprobe==1.0 \\\n    --hash=sha256:{digest}\n")
    return root


def start(project, command="up", *, index=None, python=sys.executable, **changes):
    """With an empty PATH and HOME, and with no index but the folder of wheels, if any."""
    base = getattr(sys, "_base_executable", sys.executable) if python == sys.executable else python
    env = {"PATH": "", "HOME": "", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1"}
    env |= {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "2"}
    if index:
        env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}
    return subprocess.run(
        [base, str(project / "manage.py"), command],
        env=env | changes,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def ran_in(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(done.stdout.strip().rpartition(" ")[2])


def one_line(done):
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_first_start_needs_only_python_and_later_ones_no_network(project, index):
    """Sabotage: leave the mark of an unfinished start, and the second asks the dead index."""
    first = start(project, index=index)
    assert ran_in(first) == project / ".venv"
    assert "Installing" in first.stdout
    second = start(project)
    assert ran_in(second) == project / ".venv"
    assert "Installing" not in second.stdout
    # Every other command goes into it too.
    assert ran_in(start(project, "check")) == project / ".venv"


def test_a_new_pin_is_installed(project, index):
    """It goes by the stamp, not by whether something can be imported."""
    ran_in(start(project, index=index))
    pins = project / "requirements.txt"
    older = pins.read_text()
    pins.write_text(older.replace("==1.0", "==2.0"))
    assert "cannot be fetched" in one_line(start(project))
    pins.write_text(older)
    assert "Installing" not in start(project).stdout, "the environment of the older pins was lost"
    pins.write_text("# another compilation\n" + older)
    again = start(project, index=index)
    assert ran_in(again) == project / ".venv"
    assert "Installing" in again.stdout


def test_an_interruption_is_mended(project, index):
    """Sabotage: drop the mark that stands from the first moment until the stamp."""
    (project / ".venv" / "bin").mkdir(parents=True)
    (project / ".venv" / "desk-making").touch()
    (project / ".venv" / "bin" / "python").write_text("half of a file")
    assert ran_in(start(project, index=index)) == project / ".venv"


def test_two_starts_at_once_install_once(project, index):
    """Sabotage: drop the lock."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from tests.house import test_bootstrap as t; "
    code += "from pathlib import Path; d = t.start(Path(sys.argv[2]), index=Path(sys.argv[3])); "
    code += "print(d.stdout, d.stderr); sys.exit(d.returncode)"
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(ROOT), str(project), str(index)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=120)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("Installing" in text for text in said) == 1


def test_killed_in_the_middle_it_starts_again(project, index):
    """For real: killed while pip looks for an index that does not answer."""
    base = getattr(sys, "_base_executable", sys.executable)
    env = {
        "PATH": "",
        "HOME": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "9",
    }
    process = subprocess.Popen(
        [base, str(project / "manage.py"), "up"], env=env | {"PIP_CONFIG_FILE": os.devnull}, cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while not (project / ".venv" / "desk-making").exists() and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (project / ".venv" / "desk-stamp").exists()
    assert ran_in(start(project, index=index)) == project / ".venv"


def test_a_prepared_environment_is_never_touched(project, index):
    """Its own interpreter has what is needed, or DESK_PREPARED says so."""
    own = project.parent / "own"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(own)], check=True)
    packages = next(own.glob("lib/python*/site-packages"))
    shutil.unpack_archive(index / WHEEL, packages, "zip")
    assert ran_in(start(project, python=str(own / "bin" / "python"))) == own
    assert not (project / ".venv").exists()
    (packages / "deskprobe-1.0.dist-info" / "METADATA").write_text("Name: deskprobe\nVersion: 2.0\n")
    assert ran_in(start(project, python=str(own / "bin" / "python"), DESK_PREPARED="1")) == own
    assert not (project / ".venv").exists()


def test_a_folder_made_by_hand_is_never_touched(project, index):
    """A `.venv` that lacks something but is not ours: say so, change nothing."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(project / ".venv")], check=True)
    before = sorted(path.name for path in (project / ".venv").rglob("*"))
    line = one_line(start(project, index=index))
    assert "deskprobe 1.0" in line
    assert "pip install -r requirements.txt" in line
    assert sorted(path.name for path in (project / ".venv").rglob("*")) == before
    # Filled by hand, it is as good as ours.
    packages = next((project / ".venv").glob("lib/python*/site-packages"))
    shutil.unpack_archive(index / WHEEL, packages, "zip")
    assert ran_in(start(project)) == project / ".venv"


def test_no_network_is_one_line(project):
    line = one_line(start(project))
    assert "cannot be fetched" in line
    assert "network" in line


def test_a_changed_package_is_refused(project, index):
    """Its hash is another one, or it has none. Sabotage: drop --require-hashes."""
    pins = project / "requirements.txt"
    pinned = pins.read_text()
    pins.write_text(pinned[:-10] + "000000000\n")
    assert "not the pinned one" in one_line(start(project, index=index))
    pins.write_text(pinned.partition(" ")[0] + "\n")
    assert "not the pinned one" in one_line(start(project, index=index))


def test_other_commands_need_a_first_start(project):
    assert "manage.py up" in one_line(start(project, "check"))


def test_no_pip_is_one_line(project, tmp_path):
    """As on a Debian without python3-pip. A module that fails to import hides the real one."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "pip.py").write_text("raise ImportError\n")
    line = one_line(start(project, PYTHONPATH=str(hidden)))
    assert "no pip" in line


def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit, match="too old"):
        bootstrap.enter(["manage.py", "up"])


@pytest.mark.parametrize("file", ["manage.py", "config/bootstrap.py", "config/__init__.py"])
def test_a_really_old_python_can_read_the_message(file):
    """No newer syntax may stand before the message. Sabotage: use `match` in config/bootstrap.py."""
    ast.parse((ROOT / file).read_text(), feature_version=(3, 7))


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk is full",
        ),
        ("no such option: --python", "older than 22.3"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "not the pinned one"),
        ("[Errno 13] Permission denied: x", "cannot be written"),
        ("something new", "pip said: something new"),
    ],
)
def test_what_pip_says_becomes_one_line(said, cause):
    with pytest.raises(SystemExit) as end:
        bootstrap._run([sys.executable, "-c", f"print({said!r}); raise SystemExit(1)"], "pip")
    assert cause in str(end.value)
    assert "\n" not in str(end.value)


@pytest.mark.parametrize(
    ("marker", "applies"),
    [
        ("", True),
        ("python_full_version < '3.11.3'", sys.version_info < (3, 11, 3)),
        ("sys_platform == 'win32'", sys.platform == "win32"),
        ("implementation_name != 'pypy'", sys.implementation.name != "pypy"),
        ("extra == 'unknown'", False),
    ],
)
def test_markers(marker, applies):
    assert bootstrap._applies(marker) is applies


def test_every_marker_in_the_pins_is_one_we_read():
    """A form not known counts as not needed; there must be none."""
    for name in ("requirements.txt", "requirements-dev.txt"):
        for _package, _version, marker in bootstrap.PIN.findall((ROOT / name).read_text()):
            assert not marker.strip() or bootstrap.MARKER.match(marker.strip()), marker


def test_this_very_environment_counts_as_prepared():
    """What runs the tests has every pin, so no second environment is made."""
    assert bootstrap.missing("requirements-dev.txt") == ""
