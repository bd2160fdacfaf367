import ast

import pytest

from gradschool.catalog import source

CARD = '''"""Demo: what it does.

Idea
    One line,
        deeper.

    A second paragraph.

Paper
    None.
"""
'''


def test_a_card_is_read_by_its_headings_at_the_margin():
    card = source.card(ast.parse(CARD))
    assert (card.title, card.summary) == ("Demo", "What it does.")
    assert card.sections == {"Idea": "One line,\n    deeper.\n\nA second paragraph.", "Paper": "None."}
    assert card.lines == 10


def test_a_summary_that_begins_with_a_word_of_one_letter_keeps_its_space():
    assert source.card(ast.parse('"""Demo: a number."""')).summary == "A number."


def test_a_module_without_a_card_has_an_empty_one():
    card = source.card(ast.parse("x = 1"))
    assert (card.title, card.summary, card.sections, card.lines) == ("", "", {}, 0)


def test_fields_are_read_with_the_string_under_each():
    tree = ast.parse('class Config:\n    a: int = 3\n    """how many"""\n    b: Literal["x"] = "x"\n    c: float\n')
    assert source.config_fields(tree) == (
        source.Field("a", "int", "3", "how many"),
        source.Field("b", "Literal['x']", "'x'", ""),
        source.Field("c", "float", None, ""),
    )


def test_presets_are_the_configs_in_capitals():
    tree = ast.parse("SMOKE = Config()\nLIMIT = 3\nbig = Config()\nBIG: Config = Config(a=1)\nOTHER = Thing()")
    assert source.presets(tree) == ("SMOKE", "BIG")


@pytest.mark.parametrize(
    ("annotation", "choices"),
    [
        ("Literal['a', 'b']", ("a", "b")),
        ("Literal[1]", (1,)),
        ("Literal[NAME]", ()),
        ("tuple[int, ...]", ()),
        ("int", ()),
    ],
)
def test_choices_are_those_of_a_literal(annotation, choices):
    assert source.choices(annotation) == choices


@pytest.mark.parametrize("call", ["Target('m', 1)", "Target(bar=BAR)", "Other(bar=1)", "3"])
def test_arguments_that_cannot_be_read_without_running_are_none(call):
    assert source.call_arguments(ast.parse(call, mode="eval").body, "Target") is None


def test_words_do_not_change_the_hash_of_the_code_and_code_does(tmp_path):
    def hashed(text):
        path = tmp_path / "m.py"
        path.write_text(text)
        return source.code_hash(path)

    plain = hashed("x = '# no comment'\n\ndef f():\n    return x\n")
    assert (
        hashed(
            '"""Card."""\n\n# why\nx = \'# no comment\'  # what\ndef f():\n    """Doc\n    string."""\n    return x\n'
        )
        == plain
    )
    assert hashed("x = '# another comment'\n\ndef f():\n    return x\n") != plain
    assert hashed("x = '# no comment'\n\ndef f():\n    return -x\n") != plain


def test_the_same_lines_in_another_file_of_the_pair_are_another_hash(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("x = 1\n")
    b.write_text("y = 1\n")
    assert source.code_hash(a, b) != source.code_hash(b, a)


def test_what_a_file_imports_of_the_library_is_named():
    tree = ast.parse(
        "import numpy\nfrom gradschool.kit import seed\n"
        "def f():\n    from gradschool.library.autodiff.reverse_mode import Tensor\n"
        "from gradschool.library.foundations.mlp import MLP\n"
    )
    assert source.imported(tree) == ("mlp", "reverse_mode")
