"""The lock file: decisions as a small text to review and commit, all that ``AUTOTUNE_MODE=locked`` obeys.

TOML, one block for each kernel and signature, sorted; every leaf of a decision is one line with its conditions, so that
a diff shows which sizes changed their winner. The bytes depend on the decisions alone: no times, no machine.

    [[decision]]
    kernel = "kernels.order_statistics:median"
    arguments = "float64 1-d C"
    signature = '[["a","array","float64",1,"C"]]'
    size = { n = "a.size" }
    numerics = "reassociated"
    sources = { narrowing = "77be01d2…", ranks = "1f00ab34…", reference = "9a0c…" }
    serves = [
      { where = ["n < 146"], use = "ranks" },
      { where = ["n >= 146"], use = "narrowing", params = { samples = 32 } },
    ]

Reading trusts nothing: what does not fit is an error that says where. Knows nothing of kernels; whoever obeys a
decision holds its names and source hashes against what is declared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import LockError
from ..kernel.signature import describe_key
from ..value import Value
from .record import Boxing, Decision, Gap, Leaf, Pick, Split

#: Number of the file's schema.
SCHEMA = 1
#: A library of 200 kernels with ten signatures comes to half of this.
MAX_BYTES = 2 << 20
REFERENCE = "reference"
HEADER = """\
# What autotune uses with AUTOTUNE_MODE=locked: these decisions, and the reference everywhere else.
# Written by `autotune freeze`. Review and commit it; a source that changes since is served by the reference.
"""

_CONDITION = re.compile(r"([^\W\d]\w*(?:\*[^\W\d]\w*)*) (<|>=) (\d{1,18})")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_Row = tuple[tuple[tuple[str, str, int], ...], Leaf]


class Frozen(Value):
    """The decision for one kernel and signature."""

    kernel: str
    #: `Signature.key`.
    signature: str
    #: How sizes are computed, for the reader; the reference's source hash covers it.
    sizes: Mapping[str, str]
    numerics: str
    #: Source hash of the reference and of every variant that serves.
    sources: Mapping[str, str]
    decision: Decision


class Lock(Value):
    """What a lock file says."""

    path: Path
    #: Bytecode that the source hashes were taken of, such as ``cpython-311``.
    python: str
    decisions: Mapping[tuple[str, str], Frozen]

    def of_kernel(self, kernel: str) -> set[str]:
        """Keys of the signatures that it decides for a kernel."""
        return {signature for name, signature in self.decisions if name == kernel}


# -- writing


def write(decisions: Iterable[Frozen], python: str) -> str:
    """The text of a lock file; equal decisions give equal bytes."""
    ordered = sorted(decisions, key=lambda frozen: (frozen.kernel, frozen.signature))
    blocks = [f"{HEADER}schema = {SCHEMA}\npython = {_string(python)}\n", *map(_block, ordered)]
    return "\n".join(blocks)


def _block(frozen: Frozen) -> str:
    rows = "".join(f"  {_row(where, leaf)},\n" for where, leaf in _rows(frozen.decision, ()))
    return (
        "[[decision]]\n"
        f"kernel = {_string(frozen.kernel)}\n"
        f"arguments = {_string(describe_key(frozen.signature))}\n"
        f"signature = {_string(frozen.signature)}\n"
        f"size = {_table(frozen.sizes)}\n"
        f"numerics = {_string(frozen.numerics)}\n"
        f"sources = {_table(dict(sorted(frozen.sources.items())))}\n"
        f"serves = [\n{rows}]\n"
    )


def _rows(decision: Decision, above: tuple[tuple[str, str, int], ...]) -> Iterator[_Row]:
    if isinstance(decision, Split):
        yield from _rows(decision.below, (*above, (decision.feature, "<", decision.at)))
        yield from _rows(decision.above, (*above, (decision.feature, ">=", decision.at)))
    else:
        yield above, decision if isinstance(decision, Leaf) else Leaf(Pick(REFERENCE))


def _row(where: Sequence[tuple[str, str, int]], leaf: Leaf) -> str:
    row: dict[str, Any] = {"where": [" ".join(map(str, part)) for part in where]} if where else {}
    row |= _pick(leaf.winner)
    if leaf.single is not None:
        row["single"] = _pick(leaf.single)
    return _table(row)


def _pick(pick: Pick) -> dict[str, Any]:
    row: dict[str, Any] = {"use": pick.variant}
    if pick.params:
        row["params"] = pick.params
    if pick.boxing is not None:
        row["result"] = pick.boxing if isinstance(pick.boxing, str) else [name or "" for name in pick.boxing]
    if pick.finite:
        row["finite"] = pick.finite
    return row


def _table(values: Mapping[str, Any]) -> str:
    inside = ", ".join(
        f"{name if _BARE.fullmatch(name) else _string(name)} = {_value(value)}" for name, value in values.items()
    )
    return f"{{ {inside} }}" if inside else "{}"


def _value(value: Any) -> str:
    """A value as TOML, which has no word for None: an empty list stands for it."""
    if value is None:
        return "[]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Mapping):
        return _table(value)
    return _string(value) if isinstance(value, str) else f"[{', '.join(map(_value, value))}]"


def _string(text: str) -> str:
    """Literal where that is easier to read."""
    if '"' in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


# -- reading


def read(path: Path) -> Lock:
    """What a lock file says; an empty one decides nothing.

    Raises
    ------
    LockError
        It is missing, cannot be read, is damaged, or is of a later version; the message says how to make it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LockError(
            f"AUTOTUNE_MODE=locked obeys {path}, which cannot be read ({error.strerror}). Write it: autotune "
            f"freeze -o {path}; or name another with AUTOTUNE_LOCK; an empty file pins every kernel to its reference"
        ) from None
    return parse(content, path)


