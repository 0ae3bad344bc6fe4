"""A run in hand writes what the command writes, scores, and inspects its own unseen text."""

import math
import warnings
from dataclasses import replace

import pytest
from proven_fixture import proven_findings
from tiny_run import TEXT, saved_run

from charlstm.checkpoint import loading
from charlstm.config import Hold, SamplingConfig
from charlstm.errors import CorpusError, UnknownCharacterError, UsageError
from charlstm.findings import Findings
from charlstm.run_files import FETCHED_RUNS
from charlstm.session.run import Run, load
from charlstm.tasks.sample import sample_run
from charlstm.tasks.score import ScoreRequest, score_run
from charlstm.training.evaluation import evaluate


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    return load(saved_run(tmp_path_factory.mktemp("session")))


def command_text(run: Run, prompt: str, *, seed: int = 0, **settings: object) -> list[str]:
    """What the command draws from the run."""
    pieces = sample_run(run.path, prompt, config=SamplingConfig(**settings), seed=seed)
    return ["".join(text) for text in zip(*pieces, strict=True)]


def findings_with_levels(cell: int, **levels: float) -> Findings:
    """Findings in which one cell of layer 0 has the given levels."""
    findings = Findings.from_json(proven_findings())
    first = findings.findings[0]
    detection = replace(first.detection, levels=levels)
    return replace(findings, findings=[replace(first, layer=0, cell=cell, detection=detection)])


def test_a_loaded_run_is_the_checkpoint_with_its_folder(run):
    checkpoint = loading.load(run.path)
    assert (run.path, run.config, run.step) == (checkpoint.path, checkpoint.config, checkpoint.step)
    assert run.vocabulary.symbols == tuple(sorted(set(TEXT)))
    told = f"1 layer of 8 cells, {len(run.vocabulary)} symbols, 3.250 bits per character; {run.path}"
    assert repr(run) == f"<Run: {told}>"


def test_a_run_of_the_hub_is_fetched_first(run, monkeypatch):
    monkeypatch.setattr("charlstm.session.run.fetched_run", {"hf:me/fox": run.path}.__getitem__)
    assert load("hf:me/fox").path == run.path


def test_a_text_is_the_one_that_the_command_draws(run):
    assert run.sample("the ", length=30, seed=3) == command_text(run, "the ", length=30, seed=3)[0]
    assert (
        run.sample(length=9, temperature=1, top_k=4, stop="o")
        == (command_text(run, "", length=9, temperature=1, top_k=4, stop="o")[0])
    )


def test_several_texts_are_a_list_even_of_one(run):
    texts = run.sample("fox", length=12, count=3)
    assert texts == command_text(run, "fox", length=12, count=3)
    assert run.sample("fox", length=12, count=1) == texts[:1]
    assert run.sample(length=0) == ""
    assert run.sample(length=0, count=2) == ["", ""]


@pytest.mark.parametrize(
    "hold", [{"0:3": 2.5}, {"0:3": "2.5@4", "0:1": -1}, "0:3=2.5", ["0:3=2.5", "0:1=-1@2"]]
)
def test_cells_are_held_at_cell_states(run, hold):
    holds = {
        "0:3=2.5": (Hold(0, 3, 2.5),),
        '["0:3=2.5", "0:1=-1@2"]': (Hold(0, 3, 2.5), Hold(0, 1, -1.0, 2)),
        "{'0:3': 2.5}": (Hold(0, 3, 2.5),),
        "{'0:3': '2.5@4', '0:1': -1}": (Hold(0, 3, 2.5, 4), Hold(0, 1, -1.0)),
    }[str(hold).replace("'0:3=2.5', '0:1=-1@2'", '"0:3=2.5", "0:1=-1@2"')]
    assert run.sample(length=20, hold=hold) == command_text(run, "", length=20, hold=holds)[0]


