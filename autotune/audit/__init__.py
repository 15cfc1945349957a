"""An independent look at recorded decisions."""

from .auditor import Auditor, Finding, auditors

__all__ = ["Auditor", "Finding", "auditors"]
