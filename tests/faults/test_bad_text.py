"""Any bytes, and texts of unusual size or content, give a result or one clear error."""

import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
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
from charlstm.text import token_cache
from charlstm.text.corpus import load_corpus, split_bounds

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
    assert corpus.vocabulary.decode_bytes(corpus.tokens) == text.read_bytes()
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
    wanted = request(tmp_path / "text.txt", tmp_path / "run", validation=str(tmp_path / "other.txt"))
    with pytest.raises(CorpusError, match=r"other\.txt: 'a' .* is not among") as problem:
        list(train.train_run(wanted))
    assert "--unknown" not in problem.value.advice, "train has no such option"


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
