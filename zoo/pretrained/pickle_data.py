"""The data in a pickle of PyTorch, read by an interpreter of the few operations that data needs; nothing of it runs.

A pickle is a program. The module `pickle` would run it; here a name that it mentions is a name, and nothing is called.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

_MAX_OPERATIONS = 2_000_000  # of a pickle: the state of a large network has some 100,000
_MARK = object()
_CONTAINERS = ("collections OrderedDict", "builtins dict")  # what a state may be in
_REBUILD = "torch._utils _rebuild_tensor_v2"
_PARAMETERS = ("torch._utils _rebuild_parameter", "torch._utils _rebuild_parameter_with_state")


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the pickle mentions: "module name"."""

    name: str


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor: which numbers of which storage it has."""

    storage: Any
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class NotData(ValueError):
    """The pickle does more than hold data."""


def read_data(file: IO[bytes]) -> Any:
    """Return the data of the pickle that begins here; the file is then behind it.

    What `torch.save` writes of a dict of tensors is data: numbers, texts, lists, dicts and tensors, which are returned
    as `StoredTensor`. Storages are the tuples that name them.

    Raises:
        NotData: an operation or a name is none of these, so that reading it would run code of the file.
        ValueError: the pickle is damaged.
    """
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if count > _MAX_OPERATIONS:
            raise ValueError(f"more than {_MAX_OPERATIONS:,} operations")
        if opcode.name == "STOP":
            return machine.pop()
        machine.run(opcode.name, argument)
    raise ValueError("it ends too early")


class _Machine:
    """The stack and the memory of a pickle."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memory: dict[int, Any] = {}

    def run(self, name: str, argument: Any) -> None:
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
        elif name in _OPERATIONS:
            _OPERATIONS[name](self, argument)
        elif name not in _IDLE:
            raise NotData(f"operation {name}")

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise ValueError("its stack is empty")
        return self.stack.pop()

    def since_mark(self) -> list[Any]:
        try:
            start = len(self.stack) - 1 - self.stack[::-1].index(_MARK)
        except ValueError as error:
            raise ValueError("it lacks a mark") from error
        found = self.stack[start + 1 :]
        del self.stack[start:]
        return found

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise NotData("an object that is no list or dict is changed")
        return self.stack[-1]

    def mention(self, name: str) -> None:
        if not _is_known(name):
            raise NotData(f"it asks for {name.replace(' ', '.')}")
        self.stack.append(Global(name))


def _is_known(name: str) -> bool:
    module, _, attribute = name.partition(" ")
    if name in (*_CONTAINERS, _REBUILD, *_PARAMETERS, "torch Size", "torch device"):
        return True
    return module in ("torch", "torch.storage") and (attribute.endswith("Storage") or attribute in _TORCH_TYPES)


_TORCH_TYPES = ("float32", "float16", "bfloat16", "float64", "int64", "int32", "uint8", "bool")


def _reduce(machine: _Machine, _: Any) -> None:
    arguments, called = machine.pop(), machine.pop()
    if not isinstance(called, Global) or not isinstance(arguments, tuple):
        raise NotData("it calls an object")
    if called.name in _CONTAINERS:
        if arguments not in ((), ([],)):
            raise NotData(f"it calls {called.name.replace(' ', '.')} with arguments")
        machine.stack.append({})
    elif called.name == _REBUILD:
        machine.stack.append(_tensor(arguments))
    elif called.name in _PARAMETERS and arguments and isinstance(arguments[0], StoredTensor):
        machine.stack.append(arguments[0])
    elif called.name in ("torch Size", "torch device"):
        machine.stack.append(arguments)
    else:
        raise NotData(f"it calls {called.name.replace(' ', '.')}")


def _tensor(arguments: tuple[Any, ...]) -> StoredTensor:
    if len(arguments) < 4:
        raise ValueError("a tensor lacks its shape")
    storage, offset, shape, strides = arguments[:4]
    numbers = (offset, *shape, *strides) if isinstance(shape, tuple) and isinstance(strides, tuple) else (None,)
    if not all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in numbers):
        raise ValueError("a tensor's shape is no list of numbers")
    if len(shape) != len(strides):
        raise ValueError("a tensor's shape and strides differ in length")
    return StoredTensor(storage, offset, shape, strides)


def _set_items(machine: _Machine, values: list[Any]) -> None:
    target = machine.top(dict)
    if len(values) % 2:
        raise ValueError("a key lacks its value")
    for key, value in zip(values[::2], values[1::2], strict=True):
        if not isinstance(key, str | int):
            raise NotData("a key of a dict is an object")
        target[key] = value


def _set_item(machine: _Machine, _: Any) -> None:
    value, key = machine.pop(), machine.pop()
    _set_items(machine, [key, value])


def _append(machine: _Machine, _: Any) -> None:
    value = machine.pop()
    machine.top(list).append(value)


def _appends(machine: _Machine, _: Any) -> None:
    values = machine.since_mark()
    machine.top(list).extend(values)


def _build(machine: _Machine, _: Any) -> None:
    machine.pop()  # the state of an object: that of an OrderedDict is its versions
    machine.top(dict)


def _take(count: int) -> Callable[[_Machine, Any], None]:
    def tuple_of(machine: _Machine, _: Any) -> None:
        machine.stack.append(tuple([machine.pop() for _ in range(count)][::-1]))

    return tuple_of


def _recall(machine: _Machine, key: Any) -> None:
    if key not in machine.memory:
        raise ValueError(f"it recalls what it has not kept ({key})")
    machine.stack.append(machine.memory[key])


def _keep(machine: _Machine, key: Any) -> None:
    machine.memory[len(machine.memory) if key is None else key] = machine.stack[-1]


def _stack_global(machine: _Machine, _: Any) -> None:
    attribute, module = machine.pop(), machine.pop()
    machine.mention(f"{module} {attribute}")


def _dict_of(values: list[Any]) -> dict[Any, Any]:
    machine = _Machine()
    machine.stack.append({})
    _set_items(machine, values)
    found: dict[Any, Any] = machine.pop()
    return found


def _storage(machine: _Machine, _: Any) -> None:
    machine.stack.append(machine.pop())  # the tuple that names it


_VALUES = {
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "STRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "FLOAT"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "MARK": lambda: _MARK,
}
_IDLE = ("PROTO", "FRAME")
_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.since_mark())),
    "TUPLE1": _take(1),
    "TUPLE2": _take(2),
    "TUPLE3": _take(3),
    "LIST": lambda machine, _: machine.stack.append(machine.since_mark()),
    "DICT": lambda machine, _: machine.stack.append(_dict_of(machine.since_mark())),
    "SETITEM": _set_item,
    "SETITEMS": lambda machine, _: _set_items(machine, machine.since_mark()),
    "APPEND": _append,
    "APPENDS": _appends,
    "BUILD": _build,
    "GLOBAL": lambda machine, name: machine.mention(name),
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BINPERSID": _storage,
    "BINPUT": _keep,
    "LONG_BINPUT": _keep,
    "PUT": _keep,
    "MEMOIZE": _keep,
    "BINGET": _recall,
    "LONG_BINGET": _recall,
    "GET": _recall,
}