def test_on_is_the_level_that_the_findings_tell(run):
    findings = findings_with_levels(3, on=2.5, off=-2.5)
    drawn = run.sample(length=20, hold={"0:3": "on"}, findings=findings)
    assert drawn == run.sample(length=20, hold={"0:3": 2.5})
    with pytest.raises(UsageError, match="what on is for cell 0:4 is not known: the findings say it of 0:3"):
        run.sample(hold={"0:4": "on"}, findings=findings)
    with pytest.raises(UsageError, match="what on is for cell 0:4 is not known: there is no"):
        run.sample(hold={"0:4": "on"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hold": {"0:99": 1.0}}, "no cell 0:99"),
        ({"hold": {"0": 1.0}}, "does not say which cell"),
        ({"temperature": -1}, "`temperature` must be at least 0"),
        ({"seed": -1}, "`seed` must be at least 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(run, settings, message):
    with pytest.raises(UsageError, match=message):
        run.sample(**settings)


def test_a_score_is_that_of_the_command(run):
    text = TEXT[:200]
    score = run.score(text)
    bits = evaluate(run.model, run.vocabulary.encode(text)).loss_nats / math.log(2)
    assert score.bits_per_character == pytest.approx(bits)
    whole = score_run(ScoreRequest(run=run.path))
    assert run.score(TEXT).bits_per_character == pytest.approx(whole.bits_per_character)
    assert repr(score) == f"<Score: {bits:.4f} bits per character over 199 characters>"
    with pytest.raises(UnknownCharacterError):
        run.score("the QUICK")
    assert run.score("the QUICK", unknown="skip").corpus.characters == 4
    for short in ("", "t"):
        with pytest.raises(CorpusError):
            run.score(short)


def test_a_part_of_the_own_text_is_scored_and_the_word_for_it_is_a_text_with_a_warning(run):
    part = score_run(ScoreRequest(run=run.path, part="validation"))
    assert run.score(part="validation").nats.tolist() == part.nats.tolist()
    assert run.score(TEXT, part="validation").nats.tolist() == part.nats.tolist()
    assert run.score().nats.tolist() == run.score(TEXT).nats.tolist()
    with pytest.raises(UsageError, match="'middle' is no part of a text"):
        run.score(part="middle")
    with pytest.warns(UserWarning, match=r"write run\.score\(part='test'\)"):
        assert len(run.score("test", unknown="skip").ids) == 4


def test_without_a_text_the_unseen_part_of_the_own_text_is_inspected(run, monkeypatch):
    requests = []
    monkeypatch.setattr("charlstm.session.run.inspected", lambda request, *rest: requests.append(request))
    monkeypatch.setattr("charlstm.tasks.inspect.LEAST_INSPECTED_CHARACTERS", 100)
    run.inspect()
    (request,) = requests
    assert run.vocabulary.decode(request.ids) == TEXT[len(TEXT) * 8 // 10 :]
    assert request.corpus_name == run.config.corpus.name


@pytest.mark.parametrize(
    ("record", "change", "told"),
    [
        ({}, "", []),
        ({"validation": "other.txt"}, "", ["the run was trained on all of its text"]),
        ({}, "$", ["1 characters that the run does not know are replaced", "text has changed since it was"]),
    ],
)
def test_what_is_not_as_one_expects_in_the_own_text_is_told(tmp_path, monkeypatch, record, change, told):
    run = load(saved_run(tmp_path, **record))
    (tmp_path / "text.txt").write_text(TEXT + change)
    monkeypatch.setattr("charlstm.session.run.inspected", lambda *request: None)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        run.inspect()
    assert len(warned) == len(told)
    for warning, words in zip(warned, told, strict=True):
        assert words in str(warning.message)
        assert warning.filename == __file__


def test_the_findings_of_a_run_from_the_hub_are_where_its_inspection_writes(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fetched = replace(run, path=tmp_path / FETCHED_RUNS / "me--fox")
    Findings.from_json(proven_findings()).save(tmp_path / "checkpoints" / "me--fox" / "findings.json")
    assert len(fetched.findings.findings) == len(proven_findings()["findings"])


def test_the_findings_of_the_folder_know_their_model(run):
    with pytest.raises(UsageError, match="cannot read"):
        _ = run.findings
    Findings.from_json(proven_findings()).save(run.path / "findings.json")
    try:
        assert run.findings.inspected == (run.model, run.vocabulary)
        assert len(run.findings.findings) == len(proven_findings()["findings"])
    finally:
        (run.path / "findings.json").unlink()