def parse(content: bytes, path: Path) -> Lock:
    """What the bytes of a lock file say.

    Raises
    ------
    LockError
        As `read`.
    """
    import tomllib

    try:
        if len(content) > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES >> 20} MiB")
        data = tomllib.loads(content.decode("utf-8"))
        if not data:
            return Lock(path, "", {})
        if data.get("schema") != SCHEMA:
            raise ValueError(f"it has schema {data.get('schema')!r:.20}, this version reads {SCHEMA}")
        decisions: dict[tuple[str, str], Frozen] = {}
        for number, block in enumerate(_of(data, "decision", list, ()), 1):
            frozen = _frozen(block, f"decision {number}")
            if (frozen.kernel, frozen.signature) in decisions:
                raise ValueError(f"decision {number}: decides {frozen.kernel} {frozen.signature} a second time")
            decisions[frozen.kernel, frozen.signature] = frozen
        return Lock(path, _of(data, "python", str), decisions)
    except (ValueError, RecursionError) as error:
        raise LockError(
            f"{path}: is no lock file that can be obeyed: {str(error) or 'nested too deeply'}. Restore it, or write it "
            f"anew: autotune freeze -o {path}"
        ) from None


def _of(table: Any, name: str, kind: type, default: Any = None) -> Any:
    """An entry of a table, of exactly this type."""
    if type(table) is not dict:
        raise ValueError(f"{table!r:.40}: expected a table")
    value = table.get(name, default)
    if type(value) is not kind and value is not default:
        raise ValueError(f"{name} = {value!r:.40}: expected a {kind.__name__}")
    if value is None:
        raise ValueError(f"{name} is missing")
    return value


def _texts(table: Any, name: str) -> dict[str, str]:
    found: dict[str, str] = _of(table, name, dict)
    if not all(type(value) is str for value in found.values()):
        raise ValueError(f"{name} = {found!r:.40}: expected texts")
    return found


def _frozen(block: Any, where: str) -> Frozen:
    try:
        rows = [_read_row(row) for row in _of(block, "serves", list)]
        return Frozen(
            _of(block, "kernel", str), _of(block, "signature", str), _texts(block, "size"), _of(block, "numerics", str),
            _texts(block, "sources"), _tree(rows),
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _read_row(row: Any) -> _Row:
    where = []
    for text in _of(row, "where", list, ()):
        found = _CONDITION.fullmatch(text) if type(text) is str else None
        if found is None:
            raise ValueError(f'{text!r:.40}: expected a condition such as "n < 1000"')
        where.append((found[1], found[2], int(found[3])))
    single = row.get("single")
    return tuple(where), Leaf(_read_pick(row), None if single is None else _read_pick(single))


def _read_pick(row: Any) -> Pick:
    params = {name: None if value == [] else value for name, value in _of(row, "params", dict, {}).items()}
    if not all(value is None or type(value) in (bool, int, float, str) for value in params.values()):
        raise ValueError(f"params = {params!r:.40}: expected numbers, texts, true or false")
    given = row.get("result")
    names = given if type(given) is list else [given or ""]
    if not all(type(name) is str for name in names):
        raise ValueError(f"result = {given!r:.40}: expected the name of a type, or a list of names")
    boxing: Boxing = [name or None for name in names] if type(given) is list else given
    return Pick(_of(row, "use", str), params, boxing, _of(row, "finite", str, ""))


def _tree(rows: Sequence[_Row]) -> Decision:
    """The tree whose leaves are these rows, in order."""
    if not rows:
        return Gap()
    where, leaf = rows[0]
    if not where:
        if len(rows) > 1:
            raise ValueError(f"serves: {leaf.winner} is for all sizes, and others follow")
        return leaf
    feature, _, at = where[0]
    parts: dict[str, list[_Row]] = {"<": [], ">=": []}
    for conditions, served in rows:
        if not conditions or conditions[0][0] != feature or conditions[0][2] != at:
            raise ValueError(f"serves: {served.winner} does not stand on one side of {feature} = {at}")
        if conditions[0][1] == "<" and parts[">="]:
            raise ValueError(f"serves: {served.winner} for {feature} < {at} stands after what is above")
        parts[conditions[0][1]].append((conditions[1:], served))
    return Split(feature, at, _tree(parts["<"]), _tree(parts[">="]))
