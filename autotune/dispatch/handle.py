"""What stands behind a tuned function from its declaration on: the kernel, and the dispatcher once a call needs it.

Declaring a kernel costs microseconds, because everything that a call needs is imported and made at the first one.
"""

from __future__ import annotations

import threading
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ..kernel.model import UNSET, Kernel
from ..stub import stub

if TYPE_CHECKING:
    from .dispatcher import Dispatcher

_lock = threading.Lock()


class Handle:
    """A kernel with its public function."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        #: The function's globals: private, a plain dict, only ever added to.
        self.globals: dict[str, Any] = {"__builtins__": __builtins__, "_miss": self._first}
        code = stub(kernel.name.rpartition(".")[2], kernel.parameters.values(), "_miss")
        self.function = FunctionType(code, self.globals)
        self.function.__defaults__, self.function.__kwdefaults__ = defaults(kernel)
        self._dispatcher: Dispatcher | None = None

    @property
    def dispatcher(self) -> Dispatcher:
        """The dispatcher, made when it is first needed."""
        with _lock:
            if self._dispatcher is None:
                from .dispatcher import Dispatcher

                self._dispatcher = Dispatcher(self.kernel, self.function, self.globals)
            return self._dispatcher

    def _first(self, *arguments: object) -> Any:
        """The first call."""
        return self.dispatcher.miss(*arguments)

    def declare(self, kernel: Kernel) -> None:
        """Take over a kernel with another variant."""
        self.kernel = kernel
        if self._dispatcher is not None:
            self._dispatcher.declare(kernel)


def defaults(kernel: Kernel) -> tuple[tuple[object, ...], dict[str, object]]:
    """``__defaults__`` and ``__kwdefaults__`` of the public function."""
    positional, named = [], {}
    for name, parameter in kernel.parameters.items():
        if parameter.default is parameter.empty:
            continue
        value = UNSET if kernel.foreign else parameter.default
        if parameter.kind is parameter.KEYWORD_ONLY:
            named[name] = value
        else:
            positional.append(value)
    return tuple(positional), named
