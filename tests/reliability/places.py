"""A store and an environment of one's own, for what runs without pytest's fixtures."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import FOREIGN, ROOT


def clean(environ: dict[str, str], root: Path) -> dict[str, str]:
    """An environment without the machine's settings, with a store at `root`, in which this checkout is imported."""
    kept = {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    return {**kept, "AUTOTUNE_DB": str(root), "AUTOTUNE_SHIPPED": "0", "PYTHONPATH": path}


@contextmanager
def own_store() -> Iterator[Path]:
    """A directory that is gone afterwards, with a store in ``store`` that this process and its children use."""
    before = dict(os.environ)
    folder = Path(tempfile.mkdtemp(prefix="reliability-"))
    try:
        made = clean(before, folder / "store")
        os.environ.clear()
        os.environ.update(made)
        yield folder
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(folder, ignore_errors=True)
