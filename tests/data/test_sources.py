"""Looking for data sets in folders made for the purpose, and downloads from a server on this machine."""

import gzip
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gradschool.data import sources
from gradschool.data.sources import DatasetError, Download, Source, by_name, fetch, find

CONTENT = bytes(range(256)) * 2000  # more than a chunk, so that a download can be cut off in its midst


class Server(ThreadingHTTPServer):
    """Serves `files`, in ranges if it is to; notes what was asked. breaks_off: sends half and hangs up."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.files, self.asked = {}, []
        self.ranges, self.breaks_off = True, False


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1]
        wanted = self.headers.get("Range")
        self.server.asked.append((name, wanted))
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = (start + len(content)) // 2 if self.server.breaks_off else len(content)
        self.wfile.write(content[start:end])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def places(tmp_path, monkeypatch):
    """An own $GRADSCHOOL_DATA, cache and package folder."""
    for name in ("named", "xdg/gradschool", "package"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("GRADSCHOOL_DATA", str(tmp_path / "named"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path


def cats(places, **changes):
    """A set that may be one file, or two in a folder."""
    usual = {"layouts": (("cats.npz",), ("cats/a.gz", "cats/b.gz")), "packages": (str(places / "package"),)}
    return Source("cats", "Cats", terms="free", **{**usual, **changes})


def put(file):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"cat")
    return file


def test_the_user_s_folder_comes_before_the_cache_and_the_cache_before_a_package(places):
    source = cats(places)
    in_package = (put(places / "package/a.gz"), put(places / "package/b.gz"))
    assert find(source) == in_package
    in_cache = (put(places / "xdg/gradschool/cats.npz"),)
    assert find(source) == in_cache
    in_named = (put(places / "named/cats/a.gz"), put(places / "named/cats/b.gz"))
    assert find(source) == in_named
    assert find(source, put(places / "elsewhere/mine.npz")) == (places / "elsewhere/mine.npz",)


def test_a_layout_counts_only_when_it_is_whole(places):
    put(places / "named/cats/a.gz")
    with pytest.raises(DatasetError, match="Cats is not on this machine"):
        find(cats(places))


def test_files_that_lie_bare_in_a_folder_of_many_sets_are_not_taken(places):
    # MNIST and Fashion-MNIST call their files by the same names
    put(places / "named/a.gz"), put(places / "named/b.gz")
    with pytest.raises(DatasetError):
        find(cats(places))
    assert find(cats(places), places / "named") == (places / "named/a.gz", places / "named/b.gz")


def test_a_path_that_does_not_hold_the_set_is_refused_even_if_it_is_elsewhere(places):
    put(places / "named/cats.npz")
    with pytest.raises(DatasetError, match=r"package does not hold Cats; set GRADSCHOOL_DATA to a folder that holds"):
        find(cats(places), places / "package")


def test_what_is_not_here_gives_a_sentence_with_the_remedy_and_the_places(places):
    download = Download("http://127.0.0.1/cats.npz", "0")
    with pytest.raises(DatasetError) as error:
        find(cats(places, downloads=(download,)))
    assert str(error.value) == (
        "Cats is not on this machine; run `gradschool data get cats`, or set GRADSCHOOL_DATA to a folder that holds "
        f"cats.npz or cats/. It was looked for in {places}/named, {places}/xdg/gradschool, {places}/package."
    )


def test_a_variable_that_names_no_folder_is_named(places, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", "/nowhere/at/all")
    with pytest.raises(DatasetError, match="GRADSCHOOL_DATA is '/nowhere/at/all', which is no folder"):
        find(cats(places))


def test_a_relative_cache_folder_is_ignored_as_the_xdg_specification_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sources.cache() == tmp_path / ".cache" / "gradschool"


def test_looking_asks_no_server(places, server):
    with pytest.raises(DatasetError):
        find(served(server, places))
    assert server.asked == []


def test_every_set_of_the_list_has_a_source_of_its_name_and_no_module_with_one_is_left_out():
    modules = {
        path.stem
        for path in sources.Path(sources.__file__).parent.glob("*.py")
        if "\nSOURCE = " in path.read_text(encoding="utf-8")
    }
    assert modules == set(sources.SETS)
    assert all(by_name(name).name == name for name in sources.SETS)


def test_an_unknown_set_is_answered_with_those_there_are():
    with pytest.raises(DatasetError, match="no data set 'mnits' to look for; there are camvid, cifar10, "):
        by_name("mnits")


# -- downloads ---------------------------------------------------------------------------------------------------------


def served(server, places, content=CONTENT):
    """Cats on the server, its first file packed."""
    server.files = {"a.gz": gzip.compress(content), "b.bin": content[::-1]}
    url = f"http://127.0.0.1:{server.server_port}/somewhere"
    downloads = (
        Download(f"{url}/a.gz", hashlib.sha256(content).hexdigest()),
        Download(f"{url}/b.bin", hashlib.sha256(content[::-1]).hexdigest()),
    )
    return cats(places, layouts=(("cats/a.gz", "cats/b.bin"),), downloads=downloads)


def test_a_download_is_found_afterwards_and_asked_for_once(server, places):
    source = served(server, places)
    files = fetch(source, sources.cache())
    assert files == find(source)
    assert files[1].read_bytes() == CONTENT[::-1]
    fetch(source, sources.cache())
    assert server.asked == [("a.gz", None), ("b.bin", None)]


def test_progress_counts_up_to_the_whole_file(server, places):
    seen = []
    fetch(served(server, places), sources.cache(), lambda *now: seen.append(now))
    counts = [done for name, done, _ in seen if name == "b.bin"]
    assert counts == sorted(counts)
    assert len(counts) > 1
    assert seen[-1] == ("b.bin", len(CONTENT), len(CONTENT))


def test_a_download_that_was_cut_off_goes_on_where_it_stopped(server, places):
    source = served(server, places)
    server.breaks_off = True
    with pytest.raises(DatasetError, match="the same command goes on from it"):
        fetch(source, sources.cache())
    half = (sources.cache() / "cats/a.gz.part").stat().st_size
    assert 0 < half < len(server.files["a.gz"])
    server.breaks_off = False
    fetch(source, sources.cache())
    assert server.asked[1] == ("a.gz", f"bytes={half}-")
    assert find(source)[0].read_bytes() == server.files["a.gz"]
    assert not list((sources.cache() / "cats").glob("*.part"))


def test_a_server_that_knows_no_ranges_sends_all_of_it_again(server, places):
    source = served(server, places)
    part = sources.cache() / "cats/b.bin.part"
    put(part)
    server.ranges = False
    assert fetch(source, sources.cache())[1].read_bytes() == CONTENT[::-1]


def test_a_part_that_is_already_whole_is_taken(server, places):
    source = served(server, places)
    part = put(sources.cache() / "cats/b.bin.part")
    part.write_bytes(CONTENT[::-1])
    assert fetch(source, sources.cache())[1].read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("name", ["a.gz", "b.bin"])
def test_a_content_that_is_not_the_published_one_is_deleted(server, places, name):
    source = served(server, places)
    server.files[name] = b"not a cat"
    with pytest.raises(DatasetError, match=r"is not Cats as it was published, and was deleted\. Try again"):
        fetch(source, sources.cache())
    assert not (sources.cache() / "cats" / name).exists()
    assert not (sources.cache() / "cats" / f"{name}.part").exists()


def test_a_damaged_file_is_fetched_anew(server, places):
    source = served(server, places)
    file = fetch(source, sources.cache())[1]
    file.write_bytes(b"rust")
    assert fetch(source, sources.cache())[1].read_bytes() == CONTENT[::-1]


def test_another_mirror_s_packing_is_as_good(server, places):
    source = served(server, places)
    server.files["a.gz"] = gzip.compress(CONTENT, compresslevel=1)
    fetch(source, sources.cache())


def test_a_server_without_the_file_is_named(server, places):
    source = served(server, places)
    del server.files["b.bin"]
    with pytest.raises(DatasetError, match=r"Cats could not be fetched into .*404"):
        fetch(source, sources.cache())


def test_a_server_that_is_not_there_gives_a_sentence(server, places):
    download = Download("http://127.0.0.1:9/a.gz", "0")  # the discard port, where nothing listens
    with pytest.raises(DatasetError, match="Cats could not be fetched"):
        fetch(cats(places, downloads=(download,)), sources.cache())


def test_a_set_without_a_download_says_how_to_get_it(places):
    with pytest.raises(DatasetError, match="cannot be downloaded by this program; set GRADSCHOOL_DATA"):
        fetch(cats(places), sources.cache())
