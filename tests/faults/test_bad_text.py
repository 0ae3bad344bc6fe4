"""Any bytes, and texts of unusual size or content, give a result or one clear error."""

import bz2
import codecs
import gzip
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from command_line import run
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from charlstm.checkpoint.loading import load
from charlstm.config import InspectionConfig, SamplingConfig
from charlstm.errors import CharLSTMError, CorpusError, UsageError
from charlstm.findings import Findings
from charlstm.tasks import sample, train
from charlstm.tasks.inspect import InspectRequest, inspect_run
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.tasks.training_plan import TrainRequest
from charlstm.text import mapped_ids, token_cache
from charlstm.text.corpus import load_corpus, split_bounds
from charlstm.text.vocabulary import Vocabulary

MODEL = {"cells": 4, "embedding": 3}
TRAINING = {"steps": 2, "streams": 2, "window": 4, "precision": "float32"}
ANY_BYTES = st.one_of(
    st.binary(min_size=0, max_size=400),
    st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.text(alphabet='("){[\\\n\r\t \x00\x1b\ufeff\u2028é𝄞', max_size=300).map(str.encode),
    st.binary(min_size=1, max_size=3).map(lambda piece: piece * 100),
)
FEW_EXAMPLES = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))


def request(text: Path, out: Path, **more: object) -> TrainRequest:
    wanted = {"model": MODEL, "training": TRAINING, "split": "60/40", "overwrite": out.exists()} | more
    return TrainRequest(corpus=str(text), out=out, **wanted)


def use(text: Path, out: Path, level: str) -> None:
    """Encode text at a level, split it, train on it in the folder out, then score, sample and inspect.

    Raises CharLSTMError where the text is unfit for one of these.
    """
    corpus = load_corpus(str(text), level=level)
    content = text.read_bytes()
    if level == "characters" and content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        content = content.decode("utf-16").encode()
    assert corpus.vocabulary.decode_bytes(corpus.tokens) == content
    bounds = split_bounds(len(corpus.tokens), "60/40")
    assert bounds["train"][0] == 0
    assert bounds["test"][1] == len(corpus.tokens)
    list(train.train_run(request(text, out, level=level)))
    scored = score_run(ScoreRequest(run=out, corpus=str(text)))
    assert np.isfinite(scored.bits_per_character)
    drawn = sample.sample_run(out, "", config=SamplingConfig(length=5), seed=0)
    assert len(list(drawn)) == 6, "the prompt and five characters"
    inspect(out, text)


def inspect(run: Path, text: Path, **settings: object) -> Findings:
    """Inspect a run on a text with settings, an InspectionConfig's fields, and return the findings."""
    config = InspectionConfig(**settings)
    return inspect_run(InspectRequest(run=run, corpus=str(text), out=run, config=config)).findings


@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_any_bytes_give_a_result_or_a_known_error(tmp_path, level, heavy):
    problems = []

    @settings(FEW_EXAMPLES, max_examples=200 if heavy else 8)
    @example(b'He said "no" (twice).\n' * 20)
    @given(ANY_BYTES)
    def check(content: bytes) -> None:
        place = tmp_path / "text.txt"
        place.write_bytes(content)
        try:
            use(place, tmp_path / "run", level)
        except CharLSTMError as problem:
            problems.append(problem)
            return
        raise AssertionError("no text here is long enough for an inspection")

    check()
    assert any("20,000" in problem.problem for problem in problems), "no example reached the inspection"


