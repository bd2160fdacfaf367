import json
from dataclasses import dataclass
from typing import Literal

import pytest

from gradschool.kit.options import OptionError, from_json, parse, to_json, with_words


@dataclass(frozen=True)
class Config:
    loss: Literal["softmax", "hinge"] = "softmax"
    learning_rate: float = 0.1
    epochs: int = 3
    nesterov: bool = False
    name: str = "a"
    widths: tuple[int, ...] = (8, 4)
    crop: tuple[int, float] = (2, 0.5)

    def __post_init__(self):
        if self.epochs < 1:
            raise ValueError(f"epochs is {self.epochs}; it must be at least 1.")


def test_words_become_values_of_the_fields_types():
    words = {
        "loss": "hinge",
        "learning_rate": "1e-3",
        "epochs": "7",
        "nesterov": "yes",
        "name": "7",
        "widths": "1, 2,3",
        "crop": "4,1",
    }
    assert with_words(Config(), words) == Config("hinge", 1e-3, 7, True, "7", (1, 2, 3), (4, 1.0))


def test_a_field_that_is_not_named_keeps_its_value():
    assert with_words(Config(epochs=9), {"loss": "hinge"}) == Config("hinge", epochs=9)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("epochs", "3.5", "--epochs is '3.5'; it must be a whole number."),
        ("learning_rate", "fast", "--learning-rate is 'fast'; it must be a number."),
        ("learning_rate", "nan", "--learning-rate is 'nan'; it must be a finite number."),
        ("nesterov", "perhaps", "--nesterov is 'perhaps'; it must be true or false."),
        ("loss", "squared", "--loss is 'squared'; it must be softmax or hinge."),
        ("widths", "1,x", "--widths is 'x'; it must be a whole number."),
        ("crop", "1", "--crop is '1'; it must have 2 values with commas between them."),
        ("epochs", "0", "epochs is 0; it must be at least 1."),
        (
            "depth",
            "1",
            "There is no setting 'depth'; there are loss, learning_rate, epochs, nesterov, name, widths, crop.",
        ),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_remedy(name, text, sentence):
    with pytest.raises(OptionError) as refused:
        with_words(Config(), {name: text})
    assert str(refused.value) == sentence


def test_an_empty_tuple_can_be_given():
    assert with_words(Config(), {"widths": ""}).widths == ()


def test_one_choice_alone_is_named_alone():
    with pytest.raises(OptionError, match="it must be digits"):
        parse("dataset", "mnist", Literal["digits"])


@pytest.mark.parametrize("kind", [list[int], int | None, dict])
def test_a_field_of_another_type_is_the_recipe_s_mistake(kind):
    with pytest.raises(TypeError, match="none of the types"):
        parse("x", "1", kind)


def test_a_config_survives_its_json():
    config = Config("hinge", widths=(5,), crop=(1, 0.25))
    assert from_json(Config(), json.loads(json.dumps(to_json(config)))) == config


def test_a_setting_that_the_recipe_no_longer_has_is_named():
    with pytest.raises(OptionError, match="'dropout'"):
        from_json(Config(), {"dropout": 0.1})
