"""A hash of what a function does: its code and all that it reaches inside its own package.

Taken from the code in memory, never from the file, which may have been edited since it was imported. Comments, layout
and docstrings do not count; helpers reached through globals, closures and attributes of modules do, and so do the
values of the constants used. Bytecode belongs to one minor version of Python, which is a hard field of every record.

Knows nothing of Numba or of disk.
"""

from __future__ import annotations

import functools
import opcode
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

#: Larger constant arrays count by shape and dtype only: hashing them would dominate the first call.
MAX_ARRAY_BYTES = 1 << 20
#: What is told of code objects is kept, as helpers are shared: the library's kernels reach 900 of them, 50 times each.
_of_code = functools.lru_cache(maxsize=4096)


def source_hash(function: Callable[..., Any], *extra: str) -> str:
    """Sixteen hexadecimal digits that change when `function`, or what it uses of its package, changes.

    Parameters
    ----------
    function : callable
        Python functions count with all they reach, anything else by its qualified name.
    *extra : str
        Further text that belongs to it, such as its options.
    """
    import hashlib

    digest = hashlib.blake2b(digest_size=8)
    for part in ((sys.implementation.cache_tag or "").encode(), *(text.encode() for text in extra)):
        digest.update(part + b"\0")
    for part in _parts(function, set()):
        digest.update(part + b"\0")
    return digest.hexdigest()


def same_code(first: CodeType, second: CodeType) -> bool:
    """Whether two code objects do the same, wherever they stand."""
    return list(_code_parts(first)) == list(_code_parts(second))


def underlying(value: object) -> FunctionType | None:
    """The Python function behind `value`: itself, or what a decorator or compiler wraps."""
    for _ in range(8):
        if isinstance(value, FunctionType) and not hasattr(value, "__wrapped__"):
            return value
        inner = getattr(value, "__wrapped__", None) or getattr(value, "py_func", None)
        if inner is None:
            return value if isinstance(value, FunctionType) else None
        value = inner
    return None


def reached(function: FunctionType) -> Iterator[tuple[str, object]]:
    """(name, value) of every global, closure cell and module attribute that the code of `function` names."""
    names = _names(function.__code__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:
            continue  # not filled yet
    for name in names:
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        yield name, value
        if isinstance(value, ModuleType) and _same_package(function, value):
            for attribute in names:  # a module is there or not, as others have imported it: what is read of it counts
                if attribute in vars(value) and not isinstance(vars(value)[attribute], ModuleType):
                    yield f"{name}.{attribute}", vars(value)[attribute]
    if not _is_numpys(function):
        for chain in _chains(function.__code__):
            yield from _through_modules(function, chain)


def _through_modules(function: FunctionType, chain: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """What ``package.module.helper`` leads to beyond the first attribute, through modules of the same package."""
    value = function.__globals__.get(chain[0])
    for depth, attribute in enumerate(chain[1:], 1):
        if not isinstance(value, ModuleType) or not _same_package(function, value) or attribute not in vars(value):
            return
        value = vars(value)[attribute]
        if depth > 1:
            yield ".".join(chain[: depth + 1]), value


@_of_code
def _chains(code: CodeType) -> tuple[tuple[str, ...], ...]:
    """Global names with the attributes that are read of them one after the other, where these are two or more."""
    import dis

    found = []
    chain: tuple[str, ...] = ()
    for instruction in dis.get_instructions(code):
        if chain and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD"):
            chain = (*chain, str(instruction.argval))
            continue
        if len(chain) > 2:
            found.append(chain)
        chain = (str(instruction.argval),) if instruction.opname == "LOAD_GLOBAL" else ()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found += _chains(constant)
    return tuple(found)


def _parts(value: object, seen: set[int]) -> Iterator[bytes]:
    function = underlying(value)
    if function is None:
        yield _qualified_name(value)
        return
    if id(function) in seen:
        return
    seen.add(id(function))
    helper = getattr(value, "__autotune_jitable__", None)
    options = "" if helper is None else stable_text((helper.options, helper.static))
    yield f"{function.__qualname__} {options}".encode()
    yield _code_text(function.__code__)
    for default in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()):
        yield stable_text(default).encode()
    for name, used in reached(function):
        yield name.encode()
        yield from _dependency(function, used, seen)


def _dependency(function: FunctionType, used: object, seen: set[int]) -> Iterator[bytes]:
    helper = underlying(used)
    if helper is not None:
        # a jitable becomes part of the compiled code, whoever wrote it
        if _same_package(function, helper) or hasattr(used, "__autotune_jitable__"):
            yield from _parts(used, seen)
        else:
            yield _qualified_name(used)
    elif isinstance(used, functools.partial):
        if not _is_numpys(function):
            yield stable_text((used.args, used.keywords)).encode()
            yield from _dependency(function, used.func, seen)
    elif isinstance(used, type):
        if _same_package(function, used):
            yield from _class_parts(function, used, seen)
        else:
            yield _qualified_name(used)
    elif isinstance(used, np.ndarray):
        yield f"{used.dtype} {used.shape}".encode()
        if used.nbytes <= MAX_ARRAY_BYTES and not used.dtype.hasobject:
            yield used.tobytes()
    elif isinstance(used, _PLAIN):
        yield stable_text(used).encode()
    elif callable(used):  # NumPy's functions and built-in ones
        yield _qualified_name(used)


def _qualified_name(value: object) -> bytes:
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", type(value).__qualname__)
    return f"{_module_name(value)}.{name}".encode()


def _class_parts(function: FunctionType, used: type, seen: set[int]) -> Iterator[bytes]:
    """Methods of any kind, properties, and constants by value."""
    for name, member in vars(used).items():
        if isinstance(member, FunctionType):
            yield from _parts(member, seen)
        elif not _is_numpys(function):
            inner = getattr(member, "__func__", getattr(member, "fget", member))
            if isinstance(inner, FunctionType):
                yield from _parts(inner, seen)
            elif isinstance(inner, _PLAIN) and not name.startswith("__"):
                yield f"{name}={stable_text(inner)}".encode()


def _is_numpys(function: FunctionType) -> bool:
    """Whether a function is NumPy's: what it leads to is told by the version, a field of the machine."""
    return (function.__module__ or "").partition(".")[0] == "numpy"


_PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, np.generic, np.dtype, type(None))


