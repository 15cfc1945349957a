"""What a test module sees of NumPy, SciPy and scikit-learn: the modules themselves, with kernels in their places.

Only what the test module names is another object: ``np.sum`` in its text is the kernel, however it was imported. The
modules stay as they are, so that NumPy's own code, its assertions, and the kernels themselves go on calling the
originals. Knows nothing of which kernels there are.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGES = ("numpy", "scipy", "sklearn")


class Sight:
    """How values look where the kernels stand in."""

    def __init__(self, pairs: Iterable[tuple[object, object]]) -> None:
        """Of every pair the first is seen as the second."""
        self._stand_ins = {id(original): (original, instead) for original, instead in pairs}
        self._back = {id(instead): original for original, instead in self._stand_ins.values()}
        self._modules: dict[str, SeenModule] = {}

    def of(self, value: Any) -> Any:
        if id(value) in self._stand_ins:
            return self._stand_ins[id(value)][1]
        if isinstance(value, ModuleType) and value.__name__.partition(".")[0] in PACKAGES:
            return self._module(value)
        return value

    def behind(self, value: Any) -> Any:
        """The value that is seen as this one."""
        return value.__seen__ if type(value) is SeenModule else self._back.get(id(value), value)

    def class_(self, *given: Any, **others: Any) -> type:
        """`__build_class__` as a test module sees it.

        What stands in for a ufunc is a function, which as an attribute of a class would become a method.
        """
        made: type = builtins.__build_class__(*given, **others)
        for name, value in list(vars(made).items()):
            if value is not self.behind(value) and not hasattr(self.behind(value), "__get__"):
                setattr(made, name, staticmethod(value))
        return made

    def _module(self, module: ModuleType) -> SeenModule:
        if type(module) is SeenModule:
            return module
        if module.__name__ not in self._modules:
            self._modules[module.__name__] = SeenModule(module, self)
        return self._modules[module.__name__]

    def import_(self, name: str, *more: Any, **others: Any) -> Any:
        """`__import__` as a test module sees it."""
        return self.of(builtins.__import__(name, *more, **others))


class SeenModule(ModuleType):
    """A module, seen: every attribute is looked up in the module, and then looks as the sight says."""

    def __init__(self, module: ModuleType, sight: Sight) -> None:
        object.__setattr__(self, "__seen__", module)
        object.__setattr__(self, "__sight__", sight)

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__(self, "__dict__")
        if name == "__seen__":
            return own["__seen__"]
        return own["__sight__"].of(getattr(own["__seen__"], name))

    def __setattr__(self, name: str, value: object) -> None:
        sight = object.__getattribute__(self, "__dict__")["__sight__"]
        setattr(self.__seen__, name, sight.behind(value))

    def __delattr__(self, name: str) -> None:
        delattr(self.__seen__, name)

    def __dir__(self) -> list[str]:
        return dir(self.__seen__)

    def __repr__(self) -> str:
        return repr(self.__seen__)

    def __reduce__(self) -> Any:
        return __import__, (self.__seen__.__name__,)


def with_instances(original: type, more: Iterable[object]) -> type:
    """What looks like a class, and takes some more objects for its instances."""
    taken_for = {id(value) for value in more}

    class Alike(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, original) or id(value) in taken_for

        def __getattr__(cls, name: str) -> Any:
            return getattr(original, name)

    return Alike(original.__name__, (), {"__doc__": original.__doc__})


class _SeeingLoader(Loader):
    """Loads a module whose imports are seen through a sight."""

    def __init__(self, loader: Loader, sight: Sight) -> None:
        self._loader, self._sight = loader, sight

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        # A module that has `__builtins__` keeps them, and so do its functions: these are what the text of the module
        # means by `import` and `class`.
        seen = {"__import__": self._sight.import_, "__build_class__": self._sight.class_}
        module.__dict__["__builtins__"] = {**vars(builtins), **seen}
        self._loader.exec_module(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class SeeingFinder(MetaPathFinder):
    """Finds the chosen modules as the other finders do, and loads them with sight."""

    def __init__(self, sight: Sight, chosen: Callable[[Path], bool]) -> None:
        self._sight, self._chosen = sight, chosen

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.rpartition(".")[2].startswith("test_"):
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is None:
                continue
            if spec.loader is not None and spec.origin is not None and self._chosen(Path(spec.origin)):
                spec.loader = _SeeingLoader(spec.loader, self._sight)
            return spec
        return None
