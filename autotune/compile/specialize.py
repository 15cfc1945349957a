"""A copy of a function ready for Numba: static parameters as constants, `prange` as Numba's.

Knows nothing of kernels or of disk.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Mapping
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from ..errors import CompileError
from ..kernel.source import reached, same_code
from .lazy import Jitable, prange


def bind(function: FunctionType, static: Mapping[str, object], numba: ModuleType) -> FunctionType:
    """The function that Numba is given.

    `prange` stands for Numba's; every jitable helper that it reaches is registered with Numba; the parameters named in
    `static` are gone and their values stand in the code as constants.

    Raises
    ------
    CompileError
        `static` is given and the source of the function cannot be found, or has changed since it was imported.
    """
    register_helpers(function, numba)
    if static:
        function = _with_constants(function, static)
    if not any(_stands_for_prange(value) for _, value in reached(function)):
        return function
    namespace = {name: _with_numba_prange(value, numba) for name, value in function.__globals__.items()}
    closure = tuple(CellType(_with_numba_prange(_contents(cell), numba)) for cell in function.__closure__ or ())
    return _copy(function, function.__code__, namespace, closure or None)


def _contents(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return None


def _stands_for_prange(value: object) -> bool:
    return value is prange or (isinstance(value, ModuleType) and vars(value).get("prange") is prange)


def _with_numba_prange(value: object, numba: ModuleType) -> object:
    """Numba's prange for ours; for a module that holds ours, one of Numba's name, by which Numba knows it."""
    if value is prange:
        return numba.prange
    if not _stands_for_prange(value):
        return value
    module = ModuleType(numba.__name__)
    vars(module).update(vars(value), prange=numba.prange, __name__=numba.__name__)
    return module


def _copy(
    function: FunctionType, code: CodeType, namespace: dict[str, Any], closure: tuple[CellType, ...] | None
) -> FunctionType:
    copy = FunctionType(code, namespace, function.__name__, function.__defaults__, closure)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    return copy


_registered: dict[int, Jitable] = {}


def register_helpers(function: FunctionType, numba: ModuleType) -> None:
    """Make every jitable helper that `function` reaches known to Numba, helpers of helpers too."""
    import numba.extending

    for _, value in reached(function):
        helper = getattr(value, "__autotune_jitable__", None)
        if not isinstance(helper, Jitable) or id(helper) in _registered:
            continue
        _registered[id(helper)] = helper
        implementation = bind(helper.function, {}, numba)
        options = {name: option for name, option in helper.options.items() if name != "cache"}

        def choose(*args: object, _implementation: FunctionType = implementation, **kwargs: object) -> FunctionType:
            return _implementation

        numba.extending.overload(helper.public, jit_options=options, strict=False)(choose)


class _Substitute(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in self.values:
            return node
        if not isinstance(node.ctx, ast.Load):
            raise CompileError(f"line {node.lineno}: assigns to the static parameter {node.id!r}; use another name")
        return ast.copy_location(ast.Constant(self.values[node.id]), node)  # type: ignore[arg-type]


def _with_constants(function: FunctionType, static: Mapping[str, object]) -> FunctionType:
    """The function compiled anew from its source, with `static` parameters replaced by their values."""
    where = f"{function.__qualname__} ({function.__code__.co_filename}:{function.__code__.co_firstlineno})"
    try:
        lines, first = inspect.getsourcelines(function)
        module = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError) as error:
        raise CompileError(
            f"{where}: a Static parameter needs the function's source, which cannot be read ({error}); define the "
            "function in a file or a notebook cell"
        ) from None
    definition = module.body[0]
    if not isinstance(definition, ast.FunctionDef):
        raise CompileError(f"{where}: a Static parameter needs a function made with def")
    definition.decorator_list = []
    ast.increment_lineno(module, first - 1)
    if not _is_unchanged(function):
        raise CompileError(f"{where}: the file has changed since it was imported; start again")
    arguments = definition.args
    defaults = dict(zip(reversed(arguments.args), reversed(arguments.defaults), strict=False))
    arguments.args = [argument for argument in arguments.args if argument.arg not in static]
    arguments.defaults = [defaults[argument] for argument in arguments.args if argument in defaults]
    kept = [(a, d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if a.arg not in static]
    arguments.kwonlyargs, arguments.kw_defaults = [a for a, _ in kept], [d for _, d in kept]
    definition.body = [_Substitute(static).visit(statement) for statement in definition.body]
    code = _compiled(ast.fix_missing_locations(definition), function)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    copy = _copy(function, code, function.__globals__, tuple(cells[name] for name in code.co_freevars) or None)
    parameters = inspect.signature(function).parameters.values()
    copy.__defaults__ = (
        tuple(
            p.default
            for p in parameters
            if p.name not in static and p.default is not p.empty and p.kind is not p.KEYWORD_ONLY
        )
        or None
    )
    return copy


def _is_unchanged(function: FunctionType) -> bool:
    """Whether the file still says what is in memory: compiled as a whole, because imports change the code of calls."""
    code = function.__code__
    try:
        pending = [compile("".join(linecache.getlines(code.co_filename)), code.co_filename, "exec", dont_inherit=True)]
    except SyntaxError:
        return False
    while pending:
        found = pending.pop()
        if found.co_name == code.co_name and found.co_firstlineno == code.co_firstlineno:
            return same_code(found, code)
        pending += [constant for constant in found.co_consts if isinstance(constant, CodeType)]
    return False


def _compiled(definition: ast.FunctionDef, function: FunctionType) -> CodeType:
    """The code of one function definition, with the free variables of `function` free in it too."""
    free = function.__code__.co_freevars
    body: list[ast.stmt] = [definition]
    if free:
        outer = ast.parse(f"def _outer({', '.join(free)}):\n    pass").body[0]
        assert isinstance(outer, ast.FunctionDef)
        outer.body = [definition]
        body = [outer]
    module = ast.fix_missing_locations(ast.Module(body=body, type_ignores=[]))
    compiled = compile(module, function.__code__.co_filename, "exec", dont_inherit=True)
    for _ in range(2 if free else 1):
        compiled = next(c for c in compiled.co_consts if isinstance(c, CodeType))
    return compiled
