"""The sentences that unfold the numbers of a record. They say what `rules` decided and decide nothing.

Numbers are exact until they are shown: percentages half up to two decimals, points and weights without idle zeros.
Times are given in the zone that they carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradschool.office.gradebook.rules import HandIn, Line, Record

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
UNITS = (
    (timedelta(days=1), "day"),
    (timedelta(hours=1), "hour"),
    (timedelta(minutes=1), "minute"),
    (timedelta(seconds=1), "second"),
)


def show(number: Fraction) -> str:
    """A number with two decimals, rounded half up (a negative one away from zero): 1/3 is "0.33", 0.005 is "0.01"."""
    hundredths = (abs(number.numerator) * 200 + number.denominator) // (2 * number.denominator)
    sign = "-" if number < 0 and hundredths else ""
    return f"{sign}{hundredths // 100}.{hundredths % 100:02d}"


def plain(number: Fraction) -> str:
    """A number with at most two decimals: 45 is "45", 45/2 is "22.5"."""
    return show(number).rstrip("0").rstrip(".")


def count(number: int, noun: str) -> str:
    """The number with its noun: "1 day", "3 days"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Sequence[str]) -> str:
    """Words in a row: "a", "a and b", "a, b and c"."""
    return " and ".join((", ".join(words[:-1]), words[-1])) if len(words) > 1 else "".join(words)


def duration(length: timedelta) -> str:
    """A length of time in its two largest units, rounded down, and never as a round number that it exceeds."""
    parts = []
    for unit, noun in UNITS:
        whole, length = divmod(length, unit)
        if whole:
            parts.append(count(whole, noun))
    if not parts:
        return "less than a second"
    return f"just over {parts[0]}" if length and len(parts) == 1 else " and ".join(parts[:2])


def moment(at: datetime) -> str:
    """A time in the zone it carries: "Wednesday, October 27, 2021, 23:59 EDT"."""
    zone = at.tzname()
    stamp = f"{WEEKDAYS[at.weekday()]}, {MONTHS[at.month - 1]} {at.day}, {at.year}, {at:%H:%M}"
    return f"{stamp} {zone}" if zone else stamp


def of_line(line: Line) -> str:
    """Why a deliverable counts as it does."""
    sentence = _BY_STATUS[line.status](line)
    entered = line.hand_in.entered if line.hand_in else ""
    why = f" The staff entered its points: {_sentence(entered)}" if entered else ""
    return sentence[:1].upper() + sentence[1:] + _also(line) + why


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _counted(line: Line) -> str:
    earned, required = line.earned or Fraction(0), line.deliverable.required
    percent, points = show(100 * (line.share_after or Fraction(0))), line.points or Fraction(0)
    keeps = f"keeps its full {_points(line)}"
    kept = f"so {plain(points)} of its {plain(earned)} points count"
    if points > line.outlook.policy.extra_credit_cap * required:
        capped = f"; extra credit is capped, so they count {percent} %"
        keeps, kept = keeps + capped, kept + capped
    else:
        keeps, kept = f"{keeps} ({percent} %)", f"{kept} ({percent} % of {plain(required)})"
    if not line.multiplier:
        kept = f"so nothing of its {plain(earned)} points counts"

    assert line.hand_in is not None  # what has points has a hand-in
    entered = line.hand_in.entered and not line.days_late
    handed_in = f"{line.deliverable.title} was {'entered by the staff' if entered else f'handed in {_when(line)}'}"
    if not earned:
        return f"{handed_in} and earned {_points(line)} (0.00 %)."
    if not line.days_late:
        return f"{handed_in} and {keeps}."
    late, covered, uncovered = line.days_late, line.days_covered, line.days_uncovered
    days = f"{handed_in}: {count(late, 'late day')}"
    if not uncovered:
        cover = {1: "covered by a free day", 2: "both covered by free days"}.get(late, "all covered by free days")
        return f"{days}, {cover}, so it {keeps}."
    if not line.outlook.policy.penalty:
        return f"{days}, which cost{'s' if late == 1 else ''} nothing, so it {keeps}."
    rate = f"{plain(100 * line.outlook.policy.penalty)} %"
    if not covered:
        cover = "not covered by a free day" if late == 1 else "none of them covered by a free day"
        price = f"it costs {rate}" if late == 1 else f"they cost {rate} each"
    else:
        cover = f"{covered} of them covered by {'a free day' if covered == 1 else 'free days'}"
        price = f"the other one costs {rate}" if uncovered == 1 else f"the other {uncovered} cost {rate} each"
    return f"{days}, {cover}; {price}, {kept}."


