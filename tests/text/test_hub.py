"""A text that is a column of a dataset on the Hugging Face hub: what is asked of it, and what never is."""

import os
import pickle
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import datasets
import pytest
from hub_server import hub_serving
from lowest import lowest

from charlstm.errors import CorpusError
from charlstm.text import hub
from charlstm.text.cache_folder import default_data_folder
from charlstm.text.corpus import Corpus, load_corpus


def text_of(corpus: Corpus) -> str:
    return corpus.vocabulary.decode(corpus.tokens)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set on the disk, which `datasets` loads as it loads one from the Hub."""
    folder = tmp_path_factory.mktemp("dataset")
    (folder / "train.jsonl").write_text(
        '{"text": "one\\r\\n", "title": "T", "n": 1}\n'
        '{"text": null, "title": "U", "n": 2}\n'
        '{"text": "tw\\u00f6", "title": "V", "n": 3}\n'
    )
    return folder


@pytest.mark.parametrize(("column", "text"), [("", "one\r\n\ntwö"), ("#title", "T\nU\nV")])
def test_the_rows_of_a_dataset_are_joined_by_line_feeds(monkeypatch, dataset, column, text):
    served_from(monkeypatch, dataset)
    monkeypatch.setattr(hub, "_refuse_other_data", lambda *given: None)
    assert text_of(load_corpus(f"hf:some/set{column}")) == text


def test_a_dataset_column_without_strings_is_refused(monkeypatch, dataset):
    served_from(monkeypatch, dataset)
    monkeypatch.setattr(hub, "_refuse_other_data", lambda *given: None)
    with pytest.raises(CorpusError, match=r"no text in a column 'n'; .*columns are text, title, n"):
        load_corpus("hf:some/set#n")


def test_a_dataset_whose_description_names_files_of_this_machine_is_refused(monkeypatch, dataset):
    served_from(monkeypatch, dataset)
    with pytest.raises(CorpusError, match=r"names a file that is not its own: .*train\.jsonl"):
        load_corpus("hf:some/set")


@pytest.mark.parametrize("reader", ["pandas", "webdataset", "arrow", "hdf5", "cache", "imagefolder"])
def test_a_dataset_of_other_files_than_plain_data_is_refused(monkeypatch, reader):
    rows_of(monkeypatch, reader=reader, train=[{"text": "no"}])
    with pytest.raises(CorpusError, match="only csv, json, parquet, text are read"):
        load_corpus("hf:some/set")


@pytest.mark.parametrize(
    "name",
    [
        *("hf:pandas", "hf:json", "hf:.", "hf:..", "hf:./data", "hf:../data", "hf:/etc", "hf:a/b/c", "hf:a/"),
        *(
            "hf:/b",
            "hf:a//b",
            "hf:a/..",
            "hf:a--b/c",
            "hf:a/b.git",
            "hf:-a/b",
            "hf:a/b-",
            "hf:a b/c",
            "hf:~/b",
        ),
        *("hf:hf://datasets/a/b", "hf:buckets/a", "hf:a/b\n", "hf:\u00e9/b", "hf:a/" + "b" * 97, "hf:C:/x"),
    ],
)
def test_only_an_owner_and_a_name_on_the_hub_are_accepted(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.load_dataset_builder", None)
    with pytest.raises(CorpusError, match="names no dataset on the Hugging Face hub"):
        load_corpus(name)


@pytest.mark.parametrize("name", ["hf:a/b", "hf:Some_1/set.v2-x", "hf:a/b:config#column", "hf:a/b#c:d"])
def test_names_that_the_hub_allows_are_accepted(name):
    parsed = hub.parse_name(name)
    assert name.startswith(f"hf:{parsed.dataset}")


def test_a_name_is_looked_up_on_the_hub_and_never_in_a_folder_here(tmp_path, monkeypatch, dataset):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "set").symlink_to(dataset)
    monkeypatch.setattr(hub, "unreachable", lambda: None)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(CorpusError, match=r"hf:some/set cannot be read"):
        load_corpus("hf:some/set")


@pytest.mark.parametrize(("asked", "token"), [(None, False), ("0", False), ("1", None)])
def test_the_users_token_is_sent_only_where_the_user_says_so(monkeypatch, asked, token):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("CHARLSTM_HF_TOKEN", asked) if asked else None
    calls = rows_of(monkeypatch, train=[{"text": "yes"}])
    assert text_of(load_corpus("hf:some/set")) == "yes"
    assert [options for _, options in calls] == [{"token": token}]


@pytest.mark.parametrize(
    "said", ["Dataset 'a/b' is a gated dataset", "doesn't exist or cannot be accessed", "401"]
)
def test_where_a_token_may_be_missing_it_is_said_how_to_send_it(monkeypatch, said):
    def refused(*given, **options):
        raise ConnectionError(said)

    monkeypatch.setattr(hub, "unreachable", lambda: None)
    monkeypatch.setattr("datasets.load_dataset_builder", refused)
    with pytest.raises(CorpusError) as raised:
        load_corpus("hf:some/set")
    assert {"HF_TOKEN", "CHARLSTM_HF_TOKEN=1"} <= set(re.split("[ ,;]", raised.value.advice))


def test_the_oldest_version_of_datasets_that_is_allowed_has_no_reader_of_pickles():
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    (oldest,) = [pin for pin in lowest(project) if pin.startswith("datasets==")]
    assert tuple(map(int, oldest.partition("==")[2].split("."))) >= (5, 2)


def served_from(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the hub serve every dataset from a folder here."""
    load = datasets.load_dataset_builder
    monkeypatch.setattr(hub, "unreachable", lambda: None)
    monkeypatch.setattr(
        "datasets.load_dataset_builder", lambda place, config, **options: load(str(folder), config, **options)
    )


