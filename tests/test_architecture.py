"""The rooms and their arrows, drawn from the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "autotune"
#: Rooms, lowest first: a module imports only from rooms at or above its own in this list.
ROOMS = [
    "events", "errors", "quantity", "workspace", "value", "stub", "private", "settings", "expression", "space",
    "kernel", "compile", "machine", "measure", "search", "store", "dispatch", "tuner", "audit", "profile", "testing",
    "pytest_plugin", "cli",
]  # fmt: skip
#: The public face and the entry point, which sit above everything.
FACE = {"__init__", "__main__"}
#: What loads these may only happen inside a function.
HEAVY = {"numba", "llvmlite", "optuna", "diskcache", "cpuinfo", "click", "rich", "scipy", "msgspec", "sqlite3"}
#: Modules that are themselves loaded only when that library is needed.
MAY_LOAD = {
    "store/record.py": {"msgspec"}, "store/shipped.py": {"msgspec"}, "store/reader.py": {"sqlite3"},
    "store/writer.py": {"diskcache", "sqlite3"}, "search/tpe.py": {"optuna"}, "tuner": {"msgspec"},
    "cli": {"click", "rich", "msgspec"},
    **{f"profile/{name}.py": {"msgspec"} for name in (
        "head", "workload", "merging", "calls/part", "calls/parts", "pairs/baseline", "pairs/benchmarks",
        "tuning/calibration", "tuning/resolving", "tuning/targets",
    )},
}  # fmt: skip
MAX_LINES = 320


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imported(path: Path, *, module_level_only: bool) -> set[str]:
    """Rooms of autotune, and other top-level packages, that a module imports."""
    tree = ast.parse(path.read_text())
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    typing_only = {
        id(n) for i in ast.walk(tree) if isinstance(i, ast.If) and "TYPE_CHECKING" in ast.unparse(i.test)
        for n in ast.walk(i)
    }  # fmt: skip
    here = path.relative_to(PACKAGE).parts
    found = set()
    for node in ast.walk(tree):
        if id(node) in typing_only or (module_level_only and id(node) in inside):
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                found.add((node.module or "").partition(".")[0])
            else:
                base = here[: len(here) - node.level]
                names = [node.module] if node.module else [alias.name for alias in node.names]
                found |= {f"autotune.{(*base, *str(name).split('.'))[0]}" for name in names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_module_imports_only_from_rooms_above_its_own(path: Path):
    room = room_of(path.relative_to(PACKAGE).parts)
    if room in FACE:
        return

    for name in imported(path, module_level_only=False):
        if name.startswith("autotune."):
            other = name.removeprefix("autotune.")
            if other in FACE or other == "__version__":
                continue
            assert ROOMS.index(other) <= ROOMS.index(room), f"{path} ({room}) imports {other}"


def test_the_rooms_of_the_profile_know_nothing_of_each_other():
    rooms = [folder for folder in (PACKAGE / "profile").iterdir() if (folder / "__init__.py").is_file()]
    assert len(rooms) > 1
    for room in rooms:
        others = "|".join(other.name for other in rooms if other != room)
        for path in room.glob("*.py"):
            assert not re.search(rf"^ *from \.\.({others})\b", path.read_text(), re.M), path


def test_nothing_in_autotune_imports_the_kernels():
    for path in modules():
        assert "kernels" not in imported(path, module_level_only=False), path


def test_dispatch_never_imports_the_workshop():
    for path in (PACKAGE / "dispatch").glob("*.py"):
        used = imported(path, module_level_only=False)
        assert not used & {"autotune.measure", "autotune.search", "autotune.tuner"}, path


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_heavy_is_imported_at_module_level(path: Path):
    place = path.relative_to(PACKAGE)
    allowed = set().union(*(MAY_LOAD.get(key, set()) for key in (str(place), place.parts[0])))

    assert not (imported(path, module_level_only=True) & HEAVY) - allowed


def test_only_the_command_line_prints_or_exits():
    for path in modules():
        if path.relative_to(PACKAGE).parts[0] == "cli":
            continue
        calls = [ast.unparse(n.func) for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert "print" not in calls, path
        assert "sys.exit" not in calls, path


def test_no_bare_except_and_no_module_too_long():
    for path in [*modules(), *(ROOT / "kernels").rglob("*.py")]:
        text = path.read_text()
        bare = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ExceptHandler) and n.type is None]
        assert not bare, path
        assert text.count("\n") <= MAX_LINES, f"{path}: two concerns may have met"


def test_every_module_says_what_it_is():
    for path in [*modules(), *(ROOT / "kernels").rglob("*.py")]:
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_a_general_except_names_its_place():
    """STYLE.md, rule 6: the candidate boundary, the variant guard, the store's reader, the command line."""
    places = ("candidate boundary", "variant guard", "store's reader", "command line")
    for path in modules():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.strip().startswith("except Exception"):
                assert any(place in line for place in places), f"{path}:{number}: {line.strip()}"
