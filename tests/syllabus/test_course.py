"""The course is the one of the page: every fact is written down here a second time, from the page."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from gradschool.syllabus.course import Course, NotInCourse

S, A, N, R, L = "Slides", "Slides (annotated)", "notes", "Lecture recording", "link"

# Date, week, kind, words of the topic, guest, slots in order ("notes" and "link" stand for any such slot).
SCHEDULE = [
    ("2021-08-24", 1, "lecture", "Introduction logistics", None, [L, L, R]),
    ("2021-08-26", 1, "lecture", "Image classification nearest", None, [S, A, N, N, R]),
    ("2021-08-31", 2, "lecture", "Linear classifiers loss functions", None, [S, A, R]),
    ("2021-09-02", 2, "lecture", "Regularization neural networks", None, [S, A, R]),
    ("2021-09-07", 3, "lecture", "Optimization gradients", None, [S, A, N, R]),
    ("2021-09-09", 3, "lecture", "Forward reverse differentiation", None, [S, A, R]),
    ("2021-09-14", 4, "lecture", "Backprop", None, [S, A, R]),
    ("2021-09-16", 4, "lecture", "Backprop 2", None, [S, A, R]),
    ("2021-09-21", 5, "lecture", "What is a convolution?", None, [S, A, N, R]),
    ("2021-09-23", 5, "lecture", "CNNs 1 stride", None, [S, A, R]),
    ("2021-09-28", 6, "lecture", "CNNs 2 pooling fully connected backprop", None, [S, A, N, R]),
    ("2021-09-30", 6, "lecture", "architectures classification pixel segmentation depth", None, [S, A, R]),
    ("2021-10-05", 7, "lecture", "Visualizing CNNs", None, ["Slides (pdf)", R]),
    ("2021-10-07", 7, "lecture", "RNNs 1", None, [S, A, N, R]),
    ("2021-10-12", 8, "break", "Fall break", None, []),
    ("2021-10-14", 8, "lecture", "RNNs 2 LSTMs CNNs", None, [S, A, R]),
    ("2021-10-19", 9, "lecture", "RNNs 2.5 half 18 captioning attention", None, [S, A, R]),
    ("2021-10-21", 9, "guest", "Self-supervised", "Ishan Misra", ["Slides (pdf)", R]),
    ("2021-10-26", 10, "guest", "Self-supervised", "Michael Auli", ["Slides (pdf)", R]),
    (
        "2021-10-28",
        10,
        "guest",
        "RNNs 3 Transformers BERT ViLBERT VLN-BERT",
        "Arjun Majumdar",
        ["Slides (pdf)", "Slides (pdf)", "Admin. slides (pdf)", R],
    ),
    ("2021-11-02", 11, "lecture", "RL background", None, ["Admin. slides", "Slides (RL)", "Slides (RL, annotated)", R]),
    ("2021-11-04", 11, "lecture", "RL dynamic programming policy iteration Q-learning DQN", None, [S, A, R]),
    ("2021-11-09", 12, "lecture", "policy gradients REINFORCE actor-critic", None, [S, A, R]),
    ("2021-11-11", 12, "guest", "Embodied AI", "Joanne Truong", [S, R]),
    ("2021-11-16", 13, "no_class", "CVPR Conference Computer Vision Pattern Recognition", None, [L]),
    ("2021-11-18", 13, "guest", "architecture search", "Erik Wijmans", [S, R]),
    ("2021-11-23", 14, "lecture", "Unsupervised generative VAEs 1", None, [S, A, R]),
    ("2021-11-25", 14, "break", "Thanksgiving", None, []),
    ("2021-11-30", 15, "lecture", "VAEs 2", None, [S, A, R]),
    ("2021-12-02", 15, "lecture", "GANs", None, [S, A, R]),
    ("2021-12-07", 16, "no_class", "No class", None, []),
    ("2021-12-09", 16, "no_class", "No class", None, []),
]

# Released, due, closes: eleven days after due, as seven days are free and four more cost 25 % each.
DEADLINES = {
    "ps0": ("2021-08-24 00:00", "2021-08-26 23:59", "2021-12-09 23:59"),
    "hw1": ("2021-09-02 12:30", "2021-09-15 23:59", "2021-09-26 23:59"),
    "hw2": ("2021-09-16 12:30", "2021-10-06 23:59", "2021-10-17 23:59"),
    "hw3": ("2021-10-07 12:30", "2021-10-20 23:59", "2021-10-31 23:59"),
    "hw4": ("2021-10-21 12:30", "2021-11-03 23:59", "2021-11-14 23:59"),
    "hw5": ("2021-11-04 12:30", "2021-11-17 23:59", "2021-11-28 23:59"),
}


def test_the_schedule_has_every_date_of_the_page(course: Course) -> None:
    assert [(f"{line.date}", line.week, line.kind, line.guest) for line in course.classes] == [
        (date, week, kind, guest) for date, week, kind, _, guest, _ in SCHEDULE
    ]


@pytest.mark.parametrize("place", range(len(SCHEDULE)), ids=[line[0] for line in SCHEDULE])
def test_a_class_has_the_topic_and_slots_of_the_page(course: Course, place: int) -> None:
    line = course.classes[place]
    _, _, _, words, _, slots = SCHEDULE[place]
    assert all(word.lower() in line.topic.lower() for word in words.split())
    assert [slot.kind if slot.kind in ("notes", "link") else slot.label for slot in line.materials] == slots


def test_only_the_addresses_on_the_page_are_filled_in(course: Course) -> None:
    known = {slot.url for line in course.classes for slot in line.materials} - {None}
    assert known == {"https://www.gradescope.com/courses/284497", "https://www.gradescope.com/courses/284496"}
    assert [link.url for link in course.links] == [None]


def test_the_class_meets_on_27_of_32_dates(course: Course) -> None:
    assert (sum(line.meets for line in course.classes), len(course.classes)) == (27, 32)
    assert all(line.module for line in course.classes if line.meets)


def test_meeting_and_sections_are_those_of_the_page(course: Course) -> None:
    assert course.meeting.days == ("Tuesday", "Thursday")
    assert (course.meeting.start, course.meeting.end) == ("12:30", "13:45")
    assert [(section.code, section.level, *(link.url for link in section.links)) for section in course.sections] == [
        (
            "CS 4803",
            "undergraduate",
            "https://gatech.instructure.com/courses/211778",
            "https://www.gradescope.com/courses/284497",
        ),
        (
            "CS 7643",
            "graduate",
            "https://gatech.instructure.com/courses/211784",
            "https://www.gradescope.com/courses/284496",
        ),
    ]
    assert (course.numbers, course.term, course.slug) == ("CS 4803 / 7643", "Fall 2021", "fall-2021")


def test_problem_sets_have_the_dates_of_the_page(course: Course) -> None:
    def local(moment: dt.datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M}"

    found = {item.id: (local(item.released), local(item.due), local(item.closes)) for item in course.problem_sets}
    assert found == DEADLINES
    for item in course.problem_sets:
        assert item.due.tzinfo == ZoneInfo("America/New_York")


def test_a_homework_is_due_the_night_before_the_class_at_which_the_next_one_is_out(course: Course) -> None:
    homeworks = course.problem_sets[1:]
    for one, following in pairwise(homeworks):
        assert following.released.date() - one.due.date() == dt.timedelta(days=1)
    meetings = {line.date for line in course.classes if line.meets}
    assert all(item.released.date() in meetings for item in course.problem_sets)


def test_ps0_is_not_counted_and_is_done_alone(course: Course) -> None:
    assert [item.counted for item in course.problem_sets] == [False, True, True, True, True, True]
    assert [item.collaboration for item in course.problem_sets] == [False, True, True, True, True, True]
    assert [item.id for item in course.counted] == ["hw1", "hw2", "hw3", "hw4", "hw5"]


def test_a_planned_problem_set_has_a_title_and_nothing_to_hand_in(course: Course) -> None:
    for item in course.problem_sets:
        assert item.title
        if item.status == "planned":
            assert (item.status, item.folder, item.hours, item.files, item.parts) == ("planned", None, None, (), ())


def test_a_ready_problem_set_says_its_files_and_parts(course: Course) -> None:
    hw1 = course.problem_set("hw1")
    assert (hw1.title, hw1.hours, hw1.files) == ("Linear classifiers", 12, ("classifier.py", "network.py"))
    assert hw1.folder == course.folder / "problems/hw1"


def test_extra_credit_of_a_section_is_not_in_its_points(course: Course) -> None:
    hw1 = course.problem_set("hw1")
    assert (hw1.points("CS 7643"), hw1.points("CS 4803")) == (10, 4)
    assert course.problem_set("hw3").points("CS 7643") == 0


def test_grading_and_late_policy_are_those_of_the_page(course: Course) -> None:
    grading = course.grading
    assert (grading.homework_weight, grading.project_weight, grading.participation_bonus) == (80, 20, 5)
    assert grading.homeworks_counted == 4
    assert [(letter.letter, letter.at_least) for letter in grading.letters] == [
        ("A", 90),
        ("B", 80),
        ("C", 70),
        ("D", 60),
        ("F", 0),
    ]
    assert (course.late.free_days, course.late.penalty_percent) == (7, 25)
    assert course.late.days_until_worthless == 11


def test_the_project_is_that_of_the_page(course: Course) -> None:
    project = course.project
    assert f"{project.due:%Y-%m-%d %H:%M %z}" == "2021-12-09 23:59 -0500"
    assert project.released.date() == course.first_day
    assert (project.group_min, project.group_max) == (1, 5)
    assert (project.pages_min, project.pages_max) == (4, 6)
    assert project.weight == 20


def test_the_rubric_has_60_points_in_the_lines_of_the_page(course: Course) -> None:
    lines = [[line.points for line in group.lines] for group in course.project.rubric]
    assert lines == [[5, 5, 5], [10, 5], [10], [5, 5, 10]]
    assert course.project.points == sum(group.points for group in course.project.rubric) == 60
    about_deep_learning = course.project.rubric[-1].lines[-1]
    assert len(about_deep_learning.questions) == 8
    words = "structure learned representations loss overfitting hyperparameters framework existing"
    for word, question in zip(words.split(), about_deep_learning.questions, strict=True):
        assert word in question


def test_every_question_of_the_page_is_answered(course: Course) -> None:
    words = "held seats PS0 Gradescope graduate audit question Georgia"
    assert len(course.faq) == 8
    for word, item in zip(words.split(), course.faq, strict=True):
        assert word in item.question
        assert item.answer


def test_the_modules_list_every_method_of_the_plan_once(course: Course) -> None:
    names = [method.name for method in course.methods]
    assert len(course.modules) == 12
    assert len(names) == len(set(names)) == 79
    assert "linear_classifier" in [method.name for method in course.methods if method.status == "ready"]
    assert [module.number for module in course.modules] == list(range(1, 13))
    assert all(module.id.startswith(f"{module.number:02d}-") for module in course.modules)


def test_every_module_has_a_page_and_readings(course: Course) -> None:
    for module in course.modules:
        assert len(module.page_markdown.split()) >= 100
        assert module.readings
        assert not module.page_markdown.startswith("#")  # the title is module.toml's
    assert len(course.modules[0].page_markdown.split()) >= 600
    assert course.modules[0].readings[0].label == "Goodfellow, Bengio and Courville (2016). Deep Learning"


def test_the_course_answers_for_its_parts_by_name(course: Course) -> None:
    assert course.module("01-foundations").number == 1
    assert course.section("CS 7643").level == "graduate"
    for missing in (
        lambda: course.problem_set("hw9"),
        lambda: course.module("13-magic"),
        lambda: course.section("CS 1"),
    ):
        with pytest.raises(NotInCourse, match="the course has "):
            missing()


def test_the_course_cannot_be_changed(course: Course) -> None:
    with pytest.raises(ValueError, match="frozen"):
        course.title = "Another"  # type: ignore[misc]
