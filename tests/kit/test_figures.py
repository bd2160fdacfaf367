import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from gradschool.kit import figures

NUMBERS = np.random.default_rng(0)


def loss_curve():
    x = np.arange(1, 6)
    return figures.curves({"train": (x, np.ones((3, 5))), "test": (x, np.ones((1, 5)))}, title="t", across="x", up="y")


def templates():
    return figures.image_row(NUMBERS.normal(size=(3, 8, 8)), "abc", title="t", low="against", high="for")


def mistakes():
    return figures.confusion(np.array([[9, 1], [0, 8]]), "ab", title="t")


def table():
    return figures.image_table(
        NUMBERS.uniform(size=(2, 3, 8, 8)), ["abc", "def"], marked=np.eye(2, 3, dtype=bool), heads="xyz", title="t"
    )


@pytest.mark.parametrize("draw", [loss_curve, templates, mistakes, table])
def test_a_figure_is_an_svg_that_says_what_it_shows(draw):
    content = figures.svg(draw(), "A title", "What is to be seen.")
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<dc:title>A title</dc:title>" in content
    assert b"<dc:description>What is to be seen.</dc:description>" in content


@pytest.mark.parametrize("draw", [loss_curve, mistakes])
def test_the_same_numbers_give_the_same_bytes(draw):
    assert figures.svg(draw(), "t", "a") == figures.svg(draw(), "t", "a")


def test_a_figure_names_no_date_and_no_program():
    content = figures.svg(loss_curve(), "t", "a")
    assert b"dc:date" not in content
    assert b"dc:creator" not in content


def test_a_figure_brings_its_own_light_paper():
    assert figures.PAPER.encode() in figures.svg(loss_curve(), "t", "a")


def test_names_at_the_ends_of_equal_lines_do_not_lie_on_each_other():
    axes = loss_curve().axes[0]
    low, high = sorted(text.xy[1] for text in axes.texts)
    assert high - low >= 0.06 * np.ptp(axes.get_ylim())


def test_templates_stay_as_large_as_they_are_and_white_is_zero():
    row = templates()
    image = row.axes[0].images[0]
    assert image.get_array().shape == (8, 8)
    assert image.norm.vmin == -image.norm.vmax
    assert np.allclose(figures.DIVERGING(0.5)[:3], [0xF7 / 255, 0xF4 / 255, 0xEC / 255], atol=0.02)


def test_templates_that_are_all_zero_can_be_drawn():
    figures.svg(figures.image_row(np.zeros((2, 4, 4)), "ab", title="t", low="l", high="h"), "t", "a")


def test_only_mistakes_are_shaded():
    shaded = mistakes().axes[0].collections[0].get_array()
    assert np.asarray(shaded).reshape(2, 2).tolist() == [[0, 1], [0, 0]]


def test_a_table_of_images_frames_what_is_marked_and_says_the_words():
    axes = table().axes
    assert [ax.get_xlabel() for ax in axes] == list("abcdef")
    assert [ax.get_title() for ax in axes] == [*"xyz", "", "", ""]
    framed = [ax.spines["left"].get_linewidth() > 2 for ax in axes]
    assert framed == [True, False, False, False, True, False]
    assert len({ax.images[0].get_clim() for ax in axes}) == 1, "one grey means one number in all of them"


def test_the_first_column_of_a_table_stands_apart():
    left = [ax.get_position().x0 for ax in table().axes[:3]]
    assert left[1] - left[0] > left[2] - left[1]


def test_more_lines_than_colors_are_refused_and_none_is_left_out():
    x = np.arange(3)
    lines = {str(k): (x, np.ones((1, 3))) for k in range(6)}
    with pytest.raises(ValueError, match="There are 6 lines in 't'; a figure has colors for 5"):
        figures.curves(lines, title="t", across="x", up="y")


