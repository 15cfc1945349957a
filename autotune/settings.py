"""Settings: environment variables over ``[tool.autotune]`` in the nearest pyproject.toml over defaults.

Knows where things lie on disk, not what is in them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .errors import SettingsError
from .value import Value

MODES = ("first-use", "use", "off", "locked")
NUMERICS = ("bitwise", "reassociated", "approximate")
#: Seconds of first-use tuning for a kernel and signature (DESIGN.md, "Miss").
DEFAULT_BUDGET_S = 2.0
#: What `locked` obeys where nothing else is named.
LOCK_FILE = "autotune.lock"
#: Of a count; more is a slip of the keyboard, and beyond 4300 Python refuses to read it.
MAX_DIGITS = 18


class Settings(Value):
    """What the user asked for."""

    mode: str = "first-use"
    #: Whether the mode was asked for by name; then it overrides the rules on CI, pytest and load.
    mode_is_explicit: bool = False
    budget_s: float = DEFAULT_BUDGET_S
    numerics: str = "reassociated"
    #: Whether the class was asked for by name; then a kernel's own opt-in does not count.
    numerics_is_explicit: bool = False
    #: The file that `locked` obeys; None for autotune.lock here, or beside the nearest pyproject.toml.
    lock: Path | None = None
    #: One call in so many is compared with the reference; 0 for none, None for what each kernel says.
    verify: int | None = None
    #: The search strategy for large spaces, by name; None for the default of `search.strategy`.
    strategy: str | None = None
    db: Path | None = None
    log: str | None = None
    #: Whether records that came with the package are read below the user's own.
    shipped: bool = True

    @property
    def root(self) -> Path:
        """The directory that holds records, compiled code and locks."""
        if self.db is not None:
            return self.db
        import platformdirs

        return Path(platformdirs.user_cache_dir("autotune", appauthor=False))

    @property
    def locked(self) -> bool:
        """Whether decisions are those of a file alone: then nothing may hang on time, load, cores or the store."""
        return self.mode == "locked"

    def lock_file(self, directory: str | None = None) -> Path:
        """The file that `locked` obeys, whether or not it is there."""
        return self.lock if self.lock is not None else _nearest_lock(Path(directory or _cwd()))


def current(environ: Mapping[str, str] | None = None, directory: str | None = None) -> Settings:
    """The settings in force now.

    Raises
    ------
    SettingsError
        A value that is not legal; the message names the variable and the legal values.
    """
    environ = os.environ if environ is None else environ
    project, origin = _project_table(directory if directory is not None else _cwd())

    def look(name: str) -> tuple[str | None, str]:
        variable = f"AUTOTUNE_{name.upper()}"
        if environ.get(variable):
            return environ[variable], variable
        if name in project:
            return str(project[name]), f"[tool.autotune] {name} in {origin}"
        return None, ""

    def one_of(name: str, legal: tuple[str, ...], default: str) -> str:
        given, source = look(name)
        return default if given is None else _one_of(given.lower(), legal, source)

    budget, budget_source = look("budget")
    db, _ = look("db")
    log, _ = look("log")
    lock, lock_source = look("lock")
    verify, verify_source = look("verify")
    return Settings(
        mode=one_of("mode", MODES, "first-use"),
        mode_is_explicit=look("mode")[0] is not None,
        numerics=one_of("numerics", NUMERICS, "reassociated"),
        numerics_is_explicit=look("numerics")[0] is not None,
        lock=None if lock is None else _beside(lock, lock_source, origin),
        verify=None if verify is None else _count(verify, verify_source),
        budget_s=DEFAULT_BUDGET_S if budget is None else _seconds(budget, budget_source),
        strategy=look("strategy")[0],
        db=Path(db).expanduser().absolute() if db else None,
        log=log,
        shipped=one_of("shipped", ("1", "0", "true", "false"), "1") in ("1", "true"),
    )


def as_environ(directory: str, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the settings of a directory are as environment variables, for a process that runs in another one."""
    environ = os.environ if environ is None else environ
    project, origin = _project_table(directory)
    found = {f"AUTOTUNE_{name.upper()}": str(value) for name, value in project.items()}
    if "lock" in project:
        found["AUTOTUNE_LOCK"] = str(_beside(found["AUTOTUNE_LOCK"], "[", origin))
    found |= {name: value for name, value in environ.items() if name.startswith("AUTOTUNE_") and value}
    for name in ("AUTOTUNE_DB", "AUTOTUNE_LOCK"):
        if found.get(name):
            found[name] = str(Path(directory) / Path(found[name]).expanduser())
    found.setdefault("AUTOTUNE_LOCK", str(_nearest_lock(Path(directory))))
    return found


def _one_of(value: str, legal: tuple[str, ...], source: str) -> str:
    if value not in legal:
        raise SettingsError(f"{source}={value!r}: expected one of {', '.join(legal)}")
    return value


def _seconds(value: str, source: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise SettingsError(f"{source}={value!r}: expected a number of seconds, at least 0")
    return seconds


def _count(value: str, source: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS):
        raise SettingsError(f"{source}={value!r}: expected a whole number of calls, such as 1000; 0 for none")
    return int(value)


def _beside(path: str, source: str, project: str) -> Path:
    """A path as given; one in a pyproject.toml is relative to that file."""
    base = Path(project).parent if source.startswith("[") else Path(_cwd())
    return base / Path(path).expanduser()


def _nearest_lock(directory: Path) -> Path:
    """autotune.lock in a directory, or beside the nearest pyproject.toml above it."""
    here = directory / LOCK_FILE
    if here.exists():
        return here
    projects = (folder for folder in (directory, *directory.parents) if (folder / "pyproject.toml").is_file())
    return next(projects, directory) / LOCK_FILE


def _cwd() -> str:
    try:
        return os.getcwd()
    except OSError:  # the directory was deleted
        return os.sep


@lru_cache(maxsize=16)
def _project_table(directory: str) -> tuple[Mapping[str, Any], str]:
    """``[tool.autotune]`` of the nearest pyproject.toml at or above `directory`."""
    for folder in (Path(directory), *Path(directory).parents):
        file = folder / "pyproject.toml"
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if "[tool.autotune]" not in text:
            return {}, str(file)
        import tomllib

        try:
            table = tomllib.loads(text)["tool"]["autotune"]
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{file}: cannot be read as TOML: {error}") from None
        return table, str(file)
    return {}, ""


def show_log(asked: Settings) -> None:
    """`AUTOTUNE_LOG`: show autotune's log on standard error, from the level given (``info`` if it is no level)."""
    if asked.log is None:
        return
    import logging

    logger = logging.getLogger("autotune")
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.getLevelNamesMapping().get(asked.log.upper(), logging.INFO))
