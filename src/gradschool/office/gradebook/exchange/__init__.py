"""Grades as files: read and written in the forms of Canvas, Gradescope, otter-grader, nbgrader and our own.

`table` reads and writes CSV, `sheets` finds out what kind of file one is and what it proposes, `roster` finds the
students that it means, `preview` compares it with the records; `canvas`, `gradescope` and `own` write.
"""
