"""What stands behind a tuned function from its declaration on: the kernel, and the dispatcher once a call needs it.

Declaring a kernel costs microseconds, because everything that a call needs is imported and made at the first one.
"""

from __future__ import annotations

import sys
import threading
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from ..kernel.model import Kernel
from ..stub import stub
from .face import Face

if TYPE_CHECKING:
    from .dispatcher import Dispatcher

_lock = threading.Lock()


class Handle:
    """A kernel with its public function."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.face = Face(kernel)
        #: The function's globals: private, a plain dict, only ever added to.
        self.globals: dict[str, Any] = {"__builtins__": __builtins__, "_first": self._first}
        self.function = FunctionType(self._stub(), self.globals)
        self._dispatcher: Dispatcher | None = None

    def _stub(self) -> CodeType:
        return stub(self.kernel.name.rpartition(".")[2], self.face.parameters, "_first")

    @property
    def called(self) -> bool:
        """Whether it has been called, or asked about."""
        return self._dispatcher is not None

    @property
    def dispatcher(self) -> Dispatcher:
        """The dispatcher, made when it is first needed."""
        with _lock:
            if self._dispatcher is None:
                from .dispatcher import Dispatcher

                self._dispatcher = Dispatcher(self.kernel, self.function, self.globals)
            return self._dispatcher

    def _first(self, *arguments: object) -> Any:
        """The first call: from now on the function has code of its own."""
        if self._dispatcher is None and sys.is_finalizing():  # nothing can be imported any more
            return self.face.call_reference(arguments)
        return self.face.call(self.dispatcher.function, arguments)

    def forget(self) -> None:
        """Forget what was learnt since the first call, if there was one."""
        if self._dispatcher is not None:
            self._dispatcher.clear()

    def declare(self, kernel: Kernel) -> None:
        """Take over a kernel with another variant."""
        self.kernel = kernel
        self.face = Face(kernel)
        if self._dispatcher is not None:
            self._dispatcher.declare(kernel)
            return
        self.function.__defaults__, self.function.__kwdefaults__ = self.face.defaults
        self.function.__code__ = self._stub()