def rows_of(monkeypatch: pytest.MonkeyPatch, *, reader: str = "json", **splits) -> list[tuple]:
    """Let `datasets` give these rows, by one of its readers; returns the list of calls to it."""
    calls = []
    kind = type("Builder", (), {"as_streaming_dataset": lambda builder: splits})
    kind.__module__ = f"datasets.packaged_modules.{reader}.{reader}"
    builder = kind()
    builder.config = SimpleNamespace(data_files={"train": ["hf://datasets/some/set@0/train.jsonl"]})
    monkeypatch.setattr(hub, "unreachable", lambda: None)
    monkeypatch.setattr(
        "datasets.load_dataset_builder", lambda *given, **options: calls.append((given, options)) or builder
    )
    return calls


def test_a_dataset_is_fetched_once_and_streamed(monkeypatch):
    calls = rows_of(monkeypatch, test=[{"body": "no"}], train=[{"body": "yes", "n": 1}])
    assert [text_of(load_corpus("hf:some/set:part")) for _ in range(2)] == ["yes", "yes"]
    assert calls == [(("hf://datasets/some/set", "part"), {"token": False})]


def test_a_hub_out_of_reach_is_reported_at_once(monkeypatch):
    for name in ("HF_HUB_OFFLINE", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as closed:  # bound and not listening: nobody answers there
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(CorpusError, match=r"hf:some/set cannot be read: 127\.0\.0\.1 cannot be reached"):
            load_corpus("hf:some/set")


def test_a_dataset_without_a_train_split_gives_its_first(monkeypatch):
    rows_of(monkeypatch, validation=[{"text": "first"}], test=[{"text": "second"}])
    assert text_of(load_corpus("hf:some/set")) == "first"


@pytest.mark.parametrize(
    ("name", "rows", "problem"),
    [
        ("hf:some/set", [], "hf:some/set has no rows"),
        ("hf:some/set", [{"a": "x", "b": "y"}], "does not say which column is the text; .*columns are a, b"),
        ("hf:some/set", [{"n": 1}], "does not say which column"),
        ("hf:some/set#z", [{"a": "x"}], "no text in a column 'z'"),
        ("hf:some/set", [{"text": ["x"]}], "no text in a column 'text'"),
    ],
)
def test_a_dataset_without_a_clear_text_column_is_refused(monkeypatch, name, rows, problem):
    rows_of(monkeypatch, train=rows)
    with pytest.raises(CorpusError, match=problem):
        load_corpus(name)
    assert not any(file.is_file() for file in default_data_folder().rglob("*"))


def test_a_connection_that_breaks_leaves_no_file(monkeypatch):
    def rows():
        yield {"text": "begun"}
        raise ConnectionError("the line\nis dead")

    rows_of(monkeypatch, train=rows())
    with pytest.raises(CorpusError, match=r"cannot be read: the line is dead; .*network"):
        load_corpus("hf:some/set")
    assert not any(file.is_file() for file in default_data_folder().rglob("*"))


class Touches:
    """When it is unpickled, it makes a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.place,))


def loaded_from_a_hub(tmp_path: Path, files: dict[str, dict[str, bytes]], **settings: str) -> tuple[str, set]:
    """What comes of each dataset of a hub, a line for each, and the tokens that the hub was sent."""
    code = (
        "import sys\nfrom charlstm.text.corpus import load_corpus\nfrom charlstm.errors import CorpusError\n"
        "for name in sys.argv[1:]:\n"
        "    try:\n        corpus = load_corpus('hf:' + name)\n"
        "        print(name, repr(corpus.vocabulary.decode(corpus.tokens)))\n"
        "    except CorpusError as error:\n        print(name, error)\n"
    )
    with hub_serving(files) as hub_server:
        own = {"HF_ENDPOINT": hub_server.address, "HF_TOKEN": "hf_secret", "HF_HOME": str(tmp_path / "hf")}
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [sys.executable, "-c", code, *files],
            env=kept | own | settings,
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout, set(hub_server.authorizations)


def test_from_a_real_hub_only_data_is_read_and_it_is_sent_no_token(tmp_path):
    (tmp_path / "secret.txt").write_text("a file of the user's")
    described = "---\nconfigs:\n- config_name: default\n  data_files: {}\n---\n"
    files = {
        "some/set": {"train.jsonl": b'{"text": "one\\r\\n"}\n{"text": "two"}\n'},
        "bad/pickle": {"train.pkl": pickle.dumps(Touches(tmp_path / "was run"))},
        "bad/local": {"README.md": described.format(tmp_path / "secret.txt").encode()},
        "bad/script": {"script.py": b"raise SystemExit(7)"},
    }
    shown, tokens = loaded_from_a_hub(tmp_path, files)
    first, *others = shown.splitlines()
    assert first == r"some/set 'one\r\n\ntwo'"
    assert len(others) == 3
    assert all(
        "cannot be read" in line or "not its own" in line or "not a dataset" in line for line in others
    )
    assert "the user's" not in shown
    assert not (tmp_path / "was run").exists()
    assert tokens == {None}


def test_a_hub_is_sent_the_token_where_the_user_says_so(tmp_path):
    shown, tokens = loaded_from_a_hub(
        tmp_path, {"some/set": {"train.txt": b"private"}}, CHARLSTM_HF_TOKEN="1"
    )
    assert shown == "some/set 'private'\n"
    assert "Bearer hf_secret" in tokens
