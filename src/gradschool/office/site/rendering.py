"""Course texts as HTML: Markdown with mathematics as MathML and code as classes, never an inline style or script.

Raw HTML in a text is shown as text. Headings move down one level, since a page has its own h1, and carry anchors. A
formula that cannot be read stays on the page as its source, marked, and `faults` names it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight as pygments_highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

Element = ElementTree.Element


class UnreadableFormula(ValueError):
    """A formula uses something that cannot be set as MathML."""


@dataclass(frozen=True)
class Heading:
    """A heading of a text: `level` as on the page (2 and down), `anchor` without the #."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Rendered:
    """A text as HTML, its headings in order, and what could not be read in it."""

    html: str
    headings: tuple[Heading, ...]
    faults: tuple[str, ...]


def html(markdown: str) -> str:
    """The text as HTML."""
    return render(markdown).html


def faults(markdown: str) -> list[str]:
    """A sentence for each formula that cannot be read; empty for a text that is shown as meant."""
    return list(render(markdown).faults)


@lru_cache(maxsize=512)
def render(markdown: str) -> Rendered:
    """The text with its headings and faults. The same text is worked through once."""
    env: dict[str, Any] = {"faults": []}
    tokens = _READER.parse(markdown, env)
    headings = _number_headings(tokens)
    return Rendered(_READER.renderer.render(tokens, _READER.options, env), headings, tuple(env["faults"]))


@lru_cache(maxsize=512)
def inline(markdown: str) -> str:
    """One line of text: emphasis, code, links and mathematics, without a paragraph around it."""
    return str(_READER.renderInline(" ".join(markdown.split()), {"faults": []}))


@lru_cache(maxsize=64)
def highlight(source: str, language: str) -> str:
    """Source code as a <pre> with the classes of Pygments; an unknown language stays plain."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        colored = escape(source)
    else:
        colored = pygments_highlight(source, lexer, HtmlFormatter(nowrap=True))
    # A wide line scrolls inside, so the keyboard has to reach it.
    return f'<pre class="code" tabindex="0"><code>{colored.strip(chr(10))}</code></pre>\n'


def formula(latex: str, *, display: bool) -> str:
    """MathML of a LaTeX formula; raises UnreadableFormula."""
    try:
        math = convert_to_element(_prepared(latex), display="block" if display else "inline")
    except Exception as error:  # the converter has no common class for what it cannot read, and fails in many ways
        raise UnreadableFormula(f"The formula ${latex.strip()}$ cannot be read ({type(error).__name__}).") from error
    for node in math.iter():
        # The converter leaves character references in its text, which a second escaping would show.
        node.text = unescape(node.text) if node.text else node.text
        text = (node.text or "").strip()
        if text.startswith("\\") or text == "&" or node.tag == "merror":
            raise UnreadableFormula(f"The formula ${latex.strip()}$ has {text}, which cannot be shown.")
    _adapt(math, display)
    return ElementTree.tostring(math, encoding="unicode", short_empty_elements=False)


# LaTeX to MathML Core

_ENVIRONMENT = re.compile(r"\\begin\{(?:aligned|align\*?|split)\}(.*?)\\end\{(?:aligned|align\*?|split)\}", re.DOTALL)
_LIMITS = {"max", "min", "lim", "sup", "inf", "argmax", "argmin", "arg max", "arg min", "Pr", "det", "gcd"}
_PRIMES = ("′", "″", "‴")
_BARS = set("|‖∣∥")
_VARIANTS = {"bold": "BOLD", "italic": "ITALIC", "bold-italic": "BOLD ITALIC"}


def _prepared(latex: str) -> str:
    """Without the environments that the converter has no word for: aligned lines become a table."""
    return _ENVIRONMENT.sub(lambda found: rf"\begin{{array}}{{rlrlrl}}{found[1]}\end{{array}}", latex.strip())


def _adapt(math: Element, display: bool) -> None:
    """From MathML 3 to what browsers draw: no styles, limits below, letters by their own code points."""
    if display:
        math.set("displaystyle", "true")
    for node in math.iter():
        for attribute in ("style", "class", "href", "mathcolor", "mathbackground"):
            node.attrib.pop(attribute, None)
        variant = node.attrib.get("mathvariant")
        if variant in _VARIANTS:
            del node.attrib["mathvariant"]
            node.text = "".join(_letter(letter, _VARIANTS[variant]) for letter in node.text or "")
        if node.tag == "msup" and (node[1].text or "") in _PRIMES:
            node.tag = "mrow"  # text fonts draw a prime raised already; as an exponent it would be a speck
            node[1].tag = "mo"
            node[1].attrib.update(lspace="0.06em", rspace="0")
        if node.tag == "mo" and _is_word(node):
            node.tag = "mi"  # as an operator, a name such as softmax would stand apart from its argument
        if node.tag == "mo" and (node.text or "") in _BARS and "stretchy" not in node.attrib:
            node.set("stretchy", "false")  # only what \left and \right enclose grows with its content
        if display and node.tag in ("msub", "msup", "msubsup") and _is_operator_with_limits(node[0]):
            node.tag = {"msub": "munder", "msup": "mover", "msubsup": "munderover"}[node.tag]
    for row in math.iter("mtr"):
        for before, cell in pairwise(row):
            if before.get("columnalign") == "right" and cell.get("columnalign") == "left" and len(cell):
                # As TeX does in aligned lines: with nothing before it, "=" would lose the spaces around it.
                cell.insert(0, ElementTree.Element("mi"))
    for row in math.iter():
        if row.tag in ("mrow", "math", "mtd", "mstyle"):
            _space_functions(row)


def _is_operator_with_limits(node: Element) -> bool:
    return node.tag in ("mo", "mi") and " ".join((node.text or "").split()) in _LIMITS


def _letter(letter: str, variant: str) -> str:
    """The letter of the mathematical alphabet, such as a bold italic theta; the letter itself where there is none."""
    try:
        name = unicodedata.name(letter)
        kind = "CAPITAL" if "CAPITAL" in name else "SMALL"
        stem = name.rpartition(" ")[2]
        return unicodedata.lookup(f"MATHEMATICAL {variant} {kind} {stem}")
    except (KeyError, ValueError):
        return letter


def _space_functions(row: Element) -> None:
    """The thin space that TeX sets between a function's name and its argument, and MathML does not."""
    children = list(row)
    for place in range(len(children) - 1, -1, -1):
        if not _names_function(children[place]):
            continue
        following = children[place + 1] if place + 1 < len(children) else None
        if following is not None and following.tag != "mo" and following.tag != "mspace":
            row.insert(place + 1, _thin_space())
        before = children[place - 1] if place else None
        if before is not None and before.tag not in ("mo", "mspace"):
            row.insert(place, _thin_space())