def test_any_bytes_repeated_to_a_long_text_can_be_inspected(tmp_path, heavy):
    """An inspection needs 20,000 characters, so the drawn bytes are repeated until there are enough."""

    @settings(FEW_EXAMPLES, max_examples=40)
    @given(ANY_BYTES.filter(len))
    def check(content: bytes) -> None:
        place = tmp_path / "text.txt"
        place.write_bytes(content * (22_000 // len(content) + 1))
        with suppress(CharLSTMError):
            use(place, tmp_path / "run", "bytes")

    if heavy:
        check()
    place = tmp_path / "text.txt"
    place.write_bytes(b'He said "no" (\xff twice).\n' * 900)
    use(place, tmp_path / "run", "bytes")  # raises nothing, although the text is not UTF-8


@pytest.mark.parametrize("level", ["characters", "bytes"])
def test_a_text_of_one_distinct_character_trains_and_scores_but_has_nothing_to_inspect(tmp_path, level):
    place = tmp_path / "text.txt"
    place.write_text("a" * 24_000)
    with pytest.raises(CorpusError, match="no feature of the text varies enough"):
        use(place, tmp_path / "run", level)
    assert score_run(ScoreRequest(run=tmp_path / "run")).bits_per_character == 0
    [drawn] = zip(
        *sample.sample_run(tmp_path / "run", "a", config=SamplingConfig(length=9), seed=0), strict=True
    )
    assert "".join(drawn) == "a" * 9


def test_a_text_of_60_000_distinct_characters_trains_scores_and_samples(tmp_path, heavy):
    symbols = "".join(map(chr, [*range(0x20, 0xD800), *range(0x10000, 0x10000 + 60_000 - 0xD7E0)]))
    assert len(symbols) == 60_000
    place = tmp_path / "text.txt"
    place.write_text(symbols + symbols[:3_000], encoding="utf-8")
    list(train.train_run(request(place, tmp_path / "run", split="96/4")))
    assert len(load(tmp_path / "run").config.vocabulary) == 60_000
    short = tmp_path / "short.txt"
    short.write_text(symbols[:2_000], encoding="utf-8")
    assert score_run(ScoreRequest(run=tmp_path / "run", corpus=str(short))).bits_per_character > 10
    drawn = sample.sample_run(tmp_path / "run", "a", config=SamplingConfig(length=9), seed=0)
    assert len(list(drawn)) == 10
    if not heavy:
        return
    short.write_text("".join(f"({symbol}) " for symbol in symbols[:5_500]), encoding="utf-8")
    assert inspect(tmp_path / "run", short).corpus.characters == 22_000


def test_a_line_of_ten_million_characters_takes_bounded_time(tmp_path, heavy):
    place = tmp_path / "text.txt"
    place.write_text('f(x) = "a" * ' * 770_000)
    started = time.process_time()
    list(train.train_run(request(place, tmp_path / "run", split="99.9/0.1")))
    if heavy:
        inspect(tmp_path / "run", place, characters=1_000_000)
    assert time.process_time() - started < (300 if heavy else 20)


def test_a_file_that_changes_while_it_is_read_is_an_error_and_leaves_no_cache(tmp_path, monkeypatch):
    place = tmp_path / "text.txt"
    read_symbols = token_cache._symbols

    def followed_by(change):
        def read_then_change(*arguments):
            symbols = read_symbols(*arguments)
            change()
            return symbols

        return read_then_change

    changes = {
        "changed while it was read": lambda: place.write_text("other text"),
        "cannot be read: No such file": place.unlink,
    }
    for words, change in changes.items():
        place.write_text("some text\n" * 100)
        monkeypatch.setattr(token_cache, "_symbols", followed_by(change))
        with pytest.raises(CorpusError, match=words):
            load_corpus(str(place))
        assert not list(tmp_path.rglob("*.partial"))
        assert not list((tmp_path / "data" / "tokens").glob("*"))


def test_a_file_that_keeps_growing_is_read_whole_or_is_an_error(tmp_path):
    """Reading ends, and never gives a text that stops within a line."""
    place, over = tmp_path / "log.txt", threading.Event()
    place.write_text("line\n" * 200_000)

    def grow() -> None:
        while not over.wait(0.001):
            with place.open("a") as file:
                file.write("line\n")

    writer = threading.Thread(target=grow)
    writer.start()
    problems = []
    try:
        for _ in range(3):
            try:
                assert len(load_corpus(str(place)).tokens) % 5 == 0
            except CorpusError as problem:
                problems.append(problem.problem)
    finally:
        over.set()
        writer.join()
    assert all("changed while it was read" in problem for problem in problems)


def test_a_file_whose_name_is_not_utf_8_trains_and_scores(tmp_path):
    place = tmp_path / "a\udcff.txt"
    place.write_text("some text\n" * 100)
    list(train.train_run(request(place, tmp_path / "run")))
    assert score_run(ScoreRequest(run=tmp_path / "run")).bits_per_character > 0


def test_a_validation_text_with_unknown_characters_is_an_error(tmp_path):
    (tmp_path / "text.txt").write_text("some text\n" * 100)
    (tmp_path / "other.txt").write_text("another one\n" * 100)
    other = str(tmp_path / "other.txt")
    wanted = request(tmp_path / "text.txt", tmp_path / "run", validation=other, split=None)
    with pytest.raises(CorpusError, match=r"other\.txt: 'a' .* is not among") as problem:
        list(train.train_run(wanted))
    assert "`unknown" not in problem.value.advice, "train has no such option"


def test_the_files_of_a_run_in_a_folder_of_texts_are_not_read(tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("some text\n" * 100)
    before = load_corpus(str(tmp_path / "texts")).sha256
    list(train.train_run(request(tmp_path / "texts", tmp_path / "texts" / "run")))
    (tmp_path / "texts" / "run" / "findings.json").write_text("{}")
    assert load_corpus(str(tmp_path / "texts")).sha256 == before
    assert load_corpus(str(tmp_path / "texts" / "**" / "*.*")).sha256 == before
    (tmp_path / "texts" / "run" / "notes.txt").write_text("a text of mine")
    assert load_corpus(str(tmp_path / "texts")).sha256 != before


@pytest.mark.parametrize("feature", ["x", "x=", "=y", "x=(", "x=set:,reset:"])
def test_a_malformed_feature_is_a_usage_error(tmp_path, feature):
    place = tmp_path / "text.txt"
    place.write_text('He said "no" (twice).\n' * 1_200)
    list(train.train_run(request(place, tmp_path / "run")))
    with pytest.raises(UsageError):
        inspect(tmp_path / "run", place, features=(feature,))


PROSE = 'He said "come in" (not at once) and went on to the door.\n' * 40
SMALL = (
    "--steps",
    2,
    "--cells",
    4,
    "--embedding",
    3,
    "--streams",
    2,
    "--window",
    8,
    "--precision",
    "float32",
)


class Touches:
    """When it is unpickled, it makes a file."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.place,))


@pytest.mark.parametrize("name", ["hf:pandas", "hf:some/set", "hf:run", "hf:./run", "hf:cache"])
@pytest.mark.parametrize("command", ["train", "score", "inspect"])
def test_no_name_of_a_dataset_runs_what_lies_in_a_folder_here(tmp_path, monkeypatch, capsys, name, command):
    list(train.train_run(request(text_file(tmp_path), tmp_path / "run")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # Where another test has imported the libraries, they have read the variable already.
    for library in ("huggingface_hub.constants", "datasets.config"):
        monkeypatch.setattr(f"{library}.HF_HUB_OFFLINE", True)
    for place in (tmp_path, tmp_path / "run", tmp_path / "some" / "set"):
        place.mkdir(parents=True, exist_ok=True)
        (place / "train.pkl").write_bytes(pickle.dumps(Touches(tmp_path / "was run")))
    words = ["train", name, "--out", "new", *SMALL] if command == "train" else [command, "run", name]
    assert run(monkeypatch, *words) == 3
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "was run").exists()


def text_file(folder: Path, content: str = PROSE) -> Path:
    (folder / "text.txt").write_text(content)
    return folder / "text.txt"


@pytest.mark.parametrize("command", ["train", "score", "inspect"])
@pytest.mark.parametrize("name", ["pipe", "sparse.txt", "folder", "loop/../pipe"])
def test_a_text_that_is_none_ends_in_one_error_at_once(tmp_path, monkeypatch, capsys, command, name):
    list(train.train_run(request(text_file(tmp_path), tmp_path / "run")))
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    (tmp_path / "folder").mkdir()
    os.mkfifo("folder/pipe")
    (tmp_path / "loop").symlink_to(".")
    with open("sparse.txt", "wb") as file:
        file.truncate(100 << 30)
    words = ["train", name, "--out", "new", *SMALL] if command == "train" else [command, "run", name]
    started = time.monotonic()
    assert run(monkeypatch, *words) == 3
    assert time.monotonic() - started < 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_a_folder_with_loops_of_links_is_the_text_without_them(tmp_path, monkeypatch):
    (tmp_path / "texts" / "deep").mkdir(parents=True)
    text_file(tmp_path / "texts" / "deep")
    monkeypatch.chdir(tmp_path / "texts")
    plain = load_corpus(".").sha256
    (tmp_path / "texts" / "loop").symlink_to(".")
    (tmp_path / "texts" / "deep" / "up").symlink_to("..")
    (tmp_path / "texts" / "deep" / "again").symlink_to("../loop/deep")
    for name in (".", "**", "**/*.txt", "*/*.txt", "*/*/*.txt", str(tmp_path / "texts")):
        assert load_corpus(name).sha256 == plain, name


PACKED = {
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16-be": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-32": lambda text: text.encode("utf-32"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "bzip2": lambda text: bz2.compress(text.encode()),
    "gzip of utf-16": lambda text: gzip.compress(text.encode("utf-16")),
}


@pytest.mark.parametrize("form", PACKED)
def test_a_text_in_any_form_is_the_same_text(tmp_path, form):
    (tmp_path / "text").write_bytes(PACKED[form](PROSE + "é\r\n"))
    for _ in range(2):
        corpus = load_corpus(str(tmp_path / "text"))
        assert corpus.vocabulary.decode(corpus.tokens) == PROSE + "é\r\n"


@pytest.mark.parametrize(
    ("content", "problem", "advice"),
    [
        (PROSE.encode("utf-16-le"), "UTF-16 without a byte order mark", "iconv -f UTF-16LE"),
        (PROSE.encode("utf-16-be"), "UTF-16 without a byte order mark", "iconv -f UTF-16BE"),
        (gzip.compress(PROSE.encode(), mtime=0)[:-8], "cannot be unpacked", "get it again"),
        (bz2.compress(PROSE.encode())[:-8], "cannot be unpacked", "get it again"),
        ((PROSE + "né").encode("latin-1"), "is not UTF-8: byte 0xE9 at offset 2,281", "--level bytes"),
    ],
)
def test_a_text_that_cannot_be_read_as_it_is_comes_with_advice(
    tmp_path, monkeypatch, capsys, content, problem, advice
):
    (tmp_path / "text").write_bytes(content)
    assert run(monkeypatch, "train", tmp_path / "text", "--out", tmp_path / "run", *SMALL) == 3
    shown = capsys.readouterr().err
    assert problem in shown
    assert advice in shown
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_text_is_encoded_ends_the_command(tmp_path, monkeypatch, capsys, number):
    place, plain = text_file(tmp_path, PROSE * 500), Vocabulary.encode
    pieces = []

    def encode(*given: object, **options: object) -> np.ndarray:
        pieces.append(1)
        if len(pieces) == 2:
            os.kill(os.getpid(), number)
        return plain(*given, **options)

    monkeypatch.setattr(Vocabulary, "encode", encode)
    assert run(monkeypatch, "train", place, "--out", tmp_path / "run", *SMALL) == 128 + number
    assert "Traceback" not in capsys.readouterr().err
    assert len(pieces) == 2
    assert not (tmp_path / "run").exists()
    assert not list((tmp_path / "data" / "tokens").iterdir())


def test_a_cache_that_is_cut_while_a_training_reads_it_is_one_error(tmp_path):
    """In a process of its own: a mapping that is read behind its file's end kills the process."""
    text_file(tmp_path, PROSE * 100)
    code = (
        "import os\n"
        "from charlstm.text import mapped_ids\n"
        "mapped_ids.MOST_COPIED_BYTES = 0\n"
        "plain = mapped_ids.checked_ids\n"
        "def cut(path, *given, **options):\n"
        "    ids = plain(path, *given, **options)\n"
        "    os.truncate(path, 10)\n"
        "    return ids\n"
        "from charlstm.text import token_cache\n"
        "token_cache.checked_ids, token_cache.agrees = cut, lambda *given, **options: True\n"
        "from charlstm.commands.app import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", code, "train", "text.txt", "--out", "new", *map(str, SMALL)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "was cut while it was in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("copied", [True, False])
def test_a_run_on_a_forged_cache_has_the_score_of_its_text(tmp_path, monkeypatch, copied):
    """The ids of another text come with a record that names this one's fingerprint."""
    if not copied:
        monkeypatch.setattr(mapped_ids, "MOST_COPIED_BYTES", 0)
    place = text_file(tmp_path)
    list(train.train_run(request(place, tmp_path / "run")))
    expected = score_run(ScoreRequest(run=tmp_path / "run", corpus=str(place))).bits_per_character
    (ids,) = (tmp_path / "data" / "tokens").glob("*.bin")
    forged = np.roll(np.fromfile(ids, np.uint8), 7)[::-1]
    forged.tofile(ids)
    record = json.loads(ids.with_suffix(".json").read_text())
    symbols = zlib.crc32("".join(record["vocabulary"]["symbols"]).encode())
    record["crc32"] = zlib.crc32(forged.tobytes(), symbols)
    ids.with_suffix(".json").write_text(json.dumps(record))
    assert score_run(ScoreRequest(run=tmp_path / "run", corpus=str(place))).bits_per_character == expected


def test_a_cache_that_came_with_a_download_is_not_used(tmp_path, monkeypatch):
    monkeypatch.delenv("CHARLSTM_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    text_file(tmp_path)
    (tmp_path / "data" / "tokens").mkdir(parents=True)
    (tmp_path / "data" / "README.md").write_text("# data/\n")
    load_corpus("text.txt")
    assert list((tmp_path / "cache" / "charlstm" / "tokens").iterdir())
    assert not list((tmp_path / "data" / "tokens").iterdir())


@pytest.mark.parametrize("how", ["skip", "replace"])
@pytest.mark.parametrize("command", ["score", "sample"])
def test_what_is_left_out_or_replaced_is_said_on_stderr(tmp_path, monkeypatch, capsys, command, how):
    list(train.train_run(request(text_file(tmp_path), tmp_path / "run")))
    (tmp_path / "other.txt").write_text(PROSE + "ééñ")
    words = [tmp_path / "other.txt"] if command == "score" else ["--prompt", "He éñé", "--length", 5]
    assert run(monkeypatch, command, tmp_path / "run", *words, "--unknown", how) == 0
    shown = capsys.readouterr()
    what = {"skip": "left out", "replace": "replaced"}[how]
    assert f"3 characters that the run does not know are {what}: '\\xe9' (2), '\\xf1' (1)" in shown.err
    assert "does not know" not in shown.out
