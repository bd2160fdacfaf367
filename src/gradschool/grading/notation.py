"""The notation of answers: numbers and formulas, read by a parser of its own into a small tree, never by Python.

    sum      = product {("+" | "-") product}
    product  = signed {("*" | "/") signed | power}        the second form is a product without a sign: 2x, 3(x + 1)
    signed   = ("-" | "+") signed | power
    power    = atom ["^" signed]
    atom     = number | name | function "(" sum {"," sum} ")" | "(" sum ")"

Everything is bounded, since anybody may hand in anything: length, pieces, nesting, digits, and constant exponents.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fractions import Fraction

MOST_LETTERS = 2000
MOST_PIECES = 400  # numbers, names and signs
DEEPEST = 40  # nested brackets, signs and powers
MOST_DIGITS = 40
LARGEST_TEN = 300  # the power of ten of a number such as 1e-3
LARGEST_EXPONENT = 100  # of a power whose exponent is a number

CONSTANTS = ("pi", "e")
FUNCTIONS = {  # name: least and most arguments
    "exp": (1, 1), "log": (1, 1), "ln": (1, 1), "sqrt": (1, 1), "abs": (1, 1), "sign": (1, 1),
    "sin": (1, 1), "cos": (1, 1), "tan": (1, 1), "sinh": (1, 1), "cosh": (1, 1), "tanh": (1, 1),
    "sigmoid": (1, 1), "softplus": (1, 1), "relu": (1, 1), "max": (2, 8), "min": (2, 8),
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Δ": "Delta", "Σ": "Sigma", "Ω": "Omega",
}  # fmt: skip
SIGNS = {
    "−": "-", "–": "-", "·": "*", "×": "*", "⋅": "*", "∙": "*", "÷": "/", "∕": "/", "**": "^", "{": "(", "}": ")",
    "²": "^2", "³": "^3", "½": "(1/2)", "\u00a0": " ", "\u2009": " ", "\u202f": " ",
}  # fmt: skip
PIECE = re.compile(
    r"\s*(?:(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z]\w*)|([-+*/^(),])|(\S))", re.A
)


class Unreadable(ValueError):
    """The text is not in the notation; str() is a sentence for its author."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was written, and its exact value."""

    value: Fraction
    text: str


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or one of the constants pi and e."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus something."""

    of: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """`left sign right`; sign is one of + - * / ^."""

    sign: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of FUNCTIONS and its arguments."""

    function: str
    arguments: tuple[Node, ...]


Node = Number | Name | Negative | Binary | Call


def parse(text: str, variables: Collection[str] = ()) -> Node:
    """The tree of a formula in these variables (none: of a number). Raises Unreadable."""
    return _Parser(text, variables).whole()


def split_rows(text: str) -> list[list[str]]:
    """The entries of a vector or matrix: rows on lines or between semicolons, entries between commas or spaces.

    Brackets around rows and around the whole are taken, too. Raises Unreadable.
    """
    if len(text) > MOST_LETTERS:
        raise Unreadable(f"That is longer than the {MOST_LETTERS} letters that are read.")
    text = text.strip()
    if "[" in text:
        text = re.sub(r"\]\s*[,;]?\s*\[", ";", text).replace("[", " ").replace("]", " ")
    rows = [row.strip().rstrip(",") for row in re.split(r"[;\n]", text)]
    found = [_split_outside(row) for row in rows if row]
    if not found:
        raise Unreadable("There is no entry in it.")
    return found


def _split_outside(row: str) -> list[str]:
    """Split at commas outside of brackets, or at spaces where there is no such comma."""
    for separators in (",", " \t"):
        entries, depth = [""], 0
        for letter in row:
            depth += (letter == "(") - (letter == ")")
            if letter in separators and depth == 0:
                entries.append("")
            else:
                entries[-1] += letter
        if len(entries) > 1:
            return [entry.strip() for entry in entries if entry.strip() or separators == ","]
    return [row]


def names(node: Node) -> Iterator[str]:
    """Every name in a tree, constants too, as often as it stands there."""
    match node:
        case Name(name):
            yield name
        case Negative(of):
            yield from names(of)
        case Binary(_, left, right):
            yield from names(left)
            yield from names(right)
        case Call(_, arguments):
            for argument in arguments:
                yield from names(argument)


class _Parser:
    def __init__(self, text: str, variables: Collection[str]) -> None:
        self.variables = frozenset(variables)
        self.pieces = self._pieces(text)
        self.at = 0
        self.depth = 0

    def _pieces(self, text: str) -> list[str]:
        if len(text) > MOST_LETTERS:
            raise Unreadable(f"That is longer than the {MOST_LETTERS} letters that are read.")
        for written, meant in SIGNS.items():
            text = text.replace(written, meant)
        text = re.sub(rf"([{''.join(GREEK)}])(?=([A-Za-z{''.join(GREEK)}])?)", _spelled, text)
        if not text.strip():
            raise Unreadable("There is nothing in it.")
        pieces = []
        for found in PIECE.finditer(text):
            number, name, sign, other = found.groups()
            if other:
                raise Unreadable(_stranger(other))
            if number and len(number) > MOST_DIGITS:
                raise Unreadable(f"A number has more than {MOST_DIGITS} digits.")
            pieces.append(number or name or sign or "")
        pieces = [piece for piece in pieces if piece]
        if len(pieces) > MOST_PIECES:
            raise Unreadable(f"That has more than the {MOST_PIECES} numbers, names and signs that are read.")
        return pieces

    def whole(self) -> Node:
        tree = self.sum()
        if (left := self.peek()) is not None:
            raise Unreadable(
                "Write a decimal point, not a comma." if left == "," else f"“{left}” does not belong there."
                if left != ")" else "There is a closing bracket too many."
            )  # fmt: skip
        return tree

    def peek(self) -> str | None:
        return self.pieces[self.at] if self.at < len(self.pieces) else None

    def take(self, *wanted: str) -> str | None:
        piece = self.peek()
        if piece is not None and piece in wanted:
            self.at += 1
            return piece
        return None

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable(f"That is nested more than {DEEPEST} deep.")

    def sum(self) -> Node:
        self.deeper()
        tree = self.product()
        while sign := self.take("+", "-"):
            tree = Binary(sign, tree, self.product())
        self.depth -= 1
        return tree

    def product(self) -> Node:
        tree = self.signed()
        while True:
            if sign := self.take("*", "/"):
                tree = Binary(sign, tree, self.signed())
            elif (piece := self.peek()) is not None and (piece == "(" or piece[0].isalnum() or piece[0] in "._"):
                if isinstance(tree, Binary) and tree.sign == "/":
                    raise Unreadable(
                        f"Is “{piece}” below the fraction line or beside the fraction? Set brackets, or write *."
                    )
                if piece[0].isdigit() or piece[0] == ".":
                    raise Unreadable(f"There is no sign before “{piece}”.")
                tree = Binary("*", tree, self.power())
            else:
                return tree

    def signed(self) -> Node:
        if sign := self.take("-", "+"):
            self.deeper()
            tree = self.signed()
            self.depth -= 1
            return Negative(tree) if sign == "-" else tree
        return self.power()

    def power(self) -> Node:
        tree = self.atom()
        if self.take("^"):
            self.deeper()
            exponent = self.signed()
            self.depth -= 1
            _bound(exponent)
            tree = Binary("^", tree, exponent)
        return tree

    def atom(self) -> Node:
        piece = self.peek()
        if piece is None:
            raise Unreadable("It ends too early: something is missing at the end.")
        self.at += 1
        if piece == "(":
            tree = self.sum()
            if not self.take(")"):
                raise Unreadable(
                    "Write a decimal point, not a comma." if self.peek() == "," else "A bracket is not closed."
                )
            return tree
        if piece[0].isdigit() or piece[0] == ".":
            return Number(_value(piece), piece)
        if piece[0].isalpha():
            return self.named(piece)
        raise Unreadable(f"Something is missing before “{piece}”.")

    def named(self, name: str) -> Node:
        if name in self.variables:
            return Name(name)
        if name in FUNCTIONS:
            if not self.take("("):
                raise Unreadable(f"Write the argument of {name} in brackets: {name}(...).")
            arguments = [self.sum()]
            while self.take(","):
                arguments.append(self.sum())
            if not self.take(")"):
                raise Unreadable(f"The bracket after {name} is not closed.")
            least, most = FUNCTIONS[name]
            if not least <= len(arguments) <= most:
                takes = f"{least}" if least == most else f"{least} to {most}"
                raise Unreadable(f"{name} takes {takes} argument{'s' if most > 1 else ''}, not {len(arguments)}.")
            return Call("log" if name == "ln" else name, tuple(arguments))
        if name in CONSTANTS:
            return Name(name)
        raise Unreadable(self._unknown(name))

    def _unknown(self, name: str) -> str:
        shown = name[:40]
        if not self.variables:
            return f"“{shown}” is no number. Give a number such as 7/12, sqrt(2) or 0.583."
        fold = {known.lower(): known for known in self.variables}
        if name.lower() in fold:
            return f"“{shown}” is not known here. Did you mean {fold[name.lower()]}?"
        if len(name) > 1 and all(letter in self.variables for letter in name):
            return f"“{shown}” is not known here. For a product write {'*'.join(shown)}."
        return f"“{shown}” is not known here. The formula may use {', '.join(sorted(self.variables))}."


def _value(text: str) -> Fraction:
    mantissa, _, ten = text.lower().partition("e")
    if ten and abs(int(ten)) > LARGEST_TEN:
        raise Unreadable(f"“{text[:20]}” is beyond the powers of ten that are read, {LARGEST_TEN} at most.")
    return Fraction(mantissa.rstrip(".") or "0") * Fraction(10) ** int(ten or 0)


def _spelled(found: re.Match[str]) -> str:
    """A Greek letter by its name, apart from the letters around it."""
    return f" {GREEK[found[1]]}{' ' if found[2] else ''}"


def _stranger(text: str) -> str:
    letter = text[0]
    if letter == "%":
        return "Write a share, such as 0.25 or 25/100, not percent."
    if letter in "=<>":
        return f"Give one side only, without “{letter}”."
    if letter == "_" or letter == ".":
        return f"“{letter}” cannot stand there."
    if letter.isascii():
        return (
            f"“{letter}” is no sign of this notation." if letter.isprintable() else "A control character stands in it."
        )
    name = unicodedata.name(letter, "unnamed").lower()
    return f"“{letter}” ({name}) is not read here. Type it anew with the letters and signs of the keyboard."


def _bound(exponent: Node) -> None:
    """A constant exponent must be small: otherwise five letters ask for more digits than there are atoms."""
    if any(name not in CONSTANTS for name in names(exponent)):
        return
    size = _size(exponent)
    if not size <= LARGEST_EXPONENT:
        raise Unreadable(f"An exponent is larger than {LARGEST_EXPONENT}.")


def approximately(node: Node) -> str:
    """A constant to six digits, for people; a dash where it has no value."""
    try:
        return f"{_float(node):.6g}"
    except (ArithmeticError, ValueError):
        return "–"


def _size(node: Node) -> float:
    """About the absolute value of a constant, in floats; infinite where they overflow. At most as precise as a bound
    needs."""
    try:
        return abs(_float(node))
    except (ArithmeticError, ValueError):
        return math.inf


def _float(node: Node) -> float:
    match node:
        case Number(value):
            return float(value)
        case Name(name):
            return {"pi": math.pi, "e": math.e}[name]
        case Negative(of):
            return -_float(of)
        case Binary(sign, left, right):
            a, b = _float(left), _float(right)
            if sign == "^":
                return math.pow(a, b)
            return a + b if sign == "+" else a - b if sign == "-" else a * b if sign == "*" else a / b
        case Call(function, arguments):
            values = [_float(argument) for argument in arguments]
            if function in ("max", "min"):
                return max(values) if function == "max" else min(values)
            x = values[0]
            others = {
                "abs": abs,
                "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
                "sigmoid": lambda x: 0.5 * (1.0 + math.tanh(0.5 * x)),
                "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
                "relu": lambda x: max(x, 0.0),
            }
            found = others.get(function) or getattr(math, function)
            return float(found(x))


# ------------------------------------------------------------------------------------------------------------ LaTeX


def latex(node: Node) -> str:
    """The tree as LaTeX, with the brackets that it needs and no others: how the formula was read."""
    return _latex(node)[0]


def _latex(node: Node) -> tuple[str, int]:
    """The LaTeX of a node, and how firmly it holds together: 1 a sum, 2 a product, 3 a power, 4 in one piece."""
    match node:
        case Number(_, text):
            mantissa, _, ten = text.lower().partition("e")
            return (rf"{mantissa} \cdot 10^{{{int(ten)}}}", 2) if ten else (text, 4)
        case Name(name):
            return _letter(name), 4
        case Negative(of):
            return f"-{_inside(of, 2)}", 1
        case Call("sqrt", (argument,)):
            return rf"\sqrt{{{latex(argument)}}}", 4
        case Call("abs", (argument,)):
            return rf"\left|{latex(argument)}\right|", 4
        case Call("exp", (argument,)):
            return f"e^{{{latex(argument)}}}", 3
        case Call(function, arguments):
            known = function in ("log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "max", "min")
            name = rf"\{function}" if known else rf"\mathrm{{{function}}}"
            return rf"{name}\left({', '.join(map(latex, arguments))}\right)", 4
        case Binary("/", left, right):
            return rf"\frac{{{latex(left)}}}{{{latex(right)}}}", 4
        case Binary("^", left, right):
            base = _inside(left, 4)
            base = rf"\left({base}\right)" if base.startswith(r"\frac") else base
            return f"{base}^{{{latex(right)}}}", 3
        case Binary("*", left, right):
            a, b = _inside(left, 2), _inside(right, 3)
            if isinstance(left, Negative) or (isinstance(left, Binary) and left.sign == "*"):
                a = latex(left)  # a minus in front needs no brackets, and makes of the product what a sum is to others
            sign = r"\cdot" if b[0].isdigit() or b.startswith(r"\frac") else r"\,"
            return f"{a} {sign} {b}", 1 if a.startswith("-") else 2
        case Binary(sign, left, right):
            return f"{_inside(left, 1)} {sign} {_inside(right, 2)}", 1


def _inside(node: Node, least: int) -> str:
    text, level = _latex(node)
    return text if level >= least else rf"\left({text}\right)"


def _letter(name: str) -> str:
    stem, _, index = name.partition("_")
    digits = re.fullmatch(r"([A-Za-z])(\d+)", stem)
    if digits and not index:
        stem, index = digits.groups()
    letter = rf"\{stem}" if stem in GREEK.values() else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    return f"{letter}_{{{index}}}" if index else letter
