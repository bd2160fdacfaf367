"""Limits: a sentence and how long to wait, the same for every process, and none that honest work meets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from gradschool.office import clock
from gradschool.office.handin import rules
from gradschool.office.handin.models import Submission
from gradschool.office.people import throttle
from gradschool.office.people.models import ApiToken, Attempt

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]
GOOD = "a long enough word"
MOMENT = datetime(2021, 9, 13, 16, 0, tzinfo=UTC)


def test_it_says_how_long_to_wait_until_the_oldest_try_is_forgotten(db, at) -> None:
    for minute in range(10):
        at(MOMENT + timedelta(minutes=minute))
        assert throttle.exhausted("wrong password", "chi", "here") == 0
        throttle.count("wrong password", "chi", "here")
    assert throttle.exhausted("wrong password", "chi", "here") == 6 * 60  # the first was nine of fifteen minutes ago
    assert throttle.exhausted("wrong password", "chi", "there") == 0
    assert throttle.exhausted("wrong password", "chi", "") == 0
    at(MOMENT + timedelta(minutes=15))
    assert throttle.exhausted("wrong password", "chi", "here") == 0


def test_signing_in_too_often_is_a_429_with_its_time(chi) -> None:
    chi.set_password(GOOD)
    chi.save()
    wrong = {"username": chi.email, "email": chi.email, "password": "wrong"}
    for _ in range(10):
        assert Client().post("/signin", wrong).status_code == 200
    for address in ("/signin", "/api/token"):
        answer = Client().post(address, {**wrong, "password": GOOD})
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 900
        assert b"the wrong password too often" in answer.content


def test_tokens_of_one_account_are_limited(chi) -> None:
    chi.set_password(GOOD)
    chi.save()
    asked = [Client().post("/api/token", {"email": chi.email, "password": GOOD}) for _ in range(21)]
    assert [answer.status_code for answer in asked] == [200] * 20 + [429]
    assert int(asked[-1].headers["Retry-After"]) > 0
    assert asked[-1].json()["error"].startswith("Your account was given many tokens")
    assert ApiToken.objects.count() == 20


def test_answers_are_saved_as_often_as_somebody_can_write_and_no_more(chi, client_of, monkeypatch) -> None:
    now = clock.now()
    client = client_of(chi)
    client.get("/fall-2021/problems/ps0/answers/")
    client.post("/fall-2021/problems/ps0/answers/", {})
    own = Attempt.objects.get()
    most, per = throttle.LIMITS["answers"]
    assert per / most == timedelta(seconds=1), "once a second for ten minutes is faster than anybody writes"
    Attempt.objects.bulk_create(Attempt(key=own.key, at=now) for _ in range(most - 1))
    answer = client.post("/fall-2021/problems/ps0/answers/", {})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert b"saved very often of late" in answer.content
    fragment = client.post("/fall-2021/problems/ps0/answers/", {}, headers={"HX-Request": "true"})
    assert b"saved very often of late" in fragment.content


def test_the_thirty_first_hand_in_within_ten_minutes_waits_and_the_next_day_s_does_not() -> None:
    taken = [MOMENT - timedelta(seconds=20 * n) for n in range(30)]  # newest first, the last 580 s ago
    refusal = rules.too_often(taken, MOMENT)
    assert refusal is not None
    assert (refusal.status, refusal.headers) == (429, {"Retry-After": "20"})
    assert "handed this in 30 times of late" in str(refusal)
    assert "Wait 1 minute;" in str(refusal)
    assert rules.too_often(taken[:29], MOMENT) is None
    assert rules.too_often(taken, MOMENT + timedelta(seconds=20)) is None
    day = [MOMENT - timedelta(minutes=7 * n) for n in range(200)]
    assert rules.too_often(day, MOMENT).headers == {"Retry-After": str(24 * 3600 - 7 * 60 * 199)}
    assert rules.too_often(day[:199], MOMENT) is None


def test_both_ways_of_handing_in_refuse_by_it_and_change_nothing(chi, client_of, hand_in, monkeypatch) -> None:
    monkeypatch.setattr(rules, "MOST", ((2, timedelta(minutes=10)),))
    hand_in(chi)
    hand_in(chi, "y = 1\n")
    page = "/fall-2021/problems/hw1/hand-in"
    plain = client_of(chi).post(page, {"files": []})
    script = client_of(chi).post(page, {"files": []}, headers={"X-Requested-With": "XMLHttpRequest"})
    token = ApiToken.issue(chi, "t")
    terminal = Client().post(
        "/api/fall-2021/problems/hw1/submissions",
        data=b"PK",
        content_type="application/zip",
        headers={"Authorization": f"Bearer {token}"},
    )
    for answer in (plain, script, terminal):
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 600
        assert b"handed this in 2 times of late" in answer.content
    assert Submission.objects.count() == 2
