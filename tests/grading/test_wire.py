"""The wire: both halves agree on every value, and the judge's half believes nothing."""

from __future__ import annotations

import contextlib
import json
import math
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradschool.grading import inside, wire

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**30), max_value=10**30),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=20),
)
ARRAYS = st.builds(
    lambda dtype, shape, seed: (
        np.frombuffer(np.random.default_rng(seed).bytes(max(1, math.prod(shape)) * 16), dtype=np.uint8)[
            : math.prod(shape)
        ]
        .astype(dtype)
        .reshape(shape)
    ),
    st.sampled_from(sorted(wire.DTYPES)),
    st.lists(st.integers(0, 4), max_size=3),
    st.integers(0, 100),
)
VALUES = st.recursive(
    st.one_of(SCALARS, ARRAYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=5), st.integers(-9, 9)), inner, max_size=4),
    ),
    max_leaves=12,
)


def same(a: object, b: object) -> bool:
    """Equal to the last bit, with NaN equal to NaN and -0.0 unlike 0.0."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


def split(frame: bytes) -> tuple[bytes, bytes]:
    _, header, body = wire.PREFIX.unpack_from(frame)
    rest = frame[wire.PREFIX.size :]
    assert len(rest) == header + body
    return rest[:header], rest[header:]


def refused(header: object, body: bytes = b"", **limits: int) -> str:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    with pytest.raises(wire.Refused) as caught:
        wire.decode(text, body, ["value"], wire.WireLimits(**limits))
    return str(caught.value)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_what_the_box_sends_arrives_to_the_last_bit(value):
    frame = inside.pack({"seq": 1}, value, True, np, [])
    assert same(wire.decode(*split(frame), ["value"])["value"], value)


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_what_the_judge_sends_arrives_to_the_last_bit(value):
    frame = wire.encode({"seq": 1, "op": "set"}, {"value": value})
    assert same(inside.unpack(*split(frame), np, [])["value"], value)


@given(st.binary(max_size=300), st.binary(max_size=50))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_decoded_or_refused(header, body):
    with contextlib.suppress(wire.Refused):
        wire.decode(header, body, ["value"])


@given(VALUES, st.data())
@settings(max_examples=300, deadline=None)
def test_any_damage_is_decoded_or_refused(value, data):
    frame = bytearray(wire.encode({"seq": 1}, {"value": value}))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(frame) - 1))
        frame[position] = data.draw(st.integers(0, 255))
    stream = memoryview(bytes(frame))

    def read(count):
        nonlocal stream
        piece, stream = bytes(stream[:count]), stream[count:]
        if len(piece) < count:
            raise EOFError
        return piece

    with contextlib.suppress(wire.Refused, EOFError):
        wire.decode(*wire.read_frame(read), ["value"])


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["float", "int", "complex", "list", "tuple", "dict", "array", "scalar", "tensor", "handle"]
            ),
            inner,
            max_size=2,
        ),
    ),
    max_leaves=10,
)


@given(JSON, JSON, st.binary(max_size=64))
@settings(max_examples=300, deadline=None)
def test_any_structure_is_decoded_or_refused(value, arrays, body):
    with contextlib.suppress(wire.Refused):
        wire.decode(json.dumps({"value": value, "arrays": arrays}).encode(), body, ["value"])


def test_an_array_of_ten_thousand_million_elements_is_refused_before_it_is_made():
    header = {"value": {"array": 0}, "arrays": [["<f8", [100_000, 100_000]]]}
    assert "claims the shape (100000, 100000)" in refused(header, b"x" * 64)


@pytest.mark.parametrize(("lengths", "word"), [((2**32 - 1, 0), "header"), ((10, 2**63), "bytes of arrays")])
def test_lengths_are_judged_before_anything_is_read(lengths, word):
    def read(count):
        assert count == wire.PREFIX.size, "it read on"
        return wire.PREFIX.pack(wire.MAGIC, *lengths)

    with pytest.raises(wire.Refused, match=word):
        wire.read_frame(read)


def test_a_product_that_overflows_64_bits_is_refused():
    shape = [2**32, 2**32]
    assert "claims the shape" in refused({"value": {"array": 0}, "arrays": [["<f8", shape]]})
    assert "impossible shape" in refused({"value": {"array": 0}, "arrays": [["<f8", [0, 2**39]]]})


def test_a_recursion_bomb_is_refused():
    assert "nested deeper" in refused(b"[" * 100_000)
    assert "nested deeper" in refused(b'{"value":' * 1000 + b"1" + b"}" * 1000)
    value: object = 1
    for _ in range(20):
        value = {"list": [value]}
    assert "nested" in refused({"value": value})


@pytest.mark.parametrize("bomb", [b'{"' + b'\\"' * 500_000, b'{"' + b'\\"' * 500_000 + b"\\", b'"\\\n' * 250_000])
def test_a_header_made_of_quotes_is_refused_in_linear_time(bomb):
    """Quadratic time would be hours here."""
    refused(bomb)


@pytest.mark.parametrize("dtype", ["|O", "|V8", "<U8", "<M8[s]", ">f8", "<f16", "f8", "object", "<f8, <f8", ""])
def test_only_plain_numbers_are_taken(dtype):
    assert "is not taken" in refused({"value": {"array": 0}, "arrays": [[dtype, [1]]]}, b"x" * 8)


@pytest.mark.parametrize(
    "shape", [[-1], [1.0], [True], ["1"], [[1]], [2**50], [1] * 40, None], ids=lambda shape: str(shape)[:20]
)
def test_impossible_shapes_are_refused(shape):
    assert refused({"value": {"array": 0}, "arrays": [["|u1", shape]]}, b"x")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ({"array": 5}, "did not come"),
        ({"array": -1}, "did not come"),
        ({"array": True}, "coded wrongly|did not come"),
        ({"float": "1.0"}, "coded wrongly"),
        ({"int": "1e9"}, "coded wrongly"),
        ({"int": "9" * 401}, "coded wrongly"),
        ({"handle": [-1, "x"]}, "coded wrongly"),
        ({"handle": [1]}, "coded wrongly"),
        ({"pickle": "gASVAAAA"}, "coded wrongly"),
        ({"list": 3}, "coded wrongly"),
        ({"dict": [[1]]}, "coded wrongly"),
        ({"dict": [[{"list": []}, 1]]}, "key"),
        ({"dict": [[1, 2], [1, 3]]}, "twice"),
        ({}, "coded wrongly"),
        ({"list": [], "tuple": []}, "coded wrongly"),
        ([1, 2], "coded wrongly"),
    ],
)
def test_malformed_values_are_refused(value, word):
    assert re.search(word, refused({"value": value, "arrays": []}))


@pytest.mark.parametrize(
    "text", [b"NaN", b"[]", b'{"a":1,"a":2}', b'{"seq":1e999}', b'{"seq":' + b"9" * 5000 + b"}", b"\xff\xfe", b""]
)
def test_headers_that_are_not_strict_json_objects_are_refused(text):
    assert refused(text)


def test_bytes_that_belong_to_no_array_are_refused():
    assert "belong to no array" in refused({"value": 1, "arrays": []}, b"xx")


def test_a_bool_array_of_other_bytes_is_refused():
    assert "other than 0 and 1" in refused({"value": {"array": 0}, "arrays": [["|b1", [2]]]}, b"\x01\x02")


def test_too_many_values_and_too_much_text_are_refused():
    assert "too many" in refused({"value": {"list": [1] * 50}}, values=20)
    assert "too much text" in refused({"value": "x" * 50}, text=20)
    assert "more than 2" in refused({"value": 1, "arrays": [["|u1", [0]]] * 3}, arrays=2)


def test_another_magic_is_refused():
    with pytest.raises(wire.Refused, match="no frame"):
        wire.read_frame(lambda count: b"HTTP/1.1 200 OK\r\n"[:count])


def test_objects_become_handles_and_their_names_are_made_printable():
    header = json.dumps({"value": {"handle": [3, "Evil\x1b[2J" + "x" * 500]}}).encode()
    handle = wire.decode(header, b"", ["value"])["value"]
    assert handle.number == 3
    assert len(handle.type) == 100
    assert "\x1b" not in handle.type


def test_tensors_cross_as_arrays_with_their_dtype():
    torch = pytest.importorskip("torch")
    for tensor in (torch.arange(3.0), torch.tensor([[1.5]], dtype=torch.bfloat16), torch.ones(2, requires_grad=True)):
        arrived = wire.decode(*split(inside.pack({"seq": 1}, tensor, True, np, [])), ["value"])["value"]
        assert arrived.dtype == str(tensor.dtype).removeprefix("torch.")
        assert np.array_equal(arrived.array, tensor.detach().float().numpy())
    sent = wire.encode({"seq": 1}, {"value": wire.Tensor(np.ones(2, np.float32), "float64")})
    back = inside.unpack(*split(sent), np, [])["value"]
    assert back.dtype == torch.float64


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (np.zeros(3, np.longdouble), "float64"),
        ([0] * 30_000, "separate values"),
        ("x" * 2_000_000, "too long"),
        (np.zeros(9_000_000), "bytes of arrays"),
        (10**500, "400 digits"),
    ],
    ids=["longdouble", "long list", "long text", "large array", "large integer"],
)
def test_what_cannot_be_sent_says_what_to_do(value, word):
    with pytest.raises(inside.Unsendable, match=word):
        inside.pack({"seq": 1}, value, True, np, [])


def test_a_list_that_holds_itself_is_refused():
    knot: list[object] = []
    knot.append(knot)
    with pytest.raises(inside.Unsendable, match="nested deeper"):
        inside.pack({"seq": 1}, knot, True, np, [])


def test_objects_that_pretend_to_be_numbers_stay_inside():
    class Sly(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    handles: list[object] = []
    frame = inside.pack({"seq": 1}, [Sly(1.0), {"a": object()}], True, np, handles)
    arrived = wire.decode(*split(frame), ["value"])["value"]
    assert arrived == [wire.Handle(0, "Sly"), {"a": wire.Handle(1, "object")}]


def test_both_halves_have_the_same_constants():
    limits = wire.WireLimits()
    assert (inside.MAGIC, inside.PREFIX.format, inside.DTYPES) == (wire.MAGIC, wire.PREFIX.format, set(wire.DTYPES))
    ours = (inside.HEADER_BYTES, inside.BODY_BYTES, inside.DEPTH, inside.VALUES)
    assert ours == (limits.header_bytes, limits.body_bytes, limits.depth, limits.values)