def test_dots_show_each_value_and_the_mean():
    rows = {name: {"a": NUMBERS.uniform(size=4), "b": NUMBERS.uniform(size=4)} for name in ("one", "two", "three")}
    axes = figures.dots(rows, title="t", across="x").axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    means = [line for line in axes.lines if line.get_marker() == "|"]
    assert [len(line.get_xdata()) for line in dots] == [4] * 6
    assert [line.get_xdata()[0] for line in means] == [v.mean() for row in rows.values() for v in row.values()]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)


def test_every_way_down_has_its_panel_and_fits_into_it():
    paths = {str(k): NUMBERS.normal(size=(5, 2)) for k in range(4)}
    panels = figures.descents(paths, lambda x, y: x**2 + y**2, title="t").axes
    assert [panel.get_title(loc="left") for panel in panels if panel.get_visible()] == list(paths)
    for panel, path in zip(panels, paths.values(), strict=False):
        (low, high), (bottom, top) = panel.get_xlim(), panel.get_ylim()
        assert (path[:, 0] > low).all()
        assert (path[:, 0] < high).all()
        assert (path[:, 1] > bottom).all()
        assert (path[:, 1] < top).all()


def photographs(**settings):
    rows = [[NUMBERS.integers(0, 255, (6, 8, 3), np.uint8), *NUMBERS.uniform(size=(3, 6, 8))] for _ in range(2)]
    return figures.pictures(rows, "pqrs", ["abcd", "efgh"], title="t", **settings)


def test_a_table_of_pictures_keeps_colors_and_gives_equal_scales_one_bar():
    meters = figures.Scale(0, 2, "m")
    figure = photographs(scales={1: meters, 2: meters, 3: figures.Scale(-1, 1, "error", diverging=True)})
    shown, bars = figure.axes[:8], figure.axes[8:]
    assert [ax.get_xlabel() for ax in shown] == list("abcdefgh")
    assert [ax.get_title() for ax in shown] == [*"pqrs", *[""] * 4]
    assert shown[0].images[0].get_array().shape == (6, 8, 3)
    assert shown[1].images[0].get_array().shape == (6, 8)
    assert [ax.get_xlabel() for ax in bars] == ["m", "error"]
    assert bars[0].get_position().width > 2 * bars[1].get_position().width
    assert figures.svg(figure, "t", "a") == figures.svg(figure, "t", "a")


def test_maps_without_a_scale_share_the_range_of_their_column():
    low, high = np.zeros((2, 2)), np.full((2, 2), 5.0)
    low[0, 0] = np.nan
    figure = figures.pictures([[low], [high]], ["map"], title="t")
    assert [(ax.images[0].norm.vmin, ax.images[0].norm.vmax) for ax in figure.axes[:2]] == [(0, 5)] * 2
    figures.svg(figures.pictures([[low]], ["constant"], title="t"), "t", "a")


@pytest.mark.parametrize("number", [0.0, 0.3, 1.0])
def test_a_scale_with_its_ends_exchanged_paints_dark_what_is_low(number):
    picture = np.array([[0.0, 1.0]])
    usual, exchanged = (
        figures.pictures([[picture]], ["map"], title="t", scales={0: figures.Scale(*ends)}).axes[0].images[0]
        for ends in ((0, 1), (1, 0))
    )
    assert usual.to_rgba(number) == pytest.approx(exchanged.to_rgba(1 - number), abs=1 / 128)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ([np.zeros((4, 4))] * 3, "A row has 3 pictures and there are 2 heads; each column needs one."),
        ([np.zeros((3, 4, 4), np.uint8)] * 2, r"A picture has shape \(3, 4, 4\) of uint8; give uint8"),
        ([np.zeros((4, 4, 3))] * 2, r"A picture has shape \(4, 4, 3\) of float64; give uint8"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_refused_in_a_sentence(row, sentence):
    with pytest.raises(ValueError, match=sentence):
        figures.pictures([row], "ab", title="t")