def _names_function(node: Element) -> bool:
    name = node
    while name.tag in ("msub", "msup", "msubsup", "munder", "mover", "munderover") and len(name):
        name = name[0]
    return name.tag in ("mi", "mo") and _is_word(name)


def _is_word(node: Element) -> bool:
    text = (node.text or "").strip()
    return len(text) > 1 and text.isascii() and text.replace(" ", "").isalpha()


def _thin_space() -> Element:
    return ElementTree.Element("mspace", {"width": "0.167em"})


# Markdown


class _Renderer(RendererHTML):
    """Markdown tokens as HTML, where ours differs from the library's."""

    def math_inline(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return _formula_or_source(tokens[at].content, env, display=False)

    def math_inline_double(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return _formula_or_source(tokens[at].content, env, display=True)

    def math_block(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return f"<div>{_formula_or_source(tokens[at].content, env, display=True)}</div>\n"

    def fence(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        language = (tokens[at].info.split() or ["text"])[0]
        if language == "output":  # what a code cell printed
            return f'<pre class="output" tabindex="0">{escape(tokens[at].content)}</pre>\n'
        return highlight(tokens[at].content, language)

    def code_block(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return highlight(tokens[at].content, "text")

    def table_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="table-scroll" tabindex="0" role="region" aria-label="Table">\n<table>\n'

    def table_close(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return "</table>\n</div>\n"

    def th_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return f'<th scope="col"{_alignment(tokens[at])}>'

    def td_open(self, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
        return f"<td{_alignment(tokens[at])}>"


def _alignment(token: Token) -> str:
    # The library writes an inline style, which the content security policy does not let through.
    return ' class="numeric"' if "right" in str(token.attrs.get("style", "")) else ""


def _formula_or_source(latex: str, env: EnvType, *, display: bool) -> str:
    try:
        math = formula(latex, display=display)
    except UnreadableFormula as fault:
        env["faults"].append(str(fault))
        sign = "$$" if display else "$"
        return f'<code class="math-fault" title="This formula cannot be shown.">{escape(sign + latex + sign)}</code>'
    # A wide formula scrolls by itself, so that a phone's page does not; the keyboard has to reach it for that.
    return f'<span class="math-display" tabindex="0">{math}</span>' if display else math


def _number_headings(tokens: list[Token]) -> tuple[Heading, ...]:
    """Move headings below the page's h1 and give each an anchor of its own."""
    found: list[Heading] = []
    taken: set[str] = set()
    shift = 2 - min((int(token.tag[1]) for token in tokens if token.type == "heading_open"), default=2)
    for place, token in enumerate(tokens):
        if token.type != "heading_open":
            continue
        # No level is skipped on the way down, whatever the text does: readers by ear go by the levels.
        level = min(6, int(token.tag[1]) + shift, found[-1].level + 1 if found else 2)
        token.tag = tokens[place + 2].tag = f"h{level}"  # the line of text stands between the two
        text = _plain(tokens[place + 1])
        anchor = _unused(_anchor_of(text), taken)
        token.attrSet("id", anchor)
        found.append(Heading(level, anchor, text))
    return tuple(found)


def _plain(token: Token) -> str:
    return "".join(child.content for child in token.children or ()).strip()


def _anchor_of(text: str) -> str:
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text).strip("-") or "section"


def anchors(texts: Sequence[str]) -> list[str]:
    """An anchor for each text, no two alike."""
    taken: set[str] = set()
    return [_unused(_anchor_of(text), taken) for text in texts]


def _unused(anchor: str, taken: set[str]) -> str:
    candidate, count = anchor, 1
    while candidate in taken:
        count += 1
        candidate = f"{anchor}-{count}"
    taken.add(candidate)
    return candidate


_READER = (
    MarkdownIt("commonmark", {"html": False, "typographer": True}, renderer_cls=_Renderer)
    .enable(["table", "smartquotes"])
    .use(dollarmath_plugin, allow_labels=False, allow_space=False, double_inline=True)
)
# The plugin brings a renderer of its own; ours makes MathML.
for _kind in ("math_inline", "math_inline_double", "math_block"):
    _READER.renderer.rules[_kind] = getattr(_READER.renderer, _kind)  # type: ignore[attr-defined]
