"""Variants that gave a wrong result in use, in this process or, for the same source, in an earlier one.

They may not win any more. An edited variant is another object, which nothing is known of. Knows nothing of how that was
found out or where it is recorded.
"""

from __future__ import annotations

import weakref

from .model import Variant

#: How such a reason begins in a record: it outlives the signature and the size at which it was found.
MARK = "wrong in use: "

_reasons: weakref.WeakKeyDictionary[Variant, str] = weakref.WeakKeyDictionary()


def condemn(variant: Variant, reason: str) -> None:
    """Let a variant not win any more; the reason begins with `MARK`."""
    _reasons.setdefault(variant, reason)


def reason_against(variant: Variant) -> str | None:
    """Why a variant may not win any more, or None."""
    return _reasons.get(variant)
