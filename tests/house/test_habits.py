"""Habits of the repository: one version, and the same checks before a commit as in the tests."""

import re
import sys
import tomllib

import yaml

from tests.house.tree import ROOT, run

HOOKS = ROOT / ".pre-commit-config.yaml"


def test_the_version_heads_the_changelog():
    """Sabotage: raise the version in pyproject.toml alone."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == version


def test_every_commit_is_checked_by_what_the_tests_run():
    """Sabotage: name a test in .pre-commit-config.yaml that is gone, or fetch a hook from elsewhere."""
    repos = yaml.safe_load(HOOKS.read_text())["repos"]
    assert {repo["repo"] for repo in repos} == {"local"}
    for hook in (hook for repo in repos for hook in repo["hooks"]):
        assert hook["language"] == "system"
        for word in hook["entry"].split():
            assert not word.endswith(".py") or (ROOT / word).exists(), word


def test_whoever_finds_a_hole_knows_where_to_go():
    text = (ROOT / "SECURITY.md").read_text()
    assert "never by an open" in text
    assert "within three days" in text
    for page in re.findall(r"`([\w/]+\.md)`", text + (ROOT / "CONTRIBUTING.md").read_text()):
        assert (ROOT / page).exists(), page


def test_all_code_is_formatted_alike():
    """Sabotage: a line of two statements, or quotes of the other kind."""
    done = run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout + done.stderr
