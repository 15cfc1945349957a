"""The face of a tuned function: which of the reference's parameters it names, and how it hands them on.

Parameters that some variant takes, and the required ones, are named; the rest arrive as ``*_rest`` and ``**_more`` and
mean that the call goes to the reference. That costs a call of `np.sin`, with nine optional parameters, a fifth of
naming them all, and hands on exactly what was received. Knows nothing of decisions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from inspect import Parameter
from typing import Any

from ..kernel.model import UNSET, Kernel
from ..value import Value

REST = Parameter("_rest", Parameter.VAR_POSITIONAL)
MORE = Parameter("_more", Parameter.VAR_KEYWORD)


class Face(Value, by_identity=True):
    """The parameters of one kernel's public function."""

    kernel: Kernel

    @cached_property
    def named(self) -> tuple[Parameter, ...]:
        """The parameters that are named, in the order of the reference."""
        parameters = [p for p in self.kernel.parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        needed = {p.name for p in parameters if p.default is p.empty} | self.kernel.coverable
        positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
        last = max((index for index, p in enumerate(positional) if p.name in needed), default=-1)
        return (*positional[: last + 1], *(p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name in needed))

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.named)

    @cached_property
    def starred(self) -> bool:
        """Whether some parameters are not named."""
        return len(self.named) < len(self.kernel.parameters)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters of the function."""
        if not self.starred:
            return self.named
        positional = [p for p in self.named if p.kind is not p.KEYWORD_ONLY]
        rest = [REST] if self.hidden or self._takes_more else []  # what takes no more must not be given more
        return (*positional, *rest, *self.named[len(positional) :], MORE)

    @property
    def extra(self) -> str:
        """The test for arguments that are not named; empty where there cannot be any."""
        return " or ".join(p.name for p in self.parameters if p in (REST, MORE))

    @property
    def _takes_more(self) -> bool:
        return any(p.kind is p.VAR_POSITIONAL for p in self.kernel.parameters.values())

    @property
    def everything(self) -> str:
        """The named parameters as arguments."""
        return ", ".join(self.names)

    @cached_property
    def defaults(self) -> tuple[tuple[object, ...], dict[str, object]]:
        """``__defaults__`` and ``__kwdefaults__`` of the function."""
        optional = [p for p in self.named if p.default is not p.empty]
        positional = tuple(self._default(p) for p in optional if p.kind is not p.KEYWORD_ONLY)
        return positional, {p.name: self._default(p) for p in optional if p.kind is p.KEYWORD_ONLY}

    def _default(self, parameter: Parameter) -> object:
        return UNSET if self.kernel.foreign else parameter.default

    def values(self, arguments: Sequence[object]) -> dict[str, object]:
        """All of the reference's arguments by name, from the named ones in order; the others at their default."""
        given = dict(zip(self.names, arguments, strict=True))
        absent: dict[Any, object] = {Parameter.VAR_POSITIONAL: (), Parameter.VAR_KEYWORD: {}}
        return {
            name: given[name] if name in given else absent.get(p.kind, self._default(p))
            for name, p in self.kernel.parameters.items()
        }

    def call(self, function: Callable[..., Any], arguments: Sequence[object]) -> Any:
        """Call a function with this face on the arguments of another, in the order of `parameters`."""
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        value: Any
        for parameter, value in zip(self.parameters, arguments, strict=True):
            if parameter is REST:
                args.extend(value)
            elif parameter is MORE:
                kwargs.update(value)
            elif parameter.kind is parameter.KEYWORD_ONLY:
                kwargs[parameter.name] = value
            else:
                args.append(value)
        return function(*args, **kwargs)

    def call_reference(self, arguments: Sequence[object]) -> Any:
        """Call the reference with exactly what was received, from all arguments in the order of `parameters`."""
        given = dict(zip((p.name for p in self.parameters), arguments, strict=True))
        if not (given.get(REST.name) or given.get(MORE.name)):
            return self.kernel.call_reference(self.values([given[name] for name in self.names]))
        return self.call(self.kernel.reference, arguments)

    @property
    def forward(self) -> str:
        """The call of the reference with exactly the arguments received."""
        if self._some_may_be_missing:
            return f"_forward({', '.join(p.name for p in self.parameters)})"
        return f"_reference({arguments_source(self.parameters)})"

    @property
    def forward_named(self) -> str:
        """The same where the arguments that are not named are known to be absent."""
        if self._some_may_be_missing:
            absent = {"_rest": "()", "_more": "{}"}
            return f"_forward({', '.join(absent.get(p.name, p.name) for p in self.parameters)})"
        return f"_reference({arguments_source(self.named)})"

    def unnamed(self, public: str) -> str:
        """Source of `_unnamed`, for calls with arguments that are not named; `public` is the function without them.

        Where all of these are at their default after all (``axis=None``), the call is as if they had not been given,
        if it is of plain arrays: a subclass may ask which arguments it was given.
        """
        taken = ", ".join(p.name for p in self.parameters)
        arrays = [f"_type({name}) is not _ndarray" for name in self.names if name in self.kernel.array_parameters]
        too_many = ["len(_rest) > len(_hidden)"] if REST in self.parameters else []
        foreign = " or ".join([*arrays, *too_many])
        rest = (
            "    if _rest:\n"
            "        for _value, _default in zip(_rest, _hidden):\n"
            f"            if _value is not _default: return {self.forward}\n"
            f"        if _more: return {self.forward}\n"
        )
        parameters = [p for p in self.parameters if p not in (REST, MORE)]
        by_name = arguments_source([p for p in self.parameters if p is not REST])  # without * a third of the time
        return (
            f"def _unnamed({taken}):\n"
            + (f"    if {foreign}: return {self.forward}\n" if foreign else "")
            + (rest if REST in self.parameters else "")
            + "    for _name in _more:\n"
            "        if _name not in _optional or _more[_name] is not _optional[_name]:\n"
            f"            return {self.forward if self._some_may_be_missing else f'_reference({by_name})'}\n"
            f"    return {public}({arguments_source(parameters)})\n"
        )

    @cached_property
    def hidden(self) -> tuple[object, ...]:
        """Defaults of the parameters that ``_rest`` holds, in order; `UNSET` for those that have none."""
        positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        parameters = [p for p in self.kernel.parameters.values() if p.kind in positional and p.name not in self.names]
        return tuple(UNSET if p.default is p.empty else p.default for p in parameters)

    @cached_property
    def optional(self) -> dict[str, object]:
        """Defaults of the parameters that are not named and may be given by name."""
        return {
            name: p.default
            for name, p in self.kernel.parameters.items()
            if p.default is not p.empty and name not in self.names and p.kind is not p.POSITIONAL_ONLY
        }

    @property
    def _some_may_be_missing(self) -> bool:
        return self.kernel.foreign and any(p.default is not p.empty for p in self.named)

    @property
    def forwarder(self) -> str:
        """Source of `_forward`, which leaves out what was not given."""
        lines = [f"def _forward({', '.join(p.name for p in self.parameters)}):", "    _given = {}"]
        required = [p for p in self.named if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
        always = [p.name for p in required] + [f"{p.name}={p.name}" for p in self.named if p.default is p.empty][
            len(required) :
        ]
        optional = [p for p in self.named if p.default is not p.empty]
        if REST in self.parameters:  # arguments beyond the named ones by position: then all of those were given
            lines.append(f"    if _rest: return _reference({arguments_source(self.parameters)})")
        for parameter in optional:
            name = parameter.name
            if parameter.kind is parameter.POSITIONAL_ONLY:
                lines.append(f"    if {name} is not _unset: return _reference({arguments_source(self.parameters)})")
            else:
                lines.append(f"    if {name} is not _unset: _given[{name!r}] = {name}")
        more = ["**_more"] if self.starred else []
        lines.append(f"    return _reference({', '.join([*always, '**_given', *more])})")
        return "\n".join(lines) + "\n"


def arguments_source(parameters: Sequence[Parameter]) -> str:
    """Arguments that hand parameters on as they came."""
    parts = []
    for parameter in parameters:
        before = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": f"{parameter.name}="}
        parts.append(before.get(parameter.kind.name, "") + parameter.name)
    return ", ".join(parts)


def parameter_source(parameters: Sequence[Parameter]) -> str:
    """Parameters as source; defaults are placeholders, which the function's own defaults replace."""
    last_positional_only = sum(p.kind is p.POSITIONAL_ONLY for p in parameters)
    parts, starred = [], False
    for index, parameter in enumerate(parameters):
        star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(parameter.kind.name, "")
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
        starred = starred or star == "*" or parameter.kind is parameter.KEYWORD_ONLY
        default = "" if star or parameter.default is parameter.empty else "=None"
        parts.append(f"{star}{parameter.name}{default}")
        if index + 1 == last_positional_only:
            parts.append("/")
    return ", ".join(parts)