def _missing(line: Line) -> str:
    return f"Nothing was handed in for {line.deliverable.title} before it closed, so it counts 0."


def _dropped(line: Line) -> str:
    title, outlook = line.deliverable.title, line.outlook
    if line.hand_in is None:
        return f"{title} is dropped: nothing was handed in before it closed, and leaving it out costs nothing."
    share, lowest = line.share_before, outlook.lowest_kept
    of_all = NUMBERS[outlook.homeworks] if outlook.homeworks < len(NUMBERS) else str(outlook.homeworks)
    so_far = f" {_points(line)} ({show(100 * (share or Fraction(0)))} %)"
    days = ""
    if line.days_late:
        days = "; its late day comes back" if line.days_late == 1 else f"; its {line.days_late} late days come back"
    if share is not None and lowest is not None and share < lowest:
        rank = "the lower" if outlook.homeworks == 2 else "the lowest" if outlook.drops == 1 else "among the lowest"
        return f"{title} is dropped: with{so_far} it is {rank} of the {of_all}{days}."
    if share == lowest:
        return f"{title} is dropped: with{so_far} no other of the {of_all} counts less{days}."
    return f"{title}, with{so_far}, is dropped because leaving it out gives the highest final{days}."


def _awaiting(line: Line) -> str:
    late = f" ({count(line.days_late, 'late day')})" if line.days_late else ""
    then = " and takes no free days" if line.days_late else ""
    return (
        f"{line.deliverable.title} was handed in {_when(line)}{late} and awaits its grade; "
        f"until then it is left out of the final{then}."
    )


def _open(line: Line) -> str:
    due, closes = line.deliverable.due, line.deliverable.closes
    ago = duration(line.outlook.now - due.astimezone(UTC))
    left, late = line.outlook.days_left, line.days_late
    if late == left:
        price = "spends the one free day left" if left == 1 else f"spends all {left} free days left"
    elif late < left:
        price = f"spends {late} of the {left} free days left"
    else:
        price = f"is {count(late, 'day')} late, with {count(left, 'free day') if left else 'no free day'} left"
    return (
        f"{line.deliverable.title} was due {ago} ago and nothing is handed in, so it is left out for now. "
        f"It is still open until {moment(closes)}; handing in now {price}."
    )


def _not_due(line: Line) -> str:
    return f"{line.deliverable.title} is due on {moment(line.deliverable.due)}; until then it is left out."


def _excused(line: Line) -> str:
    return f"{line.deliverable.title} is excused: it is out of the count and takes no free days."


def _not_counted(line: Line) -> str:
    if line.deliverable.counted:
        return f"{line.deliverable.title} asks your section for no points, so it does not count toward the final."
    return f"{line.deliverable.title} does not count toward the final."


_BY_STATUS = {
    "counted": _counted,
    "missing": _missing,
    "dropped": _dropped,
    "awaiting": _awaiting,
    "open": _open,
    "not_due": _not_due,
    "excused": _excused,
    "not_counted": _not_counted,
}


def _points(line: Line) -> str:
    required = line.deliverable.required
    return f"{plain(line.earned or Fraction(0))} of {plain(required)} {'point' if required == 1 else 'points'}"


def _when(line: Line) -> str:
    assert line.hand_in is not None  # asked only of lines that have one
    if not line.days_late:
        return "on time"
    return f"{duration(line.hand_in.at.astimezone(UTC) - line.deliverable.due.astimezone(UTC))} after it was due"


def _also(line: Line) -> str:
    """What the other hand-ins have to do with it."""
    counts, chosen = line.outlook.policy.counts, line.hand_in
    if chosen is None or line.status not in ("counted", "dropped"):
        return ""
    also = ""
    number = len(line.deliverable.hand_ins)
    if number > 1 and line.status == "counted":
        if counts == "best":
            better = [one for one in line.deliverable.hand_ins if (one.earned or 0) > (chosen.earned or 0)]
            if better:
                also += f" {_better(better)} would not make the final higher."
        elif counts == "last":
            also += f" It is the last of {number} hand-ins, and the last one counts."
        elif chosen.chosen:
            also += f" It is the one chosen of {number} hand-ins."
        else:
            also += f" Of {number} hand-ins none is chosen, so the last one counts."
    waiting = len(line.awaited)
    if waiting:
        also += f" {'One more hand-in awaits its' if waiting == 1 else f'{waiting} more hand-ins await their'} grade."
    return also


