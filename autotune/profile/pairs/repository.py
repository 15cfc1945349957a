"""The code as it was: commits of a git repository, and a worktree of one of them in a temporary directory.

Runs the command ``git``, with its hooks off. Knows nothing of what is measured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...errors import BaselineError
from . import temporary

#: Checking out a large repository takes a minute; git that waits for somebody waits for ever.
DEADLINE_S = 300.0
#: Variables that would lead git to another repository than the one of the directory.
LEADING = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


@dataclass(frozen=True)
class Repository:
    """A git repository with a working tree."""

    root: Path

    def commit(self, name: str) -> str:
        """The full hash of a commit, given by hash, branch or tag.

        Raises
        ------
        BaselineError
            There is no such commit.
        """
        found = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", check=False)
        if found is None:
            shallow = self._git("rev-parse", "--is-shallow-repository", check=False) == "true"
            remedy = "git fetch --unshallow (fetch-depth: 0 in actions/checkout)" if shallow else "git log, git fetch"
            raise BaselineError(
                f"{name}: is no commit of {self.root}{', which is a shallow clone' if shallow else ''}; see {remedy}"
            )
        return found

    def has(self, commit: str) -> bool:
        """Whether a commit is there."""
        return self._git("cat-file", "-e", f"{commit}^{{commit}}", check=False) is not None

    @property
    def head(self) -> str:
        """The commit that is checked out; empty before the first one."""
        return self._git("rev-parse", "--verify", "--quiet", "HEAD", check=False) or ""

    @property
    def dirty(self) -> bool:
        """Whether the working tree is other than its commit."""
        return not self.head or not self.is_like(self.head)

    def is_like(self, commit: str) -> bool:
        """Whether the working tree holds what the commit does, and nothing else that git would add.

        What no code can depend on does not count: saved baselines, reports, and bytecode that Python keeps.
        """
        code = (".", ":(exclude)*.md", ":(exclude).autotune", ":(exclude,glob)**/__pycache__/**")
        same = self._git("diff", "--quiet", "--no-ext-diff", commit, "--", *code, check=False) is not None
        return same and not self._git("ls-files", "--others", "--exclude-standard", "--", *code)

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """The files of a commit in a temporary directory, which is gone afterwards.

        Raises
        ------
        BaselineError
            git cannot make it.
        """
        with temporary.directory(BaselineError) as base:
            place = base / "old"
            self._forget_removed()
            try:
                self._git("worktree", "add", "--detach", "--force", str(place), commit)
                yield place
            finally:
                if self._git("worktree", "remove", "--force", str(place), check=False) is None:
                    shutil.rmtree(place, ignore_errors=True)
                    self._git("worktree", "prune", check=False)  # interrupted while git was making it

    def _forget_removed(self) -> None:
        """Have git forget the worktrees of comparisons that were killed."""
        for line in (self._git("worktree", "list", "--porcelain", check=False) or "").splitlines():
            place = Path(line.removeprefix("worktree "))
            if place.parent.name.startswith(temporary.PREFIX) and not place.exists():
                self._git("worktree", "remove", "--force", str(place), check=False)

    def _git(self, *arguments: str, check: bool = True) -> str | None:
        """The output of a git command; None where it fails and may."""
        return _git(self.root, *arguments, check=check)


def repository_of(folder: Path) -> Repository:
    """The repository that a directory belongs to.

    Raises
    ------
    BaselineError
        It belongs to none, or git is not installed.
    """
    root = _git(folder, "rev-parse", "--show-toplevel", check=False)
    if not root:
        raise BaselineError(
            f"{folder}: is not in the working tree of a git repository; old code to compare with is taken from git. "
            "Without it, compare with ratios of an earlier day: autotune baseline save, autotune baseline compare"
        )
    return Repository(Path(root))


def _git(folder: Path, *arguments: str, check: bool) -> str | None:
    environ = {name: value for name, value in os.environ.items() if name not in LEADING}
    command = ["git", "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="surrogateescape", stdin=subprocess.DEVNULL,
            env={**environ, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}, timeout=DEADLINE_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BaselineError(f"git cannot be run in {folder}: {error}") from error
    if done.returncode:
        if check:
            said = done.stderr.strip().splitlines()
            raise BaselineError(f"git {arguments[0]} failed in {folder}: {said[-1] if said else done.returncode}")
        return None
    return done.stdout.strip()
