import json
import subprocess

from gradschool.catalog import method, records


def test_a_record_says_what_ran_where_and_how_it_ended(places):
    record = json.loads(places.record("demo").read_text())
    assert record["method"] == "demo"
    assert record["target"] == {"metric": "accuracy", "bar": 0.9, "minutes": 1.5, "device": "core"}
    assert record["runs"]["default"]["mean"] == 0.95
    assert record["machine"] == "a machine"
    assert record["code_hash"] == method("demo", places).code_hash
    assert record["figures"][1] == {"file": "long-loss.svg", "title": "Loss", "alt": "It falls."}


def test_recording_again_leaves_no_figure_of_before(places):
    old = places.results / "demo" / "gone.svg"
    old.write_text("<svg/>")
    demo = method("demo", places)
    records.write(demo, {}, {}, machine="m", versions={})
    assert [path.name for path in old.parent.iterdir()] == ["record.json"]


def test_the_commit_is_null_where_there_is_no_git(places):
    assert records.commit(places.library) is None
    assert json.loads(places.record("demo").read_text())["commit"] is None


def test_the_commit_tells_whether_the_files_differ_from_it(places):
    def git(*words):
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.edu"]
        done = subprocess.run(
            ["git", "-C", str(places.library), *who, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init")
    git("add", ".")
    git("commit", "-m", "Add the demo")
    assert records.commit(places.library) == git("rev-parse", "HEAD")
    (places.library / "room" / "demo.py").write_text("changed")
    assert records.commit(places.library) == git("rev-parse", "HEAD") + "+changes"


def test_a_machine_without_git_can_record(places, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert records.commit(places.library) is None
