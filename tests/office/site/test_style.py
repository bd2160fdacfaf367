"""The style sheet: enough contrast in light and dark, and nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gradschool.office.site

STATIC = Path(gradschool.office.site.__file__).parent / "static" / "site"
CSS = (STATIC / "gradschool.css").read_text(encoding="utf-8")


def colors(scheme: str) -> dict[str, str]:
    """The named colors of a scheme; what dark does not name anew it has from light."""
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    light = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", blocks[0]))
    dark = light | dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", blocks[1]))
    return light if scheme == "light" else dark


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


GROUNDS = ["paper", "surface", "sunken", "quiet-tint"]
PAIRS = [
    *((ink, ground) for ink in ("text", "muted", "accent", "accent-strong") for ground in GROUNDS),
    *((ink, "accent-tint") for ink in ("text", "muted", "accent")),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    *((kind, f"{kind}-tint") for kind in ("good", "fair", "bad")),
    *((ink, f"{kind}-tint") for ink in ("text", "accent", "muted") for kind in ("good", "fair", "bad")),
    *((kind, ground) for kind in ("good", "fair", "bad") for ground in ("paper", "surface")),
    *((f"code-{kind}", "surface") for kind in ("comment", "keyword", "string", "number", "name")),
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(scheme: str, ink: str, ground: str) -> None:
    named = colors(scheme)
    assert contrast(named[ink], named[ground]) >= 4.5  # WCAG 2.2, 1.4.3, level AA


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
def test_the_edge_of_a_field_can_be_seen(scheme: str, ground: str) -> None:
    named = colors(scheme)
    assert contrast(named["control"], named[ground]) >= 3  # WCAG 2.2, 1.4.11, level AA


def test_nothing_comes_from_elsewhere() -> None:
    assert "url(" not in CSS
    assert "@import" not in CSS


VERDICTS = ["correct", "partial", "wrong", "crashed", "timed_out", "out_of_memory", "refused", "grader_error"]


@pytest.mark.parametrize("verdict", [*VERDICTS, "waiting", "late"])
def test_every_verdict_has_a_sign_of_its_own_beside_its_color(verdict: str) -> None:
    signs = dict(re.findall(r'\.badge\.([a-z_]+)::before \{\s+content: "(.)" / "";', CSS))
    assert verdict in signs
    assert list(signs.values()).count(signs[verdict]) == 1


def test_htmx_is_the_version_that_the_notices_name() -> None:
    assert 'version:"2.0.11"' in (STATIC / "htmx.min.js").read_text(encoding="utf-8")
