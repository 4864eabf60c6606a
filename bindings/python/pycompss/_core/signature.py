"""The formal parameters of a function, prepared so that binding one call costs little."""

import inspect
from typing import Any, Callable, Dict, List, Sequence, Tuple


class Signature:
    """`positional`: names that positional arguments fill. `defaults`: of all parameters that have one."""

    __slots__ = ("positional", "keyword_only", "varargs", "varkeywords", "defaults", "known")

    def __init__(self, function: Callable) -> None:
        self.positional: List[str] = []
        self.keyword_only: List[str] = []
        self.varargs = ""
        self.varkeywords = ""
        self.defaults: Dict[str, Any] = {}
        for parameter in inspect.signature(function).parameters.values():
            self._add(parameter)
        self.known = frozenset(self.positional) | frozenset(self.keyword_only)

    def _add(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is parameter.VAR_POSITIONAL:
            self.varargs = parameter.name
        elif parameter.kind is parameter.VAR_KEYWORD:
            self.varkeywords = parameter.name
        elif parameter.kind is parameter.KEYWORD_ONLY:
            self.keyword_only.append(parameter.name)
        else:
            self.positional.append(parameter.name)
        if parameter.default is not parameter.empty:
            self.defaults[parameter.name] = parameter.default

    @property
    def first(self) -> str:
        return self.positional[0] if self.positional else ""

    def names(self) -> List[str]:
        every = self.positional + self.keyword_only
        return every + [name for name in (self.varargs, self.varkeywords) if name]

    def bind(self, function_name: str, args: Sequence[Any], kwargs: Dict[str, Any]) -> "BoundCall":
        """Raises the TypeError that calling the function itself would raise, in the words of Python."""
        positional = self.positional
        taken = len(args)
        if taken > len(positional) and not self.varargs:
            raise TypeError(f"{function_name}() takes {len(positional)} positional arguments but {taken} were given")
        named = dict(zip(positional, args))
        extra = tuple(args[len(positional) :]) if taken > len(positional) else ()
        unknown: Dict[str, Any] = {}
        for name, value in kwargs.items():
            if name in named:
                raise TypeError(f"{function_name}() got multiple values for argument '{name}'")
            if name in self.known:
                named[name] = value
            elif self.varkeywords:
                unknown[name] = value
            else:
                raise TypeError(f"{function_name}() got an unexpected keyword argument '{name}'")
        if len(named) < len(self.known):
            self._fill_defaults(function_name, named)
        return BoundCall(self, named, extra, unknown)

    def _fill_defaults(self, function_name: str, named: Dict[str, Any]) -> None:
        missing = []
        for name in self.positional + self.keyword_only:
            if name in named:
                continue
            if name in self.defaults:
                named[name] = self.defaults[name]
            else:
                missing.append(name)
        if missing:
            names = ", ".join(repr(name) for name in missing)
            raise TypeError(f"{function_name}() missing {len(missing)} required argument(s): {names}")


class BoundCall:
    """Arguments of one call by the names of the parameters, defaults put in."""

    __slots__ = ("signature", "named", "extra", "unknown")

    def __init__(self, signature: Signature, named: Dict[str, Any], extra: Tuple[Any, ...], unknown: Dict[str, Any]):
        self.signature = signature
        self.named = named
        #: What `*args` takes.
        self.extra = extra
        #: What `**kwargs` takes.
        self.unknown = unknown

    def arguments(self) -> Dict[str, Any]:
        """Every argument that has a name."""
        return {**self.named, **self.unknown} if self.unknown else self.named

    def call_form(self) -> Tuple[List[Any], Dict[str, Any]]:
        """Positional and keyword arguments that call the function."""
        named = self.named
        args = [named[name] for name in self.signature.positional]
        args.extend(self.extra)
        kwargs = {name: named[name] for name in self.signature.keyword_only}
        kwargs.update(self.unknown)
        return args, kwargs
