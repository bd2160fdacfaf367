import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from gradschool import catalog
from gradschool.cli.main import gradschool
from gradschool.kit.checkpoint import load

METHOD = catalog.method("linear_classifier")
GRADSCHOOL = [sys.executable, "-c", "from gradschool.cli.main import main; main()"]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Runs are written where the user stands; and `run` sets the threads of this process, which other tests share."""
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        monkeypatch.setenv(name, "1")
    return tmp_path


def run(*words, name="linear_classifier"):
    return CliRunner().invoke(gradschool, ["run", name, *words])


@pytest.fixture
def quick():
    return ["--preset", "smoke", "--out", "run"]


@pytest.mark.parametrize(
    "words",
    [["--help"], ["list"], ["show", "linear_classifier"], ["run", "--help"], ["run", "linear_classifier", "--help"]],
    ids=" ".join,
)
def test_asking_what_there_is_loads_neither_torch_nor_django_nor_numpy(words):
    code = (
        "import sys\nfrom gradschool.cli.main import gradschool\n"
        "try: gradschool(sys.argv[1:])\nexcept SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'django', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr.strip() == "[]"


def test_a_numpy_method_runs_without_torch(quick):
    code = (
        "import sys\nfrom gradschool.cli.main import gradschool\n"
        "gradschool(sys.argv[1:], standalone_mode=False)\nassert 'torch' not in sys.modules"
    )
    command = [sys.executable, "-c", code, "run", "linear_classifier", *quick]
    subprocess.run(command, check=True, capture_output=True, timeout=120)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_a_method_whose_target_is_one_core_runs_on_one_thread(quick):
    code = (
        "import os, sys\nfrom gradschool.cli.main import gradschool\n"
        "gradschool(sys.argv[1:], standalone_mode=False)\nassert len(os.listdir('/proc/self/task')) == 1"
    )
    command = [sys.executable, "-c", code, "run", "linear_classifier", *quick]
    two = {**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    subprocess.run(command, check=True, capture_output=True, timeout=120, env=two)


def test_the_help_lists_each_setting_with_its_words_and_default():
    output = " ".join(run("--help").output.split())
    for option in METHOD.options:
        assert "--" + option.name.replace("_", "-") in output
        assert f"{option.help} [default: {option.default}]" in output


def test_a_run_is_a_folder_with_its_settings_numbers_weights_and_figures(quick):
    done = run(*quick, "--learning-rate", "0.1")
    assert done.exit_code == 0, done.output
    about = json.loads(Path("run/config.json").read_text())
    assert (about["method"], about["preset"], about["config"]["learning_rate"]) == ("linear_classifier", "smoke", 0.1)
    assert about["config"]["epochs"] == 3
    report = json.loads(Path("run/report.json").read_text())
    assert f"test_accuracy {report['mean']:.4f}" in done.output
    names = sorted(str(path.relative_to("run")) for path in Path("run").rglob("*.*"))
    figures = ["figures/confusion.svg", "figures/loss.svg", "figures/templates.svg"]
    assert names == ["checkpoint.safetensors", "config.json", *figures, "metrics.jsonl", "report.json"]


def test_runs_are_kept_under_the_method_s_name_by_time():
    run("--preset", "smoke")
    done = run("--preset", "smoke")
    first, second = sorted(Path("runs/linear_classifier").iterdir())
    assert done.output.splitlines()[-1] == str(second)
    assert first != second


def test_a_setting_may_be_written_with_underscores(quick):
    run(*quick, "--batch_size", "32")
    assert json.loads(Path("run/config.json").read_text())["config"]["batch_size"] == 32


@pytest.mark.parametrize("loss", [[], ["--preset", "hinge"], ["--loss", "hinge"]], ids=str)
def test_either_loss_passes_the_check(loss):
    assert run("--check", *loss).exit_code == 0


def test_below_the_bar_the_check_says_by_how_much_and_exits_1():
    done = run("--check", "--epochs", "1", "--splits", "1")
    assert done.exit_code == 1
    assert "below the bar of 0.955" in done.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--epochs", "many"], "--epochs is 'many'; it must be a whole number."),
        (["--loss", "squared"], "--loss is 'squared'; it must be softmax or hinge."),
        (["--batch-size", "0"], "batch_size is 0; it must be at least 1."),
        (["--preset", "huge"], "'huge' is not one of 'smoke', 'hinge'"),
        (["--depth", "3"], "No such option"),
        (["--resume", "latest"], "There is no run in runs/linear_classifier to resume."),
        (["--resume", "nowhere"], "nowhere holds no run that can be resumed"),
        (
            ["--resume", "latest", "--epochs", "3"],
            "A resumed run keeps its settings and its folder; leave out --epochs.",
        ),
        (["--record", "--seed", "1"], "--record runs the recipe as it is written; leave out --seed."),
        (["--check", "--preset", "smoke"], "it has no target to check"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(words, sentence):
    done = run(*words)
    assert done.exit_code == 2, done.output
    assert sentence in done.output
    assert "Traceback" not in done.output
    assert not Path("runs").exists() or not list(Path("runs").rglob("*.json"))


def test_an_unknown_method_is_wrong_use_and_the_nearest_name_is_offered():
    done = run(name="linear_clasifier")
    assert done.exit_code == 2
    assert "There is no method 'linear_clasifier' in the library; did you mean 'linear_classifier'?" in done.output


def test_a_run_is_not_written_over(quick):
    run(*quick)
    done = run(*quick)
    assert done.exit_code == 2
    assert "run is not empty" in done.output


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # the overflow is what the test asks for
def test_a_run_that_diverges_ends_with_a_remedy():
    done = run("--learning-rate", "1e308", "--splits", "1")
    assert done.exit_code == 1
    assert "take a smaller learning_rate" in done.output


def test_a_run_of_another_method_is_not_resumed(quick):
    run(*quick)
    path = Path("run/config.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "method": "knn"}))
    done = run("--resume", "run")
    assert done.exit_code == 2
    assert "run holds a run of knn, not of linear_classifier." in done.output


def test_resuming_after_a_change_of_the_code_is_told(quick):
    run(*quick)
    path = Path("run/config.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "code_hash": "older"}))
    assert "The code has changed since this run began" in run("--resume", "run").output


def begin(*words):
    """Start a run that is too long to end by itself before it is stopped, and wait until it has measured something."""
    command = [*GRADSCHOOL, "run", "linear_classifier", "--splits", "1", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in Path().rglob("metrics.jsonl")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the run measured nothing"
        time.sleep(0.002)
    return process


def test_ctrl_c_saves_and_the_resumed_run_ends_with_the_same_bits():
    process = begin("--epochs", "1500")
    os.kill(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=60)
    (folder,) = Path("runs/linear_classifier").iterdir()
    assert process.returncode == 130
    assert f"Go on with `gradschool run linear_classifier --resume {folder}`." in told
    assert "Traceback" not in told
    assert 0 < load(folder / "checkpoint.safetensors").state["step"] < 1500 * 17

    resumed = run("--resume", "latest")
    whole = run("--epochs", "1500", "--splits", "1", "--out", "whole")
    assert (resumed.exit_code, whole.exit_code) == (0, 0), resumed.output + whole.output
    for name in ("checkpoint.safetensors", "metrics.jsonl", "figures/loss.svg", "figures/templates.svg"):
        assert (folder / name).read_bytes() == (Path("whole") / name).read_bytes(), name


def test_a_run_that_is_being_written_is_not_resumed_by_another():
    process = begin("--epochs", "100000")
    try:
        done = run("--resume", "latest")
        assert done.exit_code == 2
        assert "Another process is writing the run" in done.output
    finally:
        process.kill()
        process.communicate()


def test_recording_writes_both_losses_and_their_figures(tmp_path, monkeypatch):
    places = catalog.Places.here()
    elsewhere = catalog.Places(places.library, tmp_path / "results", places.tests)
    monkeypatch.setattr(catalog.Places, "here", lambda: elsewhere)
    done = run("--record")
    assert done.exit_code == 0, done.output
    method = catalog.method("linear_classifier")
    assert [result.preset for result in method.results] == ["default", "hinge"]
    assert all(result.met and len(result.values) == 5 for result in method.results)
    assert method.record["runs"]["hinge"]["config"]["loss"] == "hinge"
    assert method.record["machine"]
    assert not method.record_is_stale
    names = ["loss", "templates", "confusion"]
    assert [f.path.stem for f in method.figures] == [*names, *(f"hinge-{name}" for name in names)]


def test_an_installed_package_does_not_record(monkeypatch):
    places = catalog.Places.here()
    installed = catalog.Places(places.library, places.results, None)
    monkeypatch.setattr(catalog.Places, "here", lambda: installed)
    done = run("--record")
    assert done.exit_code == 2
    assert "recorded in a checkout" in done.output


@pytest.mark.parametrize("writes", range(1, 6))
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_from_there(monkeypatch, quick, writes):
    expected = run("--preset", "smoke", "--out", "whole")
    usual, left = os.fsync, [writes]

    def full(descriptor):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        usual(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    done = run(*quick)
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit), done.exception
    if writes < 2:
        assert done.output.splitlines()[-1] == "Error: The run cannot be written: No space left on device."
        return
    sentence = "Error: The disk that holds run is full; make room, and go on with `gradschool run linear_classifier"
    assert done.output.splitlines()[-1] == f"{sentence} --resume run`."
    monkeypatch.setattr(os, "fsync", usual)
    assert run("--resume", "run").exit_code == expected.exit_code == 0
    files = [path.relative_to("whole") for path in Path("whole").rglob("*.*") if path.name != "config.json"]
    for file in files:
        if file.name != "report.json":  # it holds the seconds
            assert (Path("run") / file).read_bytes() == (Path("whole") / file).read_bytes()


def test_a_folder_that_may_not_be_written_is_one_sentence():
    Path("file").write_text("")
    done = run("--preset", "smoke", "--out", "file/run")
    assert done.exit_code == 1
    assert done.output.splitlines()[-1] == "Error: file/run cannot be written: Not a directory."
