"""What is tuned: kernels, their variants, and candidates.

Frozen values. Registering a variant makes a new `Kernel`. Knows nothing of disk, timing or compilation.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

from ..errors import DeclarationError
from ..expression import Expression
from ..space import Choice, Config, Range, Space
from ..value import Value
from .sizes import Size

KINDS = ("scalar", "vectorized", "parallel", "blocked", "library")
#: From the strictest to the loosest; a policy names the loosest class that may win.
NUMERICS = ("bitwise", "reassociated", "approximate")
REFERENCE = "reference"


class _Unset:
    """Stands for an optional argument that a call of an existing callable did not give."""

    def __repr__(self) -> str:
        return "<not given>"

    def __reduce__(self) -> str:
        return "UNSET"


UNSET = _Unset()


class Candidate(Value):
    """A variant with a setting of its parameters; the reference has no parameters."""

    variant: str
    config: Config = ()

    def __str__(self) -> str:
        settings = ", ".join(f"{name}={value}" for name, value in self.config)
        return f"{self.variant}({settings})" if settings else self.variant


REFERENCE_CANDIDATE = Candidate(REFERENCE)


class Variant(Value, by_identity=True):
    """Another implementation of a kernel."""

    name: str
    kind: str
    function: Callable[..., Any]
    jit: Mapping[str, Any] | None
    space: Space
    when: Expression | Callable[..., Any] | None
    requires: tuple[str | Callable[[], Any], ...]
    numerics: str
    threads: bool
    #: All that the function takes, in its own order.
    parameters: Mapping[str, inspect.Parameter]

    @property
    def compiled(self) -> bool:
        """Whether the runtime itself compiles the function."""
        return self.jit is not None

    @cached_property
    def taken_names(self) -> frozenset[str]:
        """The reference's parameters that it takes; a call must leave those it does not take at their default."""
        return frozenset(self.parameters) - frozenset(self.space.parameters)

    @property
    def summary(self) -> str:
        """First line of the docstring: why the variant might win and what it costs."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


class Kernel(Value, by_identity=True):
    """A named operation that can be tuned."""

    id: str
    name: str
    reference: Callable[..., Any]
    parameters: Mapping[str, inspect.Parameter]
    size: Size
    inputs: Callable[..., Any] | None
    #: What to calibrate: for each kind of call, what its keywords of `inputs` range over.
    calibrate: tuple[Mapping[str, Range | Choice], ...]
    static: frozenset[str]
    tolerance: tuple[float, str] | None
    #: Whether errors are in proportion to the largest element of a result rather than to each.
    normwise: bool
    mutates: frozenset[str]
    elementwise: bool
    numerics: str | None
    #: Whether the reference is an existing callable (a ufunc, a dispatcher) that gets exactly the arguments received.
    foreign: bool
    variants: Mapping[str, Variant] = MappingProxyType({})
    #: One call in so many is compared with the reference where the user has set nothing; 0 for none.
    verify: int = 0

    @cached_property
    def signature(self) -> inspect.Signature:
        return inspect.Signature(list(self.parameters.values()))

    @cached_property
    def array_parameters(self) -> frozenset[str]:
        """Parameters that `size` reads as arrays; a call with anything but exact arrays there is not covered."""
        return frozenset(name for name in self.parameters if self.size.reads_as_array(name))

    @cached_property
    def coverable(self) -> frozenset[str]:
        """Parameters that some variant takes; any other must be at its default for a call to be covered."""
        return frozenset(name for variant in self.variants.values() for name in variant.taken_names)

    @cached_property
    def elidable(self) -> frozenset[str]:
        """Parameters that some variant leaves out, so that a call at the default is a signature of its own."""
        return frozenset(
            name
            for name, parameter in self.parameters.items()
            if parameter.default is not inspect.Parameter.empty
            and any(name not in variant.taken_names for variant in self.variants.values())
        )

    def with_variant(self, variant: Variant) -> Kernel:
        if variant.name in self.variants:
            raise DeclarationError(
                f"kernel {self.id}: a variant named {variant.name!r} is already declared "
                f"({where_defined(self.variants[variant.name].function)}); give this one another name="
            )
        return self.replace(variants={**self.variants, variant.name: variant})

    def is_default(self, name: str, value: object) -> bool:
        """Whether `value` is the default of parameter `name`, or was not given at all."""
        if value is UNSET:
            return True
        default = self.parameters[name].default
        if value is default:
            return True
        return isinstance(default, bool | int | float | str) and type(value) is type(default) and value == default

    def defaults(self, name: str) -> object:
        """The default that generated code gives parameter `name`."""
        return UNSET if self.foreign else self.parameters[name].default

    def bind(self, *args: object, **kwargs: object) -> dict[str, object]:
        """Arguments by parameter name, absent ones at their generated default; TypeError as the reference's."""
        bound = self.signature.bind(*args, **kwargs).arguments
        values: dict[str, object] = {}
        for name, parameter in self.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                values[name] = bound.get(name, ())
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                values[name] = bound.get(name, {})
            else:
                values[name] = bound[name] if name in bound else self.defaults(name)
        return values

    def size_of(self, values: Mapping[str, object]) -> dict[str, int] | None:
        """The size of a call; None where it has none. Raises what the declaration raises."""
        return self.size.evaluate(self.with_defaults(values))

    def with_defaults(self, values: Mapping[str, object]) -> dict[str, object]:
        """Arguments with those that were not given at the reference's own default."""
        return {name: self.parameters[name].default if value is UNSET else value for name, value in values.items()}

    def as_call(self, values: Mapping[str, object]) -> tuple[list[object], dict[str, object]]:
        """args and kwargs that hold exactly the arguments that were received."""
        args: list[object] = []
        kwargs: dict[str, object] = {}
        by_keyword = False
        for name, parameter in self.parameters.items():
            value = values[name]
            if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                args.extend(value)  # type: ignore[arg-type]
            elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
                kwargs.update(value)  # type: ignore[call-overload]
            elif value is UNSET:
                by_keyword = True
            elif by_keyword or parameter.kind is inspect.Parameter.KEYWORD_ONLY or self.by_keyword(parameter):
                by_keyword = True
                kwargs[name] = value
            else:
                args.append(value)
        return args, kwargs

    def by_keyword(self, parameter: inspect.Parameter) -> bool:
        """Whether an argument goes to the reference by keyword: NumPy takes some optional ones in that way alone."""
        optional = parameter.default is not parameter.empty
        return self.foreign and optional and parameter.kind is parameter.POSITIONAL_OR_KEYWORD

    def call_reference(self, values: Mapping[str, object]) -> Any:
        """Call the reference with exactly the arguments that were received."""
        args, kwargs = self.as_call(values)
        return self.reference(*args, **kwargs)


def where_defined(function: Callable[..., Any]) -> str:
    """``file:line`` of a function, for messages."""
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)