def _better(hand_ins: Sequence[HandIn]) -> str:
    most = max(one.earned or Fraction(0) for one in hand_ins)
    if len(hand_ins) == 1:
        return f"Its other hand-in with {plain(most)} points"
    return f"Its other hand-ins with up to {plain(most)} points"


def of_final(record: Record) -> str:
    """The final as a sum whose terms are the parts in the record."""
    if record.final is None:
        return "There is no final yet: nothing that counts has been graded."
    terms = []
    for kind, average, weight in (
        ("homework", record.homework, record.homework_weight),
        ("project", record.project, record.project_weight),
    ):
        if average is not None and weight:
            titles = [
                line.deliverable.title
                for line in record.lines
                if line.deliverable.kind == kind and line.status in ("counted", "missing")
            ]
            what = f"average of {listed(titles)}" if len(titles) > 1 else titles[0]
            share = "" if weight == 100 else f"{plain(weight)} % × "
            terms.append(f"{share}{what} ({show(average)} %)")
    if record.bonus:
        terms.append(f"{plain(record.bonus)} {'point' if record.bonus == 1 else 'points'} of participation")
    name = "Final" if record.complete else "Final so far"
    return f"{name} = {' + '.join(terms)} = {show(record.final)} %{_which_is(record)}.{_alone(record)}"


def _which_is(record: Record) -> str:
    if record.letter is None or record.final is None:
        return ""
    if record.letter_reason:
        return f"; the staff set the letter {record.letter}: {record.letter_reason.rstrip('.')}"
    is_a = f", which {'is' if record.complete else 'would be'} {_article(record.letter)} {record.letter}"
    # A final of 89.996 shows as 90.00, and the reader must not be left to wonder.
    for letter, at_least in record.policy.letters:
        if record.final < at_least and show(record.final) == show(at_least):
            return f"{is_a} (unrounded it is below the {plain(at_least)} % of {_article(letter)} {letter})"
    return is_a


def _article(letter: str) -> str:
    return "an" if letter[:1] in "AEFHILMNORSX" else "a"


def _alone(record: Record) -> str:
    if record.project is None and record.policy.project_weight:
        return " With no project in the record, homework carries the whole final."
    if record.homework is None and record.policy.homework_weight:
        return " With no homework in the record, the project carries the whole final."
    return ""


def of_count(record: Record) -> str:
    """How many of the homeworks stay."""
    homeworks = [line for line in record.lines if line.deliverable.kind == "homework"]
    stay = sum(line.status in ("counted", "missing") for line in homeworks)
    dropped = sum(line.status == "dropped" for line in homeworks)
    policy = record.policy
    whole = f"the best {policy.homeworks_counted} of {policy.homeworks_set} homeworks count"
    if not stay:
        return "No homework is in the record."
    if stay + dropped == policy.homeworks_set:
        return f"{whole[0].upper()}{whole[1:]}, equally." if dropped else "All homeworks count, equally."
    if stay + dropped == 1:
        later = "" if record.complete or not policy.drops else "; from the second on the lowest is dropped"
        return f"One homework is in the record and counts{later}."
    inside = f"{stay + dropped} homeworks are in the record"
    if not dropped:
        return f"{inside} and count equally."
    which = f"the best {stay} count, equally" if stay > 1 else "the best one counts"
    return f"{inside}, of which {which}."


def of_days(record: Record) -> str:
    """How many free days are spent, on what, and how many are left."""
    spent = [
        f"{line.days_covered} on {line.deliverable.title}"
        for line in record.lines
        if line.days_covered and line.status == "counted"
    ]
    free, left = record.policy.free_days, record.days_left
    if not free:
        return "There are no free late days."
    if not spent:
        sentence = "The free late day is not spent." if free == 1 else f"None of {free} free late days is spent."
    else:
        verb = "is" if record.days_spent == 1 else "are"
        rest = f"{left if left else 'none'} {'is' if left < 2 else 'are'} left"
        sentence = f"{record.days_spent} of {count(free, 'free late day')} {verb} spent ({listed(spent)}); {rest}."
    if record.days_pending:
        waiting = sum(bool(line.awaited) for line in record.lines)
        what = "a hand-in that awaits its grade" if waiting == 1 else "hand-ins that await their grades"
        days = "A day" if record.days_pending == 1 else f"Up to {record.days_pending} days"
        sentence += f" {days} of what is left may go to {what}."
    return sentence
