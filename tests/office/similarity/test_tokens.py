"""Tokens: what a student changes to hide where code is from does not change them, and no text breaks them."""

from __future__ import annotations

import io
import json
import keyword
import re
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradschool.office.similarity.tokens import NAME, code_of, tokens_of

SOURCE = '''
"""A docstring."""
import numpy as np  # arrays

def softmax(scores, axis=-1):
    """Another."""
    shifted = scores - scores.max(axis=axis, keepdims=True)  # no overflow
    powers = np.exp(shifted)
    if powers.size >= 10 and not scores[0:2] == 1.5e-3:
        return {"a": powers / powers.sum(axis=axis, keepdims=True), **dict()}
    return lambda x: x ** 2 // 3
'''


def kinds(source: str) -> list[int]:
    return [token.kind for token in tokens_of(source)]


def test_names_comments_docstrings_layout_and_literals_do_not_matter() -> None:
    changed = SOURCE.replace("scores", "q").replace("softmax", "f").replace("powers", "grosse_zahlen_ä")
    changed = changed.replace("# no overflow", "").replace('"""Another."""', "# nothing")
    changed = changed.replace("    ", "  ").replace(", ", " ,\n      ").replace('"a"', "'bc'").replace("1.5e-3", "77")
    assert kinds(changed) == kinds(SOURCE)


@pytest.mark.parametrize(
    ("one", "other"), [("a + b", "a - b"), ("if a: b", "while a: b"), ("a.b", "a, b"), ("f(a)", "f[a]")]
)
def test_structure_matters(one: str, other: str) -> None:
    assert kinds(one) != kinds(other)


def test_tokens_are_those_of_pythons_own_tokenizer() -> None:
    """But for layout, comments and the two docstrings."""
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    theirs = [
        token
        for token in tokenize.generate_tokens(io.StringIO(SOURCE).readline)
        if token.type not in skipped and not token.string.startswith('"""')
    ]
    ours = tokens_of(SOURCE)
    assert [token.line for token in ours] == [token.start[0] for token in theirs]
    names = [token.type == tokenize.NAME and not keyword.iskeyword(token.string) for token in theirs]
    assert [token.kind == NAME for token in ours] == names


def test_a_string_over_lines_tells_its_last_line_and_one_in_an_expression_stays() -> None:
    (_, _, text) = tokens_of('x = """a\nb\n"""')
    assert (text.line, text.last_line) == (1, 3)
    assert len(kinds('f(\n  "stands alone in its line"\n)')) == 4


@given(st.text(max_size=60))
def test_any_text_has_tokens_with_lines_that_it_has(text: str) -> None:
    found = tokens_of(text)
    most = text.count("\n") + 1
    assert all(1 <= token.line <= token.last_line <= most for token in found)
    assert [token.line for token in found] == sorted(token.line for token in found)


@pytest.mark.parametrize("piece", ['"', "'''", "(", "\\", "#", "a", "0x", "'\\", '"""\\'])
def test_long_repetitions_take_no_longer_than_their_length(piece: str) -> None:
    assert len(tokens_of(piece * 30_000)) <= 30_000 * len(piece)


def test_a_notebook_is_its_code_cells_without_magics() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# x = 1"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "x = 1\n", "!ls"]},
        {"cell_type": "code", "source": "y = 2"},
    ]
    code = code_of("a.ipynb", json.dumps({"cells": cells}))
    assert re.sub(r"\s+", " ", code).strip() == "x = 1 y = 2"
    for broken in ("", "[]", "{}", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}', "[" * 10_000):
        assert code_of("a.ipynb", broken) == ""
    assert code_of("data.csv", "x = 1") == ""
