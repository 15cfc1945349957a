"""Finding a kernel from another process: the module it is imported from, or the file it is written in.

Knows nothing of measuring.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from ..errors import CalibrationError
from ..kernel import registry
from ..kernel.model import Kernel


def location_of(kernel: Kernel, module: str) -> dict[str, str] | None:
    """Where another process finds `kernel`, which was declared in `module`; None for prompts and notebooks.

    A script counts only if it has a main guard: importing it must not run it. What is declared inside a function
    exists in no other process.
    """
    if "<locals>" in kernel.id:
        return None
    if module in ("__main__", "__mp_main__"):
        file = getattr(sys.modules.get(module), "__file__", None)
        if file is None or not Path(file).is_file() or not has_main_guard(Path(file)):
            return None
        return {"kernel": kernel.id, "path": str(Path(file).resolve())}
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if loaded is None or file is None:
        return None
    if getattr(loaded, "__autotune_path__", None):
        return {"kernel": kernel.id, "path": str(Path(file).resolve())}
    try:
        found = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        found = False
    return {"kernel": kernel.id, "module": module} if found else None


def has_main_guard(file: Path) -> bool:
    """Whether a script protects its work by ``if __name__ == "__main__":``, as multiprocessing needs it too."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.If) and "__name__" in ast.unparse(node.test) for node in tree.body)


def import_file(path: str) -> ModuleType:
    """Import a Python file under its stem, so that its kernels have the ids they have when it runs as a script.

    Raises
    ------
    CalibrationError
        The file does not exist, or importing it fails.
    """
    file = Path(path).resolve()
    if not file.is_file():
        raise CalibrationError(f"{path}: no such file; give a dotted module name or the path of a .py file")
    known = sys.modules.get(file.stem)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise CalibrationError(f"{path}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    module.__autotune_path__ = str(file)  # type: ignore[attr-defined]
    sys.modules[file.stem] = module
    if str(file.parent) not in sys.path:
        sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(file.stem, None)
        raise
    return module


def import_module(name: str) -> ModuleType:
    """Import what ``--module`` names: a file if it looks like one, a dotted name otherwise.

    Raises
    ------
    CalibrationError
        It cannot be imported; the message says why.
    """
    try:
        if name.endswith(".py") or "/" in name or "\\" in name:
            return import_file(name)
        return importlib.import_module(name)
    except CalibrationError:
        raise
    except Exception as error:  # the candidate boundary: a user's module
        raise CalibrationError(f"cannot import {name}: {type(error).__name__}: {error}") from error


def find(location: dict[str, str]) -> Any:
    """The tuned object at a location."""
    if "path" in location:
        module = import_file(location["path"])
        # What was pickled or declared under the script's own name is found under that name.
        sys.modules.setdefault("__mp_main__", module)
    else:
        importlib.import_module(location["module"])
    return registry.find(location["kernel"])
