"""HTML and SVG that is escaped by construction: plain text becomes markup in one place only.

A child or an attribute that is a plain string is escaped, whatever it holds; only what `tag` made is taken as it is.
Characters that no document may hold, and those that turn the direction of writing (Trojan Source, CVE-2021-42574), are
shown as a replacement character. Knows nothing of what is shown.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable

#: Elements without an end tag.
_VOID = {"meta", "br", "hr", "col", "link"}
#: Control characters but tab and new line, lone surrogates, non-characters, and marks that turn the direction.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(content: str) -> Html:
    """Plain text as markup."""
    return Html(html.escape(_FORBIDDEN.sub("\ufffd", content)))


def raw(content: str) -> Html:
    """Markup of our own: the style sheet. Never for what came from a file."""
    return Html(content)


def joined(children: Iterable[str | Iterable[str] | None]) -> Html:
    """One piece of markup from several."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str):
            parts.append(text(child))
        else:
            parts.append(joined(child))
    return Html("".join(parts))


def tag(element: str, /, *children: str | Iterable[str] | None, **attributes: str | float | bool | None) -> Html:
    """An element.

    Parameters
    ----------
    element : str
        Its name.
    children : str, Html, iterables of them or None
        What is inside; plain strings are escaped.
    attributes : str, number, bool or None
        ``class_`` gives ``class``, ``stroke_width`` gives ``stroke-width``; numbers get at most one decimal; False
        and None leave the attribute out.
    """
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{_value(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if element in _VOID:
        return Html(f"<{element}{written}>")
    return Html(f"<{element}{written}>{joined(children)}</{element}>")


def number(value: float) -> str:
    """A coordinate: at most one decimal, no trailing zeros; 0 for what is not finite."""
    if not math.isfinite(value):
        return "0"
    return f"{value:.1f}".removesuffix(".0")


def _value(value: str | float) -> str:
    if isinstance(value, str):
        return value if isinstance(value, Html) else text(value)
    return number(value)
