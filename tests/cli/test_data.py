import hashlib
import io
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from gradschool.cli.main import gradschool
from gradschool.data import sources
from gradschool.data.sources import Download, Source


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def cats(tmp_path, monkeypatch):
    """A data set on a server of this machine, the only one there is; the cache is empty."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served/cats.bin").write_bytes(b"miaow")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served"))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    monkeypatch.delenv("GRADSCHOOL_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    url = f"http://127.0.0.1:{server.server_port}/cats.bin"
    code = hashlib.sha256(b"miaow").hexdigest()
    source = Source("cats", "Cats", (("cats/cats.bin",),), "free as cats are", (Download(url, code),))
    monkeypatch.setattr(sources, "SETS", ("cats",))
    monkeypatch.setattr(sources, "by_name", {"cats": source}.__getitem__)
    yield tmp_path
    server.shutdown()
    server.server_close()
    thread.join()


def data(*words):
    return CliRunner().invoke(gradschool, ["data", *words])


def test_a_set_is_listed_with_where_it_is_or_how_to_get_it(cats):
    before = data()
    assert before.exit_code == 0
    assert "cats  not here; run `gradschool data get cats`" in before.output
    assert "free as cats are" in before.output
    data("get", "cats")
    assert f"cats  {cats}/cache/gradschool/cats/cats.bin" in data().output


def test_get_puts_it_in_the_cache_and_says_where(cats):
    done = data("get", "cats")
    assert done.exit_code == 0
    assert done.stdout == f"{cats}/cache/gradschool/cats\n"
    assert done.stderr == "Cats: free as cats are\ncats.bin  5 bytes\n"
    assert (cats / "cache/gradschool/cats/cats.bin").read_bytes() == b"miaow"


def test_get_puts_it_where_the_user_wants_it(cats):
    assert data("get", "cats", "--to", str(cats / "mine")).stdout == f"{cats}/mine/cats\n"


def test_a_download_that_fails_is_one_sentence_and_exit_code_1(cats):
    (cats / "served/cats.bin").unlink()
    done = data("get", "cats")
    assert done.exit_code == 1
    assert "Error: Cats could not be fetched" in done.stderr
    assert "Traceback" not in done.output


def test_a_folder_that_cannot_be_written_is_one_sentence(cats):
    (cats / "file").write_text("")
    done = data("get", "cats", "--to", str(cats / "file" / "under"))
    assert done.exit_code in (1, 2)
    assert "Error: " in done.stderr


def test_an_unknown_set_is_wrong_use_and_names_those_there_are():
    done = data("get", "mnits")
    assert done.exit_code == 2
    assert "there are camvid, cifar10, fashion_mnist, mnist" in done.stderr


@pytest.mark.parametrize("words", [["data", "--help"], ["data", "get", "--help"], ["--help"]], ids=" ".join)
def test_asking_for_help_loads_neither_torch_nor_numpy(words):
    code = (
        "import sys\nfrom gradschool.cli.main import gradschool\n"
        "try: gradschool(sys.argv[1:])\nexcept SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'numpy', 'django'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_gets_a_bar(monkeypatch):
    from gradschool.cli.data import progress

    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress() as show:
        show("cats.bin", 2, 5)
        show("cats.bin", 5, 5)
    assert "━" in screen.getvalue()
    assert "5/5 bytes" in screen.getvalue()
