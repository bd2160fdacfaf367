"""What crosses the wall of a box, judge's side. Nothing that arrives is believed, and nothing that arrives can run.

A frame is 16 bytes, a header and a body:

    b"GSW1"  magic and version
    u32      length of the header, little-endian
    u64      length of the body
    header   JSON: {"seq": n, ..., "arrays": [[dtype, [shape]], ...]}
    body     the arrays' bytes, one after the other, C order, little-endian

Values inside a header (`value`, `args`, ...):

    null true false "text"       themselves
    12, 1.5, -0.0                themselves; an int has at most 18 digits, a float is written so that it reads back the
    same {"float": "nan"}             nan, inf, -inf
    {"int": "123..."}            a longer int, at most 400 digits
    {"complex": [re, im]}
    {"list": [...]} {"tuple": [...]} {"dict": [[key, value], ...]}   keys are plain scalars or tuples of them
    {"array": i} {"scalar": i}   the i-th array; a NumPy scalar is an array without axes
    {"tensor": [i, "float32"]}   a torch tensor, with the dtype it had
    {"handle": [n, "type"]}      an object that stays inside

There is no pickle, no class name that anything looks up, and no compression. Each limit is checked before the memory it
guards is taken.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"GSW1"
PREFIX = struct.Struct("<4sIQ")
DTYPES = frozenset(["|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"])
# A string of JSON, or all that is left after a quote without a partner: it matches at every quote, so that the time
# it takes stays linear whatever was sent.
_STRING = re.compile(rb'"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Refused(Exception):
    """What came out of the box breaks the rules of the wire; str() says which rule, for the student."""


@dataclass(frozen=True)
class WireLimits:
    """Bounds of one frame."""

    header_bytes: int = 1 << 20
    body_bytes: int = 64 << 20
    arrays: int = 1000
    axes: int = 16
    depth: int = 16
    values: int = 20_000
    text: int = 1 << 18


@dataclass(frozen=True)
class Handle:
    """An object that stayed inside the box."""

    number: int
    type: str


@dataclass(frozen=True)
class Tensor:
    """A torch tensor, as the array of its numbers. `dtype` is torch's name of it ("bfloat16" arrives as float32)."""

    array: np.ndarray[Any, Any]
    dtype: str


# ------------------------------------------------------------------------------------------------------- encoding


def encode(message: Mapping[str, Any], values: Mapping[str, Any]) -> bytes:
    """A frame with `message` (plain JSON) and `values` (to be encoded). Raises Refused for what cannot be sent."""
    arrays: list[np.ndarray[Any, Any]] = []
    header = dict(message)
    for name, value in values.items():
        header[name] = _plain(value, arrays, WireLimits().depth)
    header["arrays"] = [[array.dtype.str, list(array.shape)] for array in arrays]
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    body = b"".join(array.tobytes() for array in arrays)
    return PREFIX.pack(MAGIC, len(text), len(body)) + text + body


def _plain(value: Any, arrays: list[np.ndarray[Any, Any]], depth: int) -> Any:
    if depth == 0:
        raise Refused("values are nested too deep to be sent")
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        tag = "array" if isinstance(value, np.ndarray) else "scalar"
        return {tag: _keep(np.asarray(value), arrays)}
    if isinstance(value, Tensor):
        return {"tensor": [_keep(value.array, arrays), value.dtype]}
    if isinstance(value, Handle):
        return {"handle": [value.number, value.type]}
    if isinstance(value, int):
        return value if abs(value) < 10**18 else {"int": str(value)}
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, complex):
        return {"complex": [_plain(part, arrays, depth - 1) for part in (value.real, value.imag)]}
    if isinstance(value, list | tuple):
        tag = "list" if isinstance(value, list) else "tuple"
        return {tag: [_plain(item, arrays, depth - 1) for item in value]}
    if isinstance(value, dict):
        pairs = [[_plain(key, arrays, depth - 1), _plain(item, arrays, depth - 1)] for key, item in value.items()]
        return {"dict": pairs}
    raise Refused(f"a {type(value).__name__} cannot be sent into the box")