def stable_text(value: object) -> str:
    """A text that is equal for equal plain values in every process: no addresses, no hash order."""
    if isinstance(value, tuple | list):
        return f"({', '.join(map(stable_text, value))})"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted(map(stable_text, value)))}}}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{k}: {stable_text(v)}' for k, v in value.items()))}}}"
    if isinstance(value, _PLAIN):
        return repr(value)
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


@_of_code
def _names(code: CodeType) -> tuple[str, ...]:
    """Global and attribute names of a code object and those nested in it, in a stable order."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names.update(dict.fromkeys(_names(constant)))
    return tuple(names)


@_of_code
def _code_text(code: CodeType) -> bytes:
    return b"\0".join(_code_parts(code))


def _code_parts(code: CodeType) -> Iterator[bytes]:
    """The instructions, with constants by value, because a docstring shifts the places where they are kept."""
    yield repr((code.co_argcount, code.co_kwonlyargcount, code.co_varnames, code.co_names, code.co_freevars)).encode()
    instructions, extended = code.co_code, 0
    for place in range(0, len(instructions), 2):
        operation, argument = instructions[place], instructions[place + 1] | extended
        extended = argument << 8 if operation == opcode.EXTENDED_ARG else 0
        if operation not in _LOADS_CONSTANT:
            yield bytes((operation,)) + argument.to_bytes(4, "little")
            continue
        constant = code.co_consts[argument]
        if isinstance(constant, CodeType):
            yield from _code_parts(constant)
        else:
            yield bytes((operation,)) + stable_text(constant).encode()


_LOADS_CONSTANT = frozenset(opcode.hasconst)


def _same_package(function: FunctionType, other: object) -> bool:
    """Whether `other` is the user's own code beside `function`: same top-level package, or same directory."""
    ours, theirs = function.__module__ or "", _module_name(other)
    if ours.partition(".")[0] == theirs.partition(".")[0]:
        return True
    if theirs.partition(".")[0] in sys.stdlib_module_names:
        return False
    file = getattr(sys.modules.get(theirs), "__file__", None)
    return bool(file) and os.path.dirname(str(file)) == os.path.dirname(function.__code__.co_filename)


def _module_name(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    return getattr(value, "__module__", None) or ""
