"""The hand-out as a notebook: the whole text, the files where they are needed, and valid in format 4.5."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from gradschool.grading import handout
from gradschool.grading.notebook import notebook, sections
from gradschool.grading.problem import ProblemError

TEXT = """# Title

Words.

```text
# no heading
```

## First

Write `double(x)`, and nothing of `nobody`.

#### Too deep to cut

## Second
"""
FILES = {"work.py": "def double(x):\n    raise NotImplementedError\n", "other.py": "class Thing:\n    pass\n"}


@pytest.fixture
def cells():
    return json.loads(notebook("toy", TEXT, FILES))["cells"]


def source(cell):
    return "".join(cell["source"])


def test_the_text_is_cut_at_headings_and_whole():
    pieces = list(sections(TEXT))
    assert [piece.splitlines()[0] for piece in pieces] == ["# Title", "## First", "## Second"]
    assert "".join("\n\n".join(pieces).split()) == "".join(TEXT.split())


def test_a_file_is_written_where_the_text_first_asks_for_something_of_it_and_the_others_at_the_end(cells):
    code = [source(cell).splitlines()[0] for cell in cells if cell["cell_type"] == "code"]
    assert code == [
        "%%writefile work.py",
        "%%writefile other.py",
        "!gradschool check toy .",
        "!gradschool submit toy .",
    ]
    order = [source(cell).splitlines()[0] for cell in cells]
    assert order.index("## First") < order.index("%%writefile work.py") < order.index("## Second")


def test_the_cells_write_the_files_as_the_zip_has_them(problem):
    whole = json.loads(handout.as_notebook(problem))
    written = {}
    for cell in whole["cells"]:
        if found := re.match(r"%%writefile (\S+)\n(.*)", source(cell), re.S):
            written[found[1]] = found[2] + "\n"
    assert written == handout.starter(problem)


def test_it_has_the_form_of_a_notebook(problem):
    whole = json.loads(handout.as_notebook(problem))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    assert whole["metadata"]["kernelspec"].keys() >= {"name", "display_name"}
    ids = [cell["id"] for cell in whole["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id) for id in ids)
    for cell in whole["cells"]:
        code = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | code
        assert all(line.endswith("\n") for line in cell["source"][:-1])


def test_the_same_hand_out_gives_the_same_bytes_and_one_without_code_none(problem):
    assert handout.as_notebook(problem) == handout.as_notebook(problem)
    with pytest.raises(ProblemError, match="no code to write"):
        handout.as_notebook(dataclasses.replace(problem, files=("answers.json",)))