def _keep(array: np.ndarray[Any, Any], arrays: list[np.ndarray[Any, Any]]) -> int:
    little = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if little.dtype.str not in DTYPES:
        raise Refused(f"an array of {array.dtype} cannot be sent")
    arrays.append(little)
    return len(arrays) - 1


# ------------------------------------------------------------------------------------------------------- decoding


def read_frame(read: Callable[[int], bytes], limits: WireLimits | None = None) -> tuple[bytes, bytes]:
    """Header and body of the next frame; `read(n)` gives exactly n bytes. Lengths are checked before reading on."""
    limits = limits or WireLimits()
    magic, header_length, body_length = PREFIX.unpack(read(PREFIX.size))
    if magic != MAGIC:
        raise Refused("what came back is no frame of the protocol; only the driver may write to its reply pipe")
    if header_length > limits.header_bytes:
        raise Refused(
            f"the answer has a header of {header_length:,} bytes; at most {limits.header_bytes:,} are taken. "
            "Return arrays, not long lists"
        )
    if body_length > limits.body_bytes:
        raise Refused(f"the answer holds {body_length:,} bytes of arrays; at most {limits.body_bytes:,} are taken")
    return read(header_length), read(body_length)


def parse_header(header: bytes, limits: WireLimits | None = None) -> dict[str, Any]:
    """The header as a dict of plain JSON, or Refused."""
    limits = limits or WireLimits()
    brackets = _STRING.sub(b"", header).translate(None, _NOT_BRACKETS)
    depth = 0
    for byte in brackets:
        depth += 1 if byte in b"[{" else -1
        if depth > 3 * limits.depth:  # a value takes up to three levels of JSON
            raise Refused(f"the answer is nested deeper than {limits.depth} levels")
    try:
        message = json.loads(
            header.decode("utf-8", "surrogatepass"),
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_short,
            object_pairs_hook=_unique,
        )
    except (ValueError, RecursionError) as error:
        raise Refused(f"the answer's header is no JSON that the protocol allows ({error})") from None
    if not isinstance(message, dict):
        raise Refused("the answer's header is not an object")
    return message


def decode(header: bytes, body: bytes, names: Sequence[str], limits: WireLimits | None = None) -> dict[str, Any]:
    """The message with the values under `names` decoded (those that are there). Raises Refused."""
    limits = limits or WireLimits()
    message = parse_header(header, limits)
    arrays = _arrays(message.pop("arrays", []), body, limits)
    reader = _Reader(arrays, limits)
    for name in names:
        if name in message:
            message[name] = reader.value(message[name], limits.depth)
    return message


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _short(text: str) -> int:
    if len(text) > 20:
        raise ValueError("an integer of too many digits")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key occurs twice")
    return keys


def _arrays(described: Any, body: bytes, limits: WireLimits) -> list[np.ndarray[Any, Any]]:
    if not isinstance(described, list) or len(described) > limits.arrays:
        raise Refused(f"the answer's list of arrays is malformed or has more than {limits.arrays} entries")
    arrays = []
    position = 0
    for entry in described:
        match entry:
            case [str(name), list(shape)]:
                pass
            case _:
                raise Refused("an array of the answer is described wrongly")
        if name not in DTYPES:
            raise Refused(f"an array of the answer has the dtype {name[:40]!r}, which is not taken")
        if len(shape) > limits.axes or not all(type(axis) is int and 0 <= axis < 2**40 for axis in shape):
            raise Refused("an array of the answer has an impossible shape")
        dtype = np.dtype(name)
        size = dtype.itemsize * math.prod(shape)  # Python's integers do not overflow
        if size > len(body) - position:
            raise Refused(
                f"an array of the answer claims the shape {tuple(shape)}, {size:,} bytes, "
                f"but only {len(body) - position:,} came with it"
            )
        if size == 0 and max(shape, default=0) > 2**31:
            raise Refused("an array of the answer has an impossible shape")
        piece = body[position : position + size]
        position += size
        if name == "|b1" and piece.translate(None, b"\x00\x01"):
            raise Refused("a bool array of the answer holds bytes other than 0 and 1")
        arrays.append(np.frombuffer(piece, dtype=dtype).reshape(shape).copy())
    if position != len(body):
        raise Refused(f"the answer has {len(body) - position:,} bytes that belong to no array")
    return arrays


