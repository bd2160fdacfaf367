"""What the library holds, read from its source as text and from the recorded results: no method is ever imported.

A method is a pair of files, `<room>/<name>.py` and `<room>/<name>_recipe.py`. `faults()` says what is missing or
malformed in the whole library, one sentence each, with the file's name.
"""

from gradschool.catalog.faults import faults
from gradschool.catalog.places import Places
from gradschool.catalog.shelf import (
    Figure,
    Method,
    Option,
    Result,
    Room,
    Target,
    UnknownMethod,
    method,
    methods,
    rooms,
)

__all__ = [
    "Figure",
    "Method",
    "Option",
    "Places",
    "Result",
    "Room",
    "Target",
    "UnknownMethod",
    "faults",
    "method",
    "methods",
    "rooms",
]
