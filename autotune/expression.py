"""A small, checked expression language for sizes, conditions and constraints.

`"x.shape[0]"`, `"n & (n - 1) == 0"`, `"rows * cols <= 4096"`: Python expressions over given names, without calls
except a few pure functions, checked when they are declared and rendered straight into generated code.

Knows nothing of kernels, arrays or spaces.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from types import CodeType
from typing import Any

from .errors import ExpressionError

#: Pure functions an expression may call.
FUNCTIONS = {"len": len, "min": min, "max": max, "abs": abs, "int": int, "bool": bool, "round": round}

_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Constant, ast.Name, ast.Attribute,
    ast.Subscript, ast.Call, ast.Tuple, ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop,
)  # fmt: skip


class Expression:
    """One checked expression.

    Parameters
    ----------
    text : str
        The expression.
    names : iterable of str
        Names it may use.
    where : str
        What it belongs to, for messages: ``"kernel rms: size n"``.

    Raises
    ------
    ExpressionError
        Syntax error, unknown name, or a construct that is not allowed.
    """

    def __init__(self, text: str, *, names: Iterable[str], where: str) -> None:
        self.text = text
        self.where = where
        if not isinstance(text, str):
            raise ExpressionError(f"{where}: expected an expression string, found {text!r} ({type(text).__name__})")
        self._parts = _analyse(text.strip())
        if self._parts.problem is not None:
            raise ExpressionError(f"{where}: {text!r} {self._parts.problem}")
        unknown = sorted(self.names - set(names))
        if unknown:
            raise ExpressionError(
                f"{where}: {text!r} uses the unknown name {unknown[0]!r}; known here: {', '.join(sorted(names))}"
            )

    @property
    def names(self) -> frozenset[str]:
        """Names the expression uses, pure functions left out."""
        return self._parts.names

    def attributes_of(self, name: str) -> frozenset[str]:
        """Attributes read directly from `name`, with ``"len"`` for ``len(name)``."""
        return self._parts.attributes.get(name, frozenset())

    @property
    def may_be_none(self) -> bool:
        """Whether the literal None occurs as a possible value (not only in a comparison)."""
        return self._parts.may_be_none

    @cached_property
    def _code(self) -> CodeType:
        return compile(self.text.strip(), f"<{self.where}>", "eval")

    def evaluate(self, values: Mapping[str, object]) -> object:
        """The value of the expression; whatever it raises is passed on."""
        return eval(self._code, {"__builtins__": {}, **FUNCTIONS}, dict(values))  # noqa: S307 - checked above

    def specialize(self, constants: Mapping[str, object]) -> ast.expr:
        """The expression with names replaced by constants, and what that decides folded away."""
        return _Folder(constants).visit(ast.parse(self.text.strip(), mode="eval").body)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


class _Parts:
    """What an expression consists of; shared by all expressions of the same text."""

    def __init__(self) -> None:
        self.problem: str | None = None
        self.names: frozenset[str] = frozenset()
        self.attributes: dict[str, frozenset[str]] = {}
        self.may_be_none = False


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """As `ast.walk`, in half the time."""
    pending: list[Any] = [tree]
    while pending:
        node = pending.pop()
        yield node
        for field in node._fields:
            child = getattr(node, field)
            if isinstance(child, ast.AST):
                pending.append(child)
            elif isinstance(child, list):
                pending.extend(child)


@lru_cache(maxsize=1024)
def _analyse(text: str) -> _Parts:
    """Look at an expression once; a library repeats the same few conditions for many variants."""
    parts = _Parts()
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        column = (error.offset or 1) - 1
        parts.problem = (
            f"is not a Python expression: {error.msg} (column {column + 1})\n    {text}\n    {' ' * column}^"
        )
        return parts
    called: set[int] = set()
    compared: set[int] = set()
    nones: list[ast.Constant] = []
    names: list[ast.Name] = []
    attributes: dict[str, set[str]] = {}
    for node in _nodes(tree):
        if isinstance(node, ast.Name):
            names.append(node)
        elif isinstance(node, ast.Attribute):
            if node.attr.startswith("_"):
                parts.problem = f"reads the private attribute {node.attr!r}"
            if isinstance(node.value, ast.Name):
                attributes.setdefault(node.value.id, set()).add(node.attr)
        elif isinstance(node, ast.Call):
            called.add(id(node.func))
            if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords:
                parts.problem = (
                    f"calls {ast.unparse(node.func)!r}; only {', '.join(FUNCTIONS)} may be called; "
                    "pass a callable instead"
                )
            elif node.func.id == "len" and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
                attributes.setdefault(node.args[0].id, set()).add("len")
        elif isinstance(node, ast.Compare):
            compared.update(map(id, (node.left, *node.comparators)))
        elif isinstance(node, ast.Constant):
            if node.value is None:
                nones.append(node)
        elif not isinstance(node, _ALLOWED):
            parts.problem = f"uses {type(node).__name__}, which an expression may not; pass a callable instead"
        if parts.problem is not None:
            return parts
    parts.names = frozenset(node.id for node in names if id(node) not in called)
    parts.attributes = {name: frozenset(found) for name, found in attributes.items()}
    parts.may_be_none = any(id(node) not in compared for node in nones)
    return parts


_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class _Folder(ast.NodeTransformer):
    """Replaces names by constants and folds comparisons and conditionals that are then decided."""

    def __init__(self, constants: Mapping[str, object]) -> None:
        self.constants = constants

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in self.constants:
            return ast.copy_location(ast.Constant(self.constants[node.id]), node)  # type: ignore[arg-type]
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        node.args = [self.visit(argument) for argument in node.args]  # the function's own name stays
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        compare = _COMPARISONS.get(type(node.ops[0]))
        left, right = node.left, node.comparators[0]
        if len(node.ops) > 1 or compare is None or not isinstance(left, ast.Constant):
            return node
        if not isinstance(right, ast.Constant):
            return node
        try:
            return ast.copy_location(ast.Constant(compare(left.value, right.value)), node)
        except TypeError:  # such as None < 3: left for the evaluation to raise where it belongs
            return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node
