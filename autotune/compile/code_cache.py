"""Compiled code on disk, protected: Numba's cache files are pickles, and a damaged one can kill the process.

One file for each function, signature and processor, in a directory whose name hashes all that the code depends on.
The directory is private; every file begins with a digest that is checked before Numba sees the rest. A file that is
damaged, foreign or unreadable means compiling again, never an error.

Knows nothing of kernels or records.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

from .. import settings
from ..private import is_private, private_directory

DIGEST_BYTES = 32


def code_root() -> Path | None:
    """Where compiled code is kept, or None if that place is not private."""
    root = settings.current().root
    return root / "code" if private_directory(root) and private_directory(root / "code") else None


def make_cache(function: FunctionType, key: str) -> Any:
    """A cache for one Numba dispatcher; `key` hashes all that its code depends on."""
    from numba.core import serialize
    from numba.core.caching import CompileResultCacheImpl, _Cache

    rebuild: Callable[..., Any] = CompileResultCacheImpl.rebuild
    reduce: Callable[..., Any] = CompileResultCacheImpl.reduce
    dumps: Callable[[Any], bytes] = serialize.dumps

    class ProtectedCache(_Cache):
        """Numba's cache interface over digest-checked files."""

        def __init__(self) -> None:
            root = code_root()
            self._directory = root / key if root is not None else None

        @property
        def cache_path(self) -> str | None:
            return str(self._directory) if self._directory else None

        def enable(self) -> None:
            pass

        def disable(self) -> None:
            self._directory = None

        def flush(self) -> None:
            for file in self._directory.glob("*.code") if self._directory else ():
                file.unlink(missing_ok=True)

        def _file(self, sig: Any, codegen: Any) -> Path | None:
            if self._directory is None:
                return None
            name = hashlib.blake2b(repr((sig, codegen.magic_tuple())).encode(), digest_size=16).hexdigest()
            return self._directory / f"{name}.code"

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            target_context.refresh()
            file = self._file(sig, target_context.codegen())
            payload = read_checked(file) if file is not None and is_private(file.parent) else None
            if payload is None:
                return None
            return rebuild(None, target_context, pickle.loads(payload))  # noqa: S301 - private, ours, digest checked

        def save_overload(self, sig: Any, data: Any) -> None:
            file = self._file(sig, data.codegen)
            cachable = not data.library.has_dynamic_globals and all(lifted.can_cache for lifted in data.lifted)
            if file is not None and cachable and private_directory(file.parent):
                write_checked(file, dumps(reduce(None, data)))

    return ProtectedCache()


def read_checked(file: Path) -> bytes | None:
    """The payload of a file whose digest is right; None for anything else."""
    try:
        info = file.lstat()
        if not stat.S_ISREG(info.st_mode) or (os.name != "nt" and info.st_uid != os.getuid()):
            return None
        content = file.read_bytes()
    except OSError:
        return None
    digest, payload = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.blake2b(payload, digest_size=DIGEST_BYTES).digest() != digest:
        return None
    return payload


def write_checked(file: Path, payload: bytes) -> None:
    """Write digest and payload so that a reader sees all of it or nothing; failing to write costs only speed."""
    import tempfile

    digest = hashlib.blake2b(payload, digest_size=DIGEST_BYTES).digest()
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".tmp", delete=False) as handle:
            temporary = handle.name
            handle.write(digest + payload)
        os.replace(temporary, file)
    except OSError:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
