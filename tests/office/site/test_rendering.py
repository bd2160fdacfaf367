"""Markdown, mathematics and code become HTML that the content security policy lets through."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from gradschool.catalog import methods
from gradschool.office.site import rendering

COURSE = Path(__file__).resolve().parents[3] / "course"
TEXTS = sorted(path.relative_to(COURSE).as_posix() for path in COURSE.rglob("*.md") if "bank" not in path.parts)

FORMULAS = [
    r"\frac{\partial L}{\partial s_c} = p_c - [c = y]",
    r"\min_{W, b} \frac{1}{N} \sum_{i=1}^{N} L(W x_i + b, y_i) + \lambda \lVert W \rVert_2^2",
    r"\mathbf{x}^\top \boldsymbol{\theta} \in \mathbb{R}^{C \times D}",
    r"\begin{cases} x & x > 0 \\ 0 & \text{otherwise} \end{cases}",
    r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}",
    r"\begin{aligned} a &= b \\ &\ge c \end{aligned}",
    r"\underbrace{a + b}_{\text{sum}} \color{red}{x}",
    r"\mathbb{E}_{q}\left[\log p(x \mid z)\right] - D_{\mathrm{KL}}(q \,\|\, p)",
]


def leaves(latex: str, *, display: bool = False) -> list[tuple[str, str]]:
    """(element, text) of everything that a formula shows."""
    tree = ElementTree.fromstring(rendering.formula(latex, display=display))
    return [(node.tag.rpartition("}")[2], node.text) for node in tree.iter() if node.text]


@pytest.mark.parametrize("latex", FORMULAS)
@pytest.mark.parametrize("display", [True, False])
def test_a_formula_is_well_formed_mathml_without_style(latex: str, display: bool) -> None:
    math = rendering.formula(latex, display=display)
    tree = ElementTree.fromstring(math)
    assert tree.tag.endswith("math")
    assert tree.get("display") == ("block" if display else "inline")
    assert not re.search(r"\b(style|class|href|mathcolor|mathbackground)=", math)


def test_a_bold_greek_letter_is_its_own_character_because_browsers_ignore_the_variant() -> None:
    assert ("mi", "\N{MATHEMATICAL BOLD ITALIC SMALL THETA}") in leaves(r"\boldsymbol{\theta}")


def test_limits_stand_below_in_a_display_and_beside_in_a_line() -> None:
    assert "<munder>" in rendering.formula(r"\max_a Q", display=True)
    assert "<msub>" in rendering.formula(r"\max_a Q", display=False)


def test_a_function_name_stands_apart_from_what_follows_but_not_from_a_parenthesis() -> None:
    assert 'log</mi><mspace width="0.167em">' in rendering.formula(r"\log p", display=False)
    assert "mspace" not in rendering.formula(r"\log(p)", display=False)


def test_a_prime_is_no_exponent() -> None:
    assert "msup" not in rendering.formula("f'(x) + g''(x)", display=False)
    assert "msup" in rendering.formula("x^2", display=False)


def test_a_norm_does_not_grow_with_the_sum_before_it() -> None:
    assert 'stretchy="false">‖' in rendering.formula(r"\sum_i \lVert W \rVert", display=True)


def test_aligned_lines_become_a_table() -> None:
    math = rendering.formula(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", display=True)
    assert math.count("<mtr>") == 2
    assert "&amp;" not in math


@pytest.mark.parametrize("latex", [r"\frac{1}{", r"\nosuchcommand x", r"a & b"])
def test_a_formula_that_cannot_be_read_is_shown_as_its_source_and_reported(latex: str) -> None:
    text = f"Before ${latex}$ after."
    page = rendering.html(text)
    assert 'class="math-fault"' in page
    assert "Before" in page
    assert "after." in page
    (fault,) = rendering.faults(text)
    assert latex in fault


def test_a_text_without_faults_has_none() -> None:
    assert rendering.faults("Costs $5 or more; $x^2$ is a formula.") == []


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_of_the_course_can_be_shown_as_it_is_meant(name: str) -> None:
    assert rendering.faults((COURSE / name).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)
def test_every_card_of_the_library_can_be_shown_as_it_is_meant(method) -> None:
    assert [fault for text in method.card.values() for fault in rendering.faults(text)] == []


def test_raw_html_is_shown_and_not_obeyed() -> None:
    page = rendering.html('<script>alert(1)</script> <b onclick="x">bold</b> [a](javascript:alert(1))')
    assert "<script" not in page
    assert "<b " not in page
    assert "href" not in page
    assert "&lt;script&gt;" in page


def test_headings_start_below_the_page_heading_and_skip_no_level() -> None:
    rendered = rendering.render("# One\n\n### Deep\n\n## Two\n")
    assert [heading.level for heading in rendered.headings] == [2, 3, 3]
    assert "<h1" not in rendered.html
    assert '<h3 id="deep">Deep</h3>' in rendered.html


def test_headings_of_the_same_text_have_different_anchors() -> None:
    rendered = rendering.render("## Idea\n\n## Idea\n\n## What is $W$?\n")
    assert [heading.anchor for heading in rendered.headings] == ["idea", "idea-2", "what-is-w"]


def test_code_is_colored_by_classes() -> None:
    page = rendering.html("```python\ndef f(): return 1\n```\n")
    assert '<span class="k">def</span>' in page
    assert "style=" not in page


def test_what_a_cell_printed_is_no_code() -> None:
    assert rendering.html("~~~~output\n<3>\n~~~~") == '<pre class="output" tabindex="0">&lt;3&gt;\n</pre>\n'


def test_code_in_an_unknown_language_stays_plain() -> None:
    assert "&lt;tag&gt;" in rendering.html("```nosuchlanguage\n<tag>\n```\n")


def test_a_table_scrolls_by_itself_and_its_numbers_stand_right() -> None:
    page = rendering.html("| name | error |\n|:--|--:|\n| knn | 3.1 |\n")
    assert 'class="table-scroll" tabindex="0"' in page
    assert '<td class="numeric">3.1</td>' in page
    assert "style=" not in page


def test_one_line_gets_no_paragraph() -> None:
    assert rendering.inline("A `word`\nand $x$").startswith("A <code>word</code> and <math")
