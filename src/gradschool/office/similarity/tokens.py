"""Python source as tokens that renaming, comments and layout do not change. Nothing is ever run or parsed.

A source that is no valid Python gives tokens, too: half a homework is compared like a whole one.
"""

from __future__ import annotations

import json
import keyword
import re
from typing import NamedTuple
from zlib import crc32

TOKEN = re.compile(
    r"""
      (?P<comment> \# [^\n]* )
    | (?P<string> [rRbBuUfF]{0,3} (?:
          \"\"\" (?: \\. | [^\\] )*? (?: \"\"\" | \Z )
        | \'\'\' (?: \\. | [^\\] )*? (?: \'\'\' | \Z )
        | \" (?: \\. | [^\"\\\n] )* \"?
        | \' (?: \\. | [^\'\\\n] )* \'?
      ))
    | (?P<name> [^\W\d]\w* )
    | (?P<number> \.?\d (?: [eE][+-] | [\w.] )* )
    | (?P<operator> \*\*=? | //=? | >>=? | <<=? | [-+*/%&|^@=!<>:]= | -> | \.\.\. | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
OPENING, CLOSING = "([{", ")]}"


class Token(NamedTuple):
    """What a token is, as a number that all names share, all numbers and all strings; and its lines, from 1."""

    kind: int
    line: int
    last_line: int


def _number_of(symbol: str) -> int:
    return crc32(symbol.encode("utf-8", "replace"))


NAME, NUMBER, STRING = _number_of("a name"), _number_of("a number"), _number_of("a string")
KEYWORDS = {word: _number_of(word) for word in keyword.kwlist}


def tokens_of(source: str) -> list[Token]:
    """The tokens of a source, without comments and without strings that stand alone, such as docstrings."""
    found: list[Token] = []
    line, counted_to, depth = 1, 0, 0
    for match in TOKEN.finditer(source):
        start, end = match.span()
        line += source.count("\n", counted_to, start)
        counted_to = start
        text = match[0]
        if match.lastgroup == "comment":
            continue
        if match.lastgroup == "string":
            if depth == 0 and _stands_alone(source, start, end):
                continue
            kind = STRING
        elif match.lastgroup == "name":
            kind = KEYWORDS.get(text, NAME)
        elif match.lastgroup == "number":
            kind = NUMBER
        else:
            kind = _number_of(text)
            depth = max(0, depth + (text in OPENING) - (text in CLOSING))
        found.append(Token(kind, line, line + text.count("\n")))
    return found


def _stands_alone(source: str, start: int, end: int) -> bool:
    before = source.rfind("\n", 0, start) + 1
    after = source.find("\n", end)
    rest = source[end : after if after >= 0 else len(source)].partition("#")[0]
    return not source[before:start].strip() and not rest.strip()


def code_of(name: str, text: str) -> str:
    """The Python in a file: of a notebook its code cells, without magics; of what is no Python nothing."""
    if name.endswith(".py"):
        return text
    if not name.endswith(".ipynb"):
        return ""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell["cell_type"] == "code"]
        code = "\n\n".join("".join(source) for source in sources)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.split("\n"))
