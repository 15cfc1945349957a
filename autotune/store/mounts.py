"""Which file system a directory lies on. Knows nothing of what is kept there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

#: File systems of other machines, as mount tables name them: a database cannot be shared safely on any.
NETWORK = (
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "webdav", "lustre", "gpfs", "mmfs", "afs",
    "auristorfs", "9p", "ceph", "beegfs", "glusterfs", "panfs", "wekafs", "orangefs", "pvfs2", "fuse.sshfs",
    "fuse.glusterfs", "fuse.ceph", "fuse.beegfs", "fuse.davfs2", "fuse.rclone", "fuse.s3fs",
)  # fmt: skip


def network_file_system(directory: Path, mounts: Iterable[tuple[str, str]] | None = None) -> str | None:
    """The kind of network file system that `directory` lies on, where the system tells.

    Parameters
    ----------
    mounts : iterable of (str, str), optional
        Where something is mounted, and of which kind; by default as this system says.
    """
    try:
        path = directory.resolve()
        best, kind = "", ""
        for point, found in _mounts() if mounts is None else mounts:
            if len(point) >= len(best) and path.is_relative_to(point):
                best, kind = point, found
    except OSError:
        return None
    return kind if kind in NETWORK else None


def _mounts() -> list[tuple[str, str]]:
    if sys.platform != "linux":
        import psutil

        return [(part.mountpoint, part.fstype.lower()) for part in psutil.disk_partitions(all=True)]
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    fields = [line.split(" ") for line in lines]
    return [(_unescaped(entry[1]), entry[2]) for entry in fields if len(entry) > 2]


def _unescaped(text: str) -> str:
    """A path as mount tables write it: blanks and backslashes as three octal digits (fstab(5))."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found.group(1), 8)), text)