class _Reader:
    """Decodes the values of one frame under one common count of values and characters."""

    def __init__(self, arrays: list[np.ndarray[Any, Any]], limits: WireLimits) -> None:
        self.arrays = arrays
        self.values_left = limits.values
        self.text_left = limits.text

    def value(self, coded: Any, depth: int) -> Any:
        self.values_left -= 1
        if self.values_left < 0:
            raise Refused("the answer consists of too many separate values; return an array")
        if depth == 0:
            raise Refused("the answer is nested too deep")
        if coded is None or isinstance(coded, bool | float):
            return coded
        if isinstance(coded, int):
            return coded
        if isinstance(coded, str):
            return self.text(coded)
        if isinstance(coded, dict) and len(coded) == 1:
            (tag, content) = next(iter(coded.items()))
            return self.tagged(tag, content, depth - 1)
        raise Refused("a value of the answer is coded wrongly")

    def text(self, text: str) -> str:
        self.text_left -= len(text)
        if self.text_left < 0:
            raise Refused("the answer holds too much text")
        return text

    def tagged(self, tag: str, content: Any, depth: int) -> Any:
        match tag, content:
            case "float", "nan" | "inf" | "-inf":
                return float(content)
            case "int", str() if re.fullmatch(r"-?[0-9]{1,400}", content):
                return int(content)
            case "complex", [real, imaginary]:
                parts = [self.value(part, depth) for part in (real, imaginary)]
                if all(isinstance(part, float) for part in parts):
                    return complex(*parts)
            case "list", list():
                return [self.value(item, depth) for item in content]
            case "tuple", list():
                return tuple(self.value(item, depth) for item in content)
            case "dict", list():
                return self.mapping(content, depth)
            case "array", int():
                return self.array(content)
            case "scalar", int():
                array = self.array(content)
                if array.ndim == 0:
                    return array[()]
            case "tensor", [int(index), str(name)] if re.fullmatch(r"[a-z0-9]{1,20}", name):
                return Tensor(self.array(index), name)
            case "handle", [int(number), str(name)] if 0 <= number < 2**31:
                return Handle(number, printable(name, 100))
        raise Refused("a value of the answer is coded wrongly")

    def mapping(self, content: list[Any], depth: int) -> dict[Any, Any]:
        result = {}
        for pair in content:
            if not isinstance(pair, list) or len(pair) != 2:
                raise Refused("a dict of the answer is coded wrongly")
            key = self.value(pair[0], depth)
            if not _is_key(key):
                raise Refused("a dict of the answer has a key that is neither a number, a string nor a tuple of them")
            result[key] = self.value(pair[1], depth)
        if len(result) != len(content):
            raise Refused("a dict of the answer has the same key twice")
        return result

    def array(self, index: Any) -> np.ndarray[Any, Any]:
        if type(index) is not int or not 0 <= index < len(self.arrays):
            raise Refused("the answer refers to an array that did not come with it")
        return self.arrays[index]


def _is_key(key: Any) -> bool:
    if isinstance(key, tuple):
        return all(_is_key(part) for part in key)
    return key is None or isinstance(key, bool | int | float | str)


def printable(text: Any, limit: int) -> str:
    """Text from inside a box made safe to show: no control characters but newline and tab, and at most `limit` long."""
    cleaned = "".join(
        c if c in "\n\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)[: limit + 1]
    )
    return cleaned if len(cleaned) <= limit else cleaned[: limit - 1] + "…"
