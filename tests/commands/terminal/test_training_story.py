"""What a training shows, as lines and as JSON."""

import json
from pathlib import Path

from tiny_run import config_of

from charlstm.commands.terminal import training_story
from charlstm.tasks.train import Prepared, Sampled, Trained


def test_events_become_json_objects_with_their_name():
    trained = Trained(Path("a"), "done", 3, 10, 1.0, 5, None, 2.0, 3)
    for event, name in ((trained, "trained"), (Sampled(3, "text"), "sampled")):
        assert json.loads(json.dumps(training_story.event_document(event)))["event"] == name


def test_paths_become_text_in_json():
    prepared = Prepared(config_of(), 9, 9, 5, "cpu", False, 0, left_out=(Path("texts/picture.png"),))
    document = json.loads(json.dumps(training_story.event_document(prepared)))
    assert document["left_out"] == ["texts/picture.png"]


def test_a_summary_of_a_run_without_validation():
    shown = training_story.summary_table(Trained(Path("a"), "done", 3, 1_000, 2.0, 5, 1.5, None, 3))
    assert "500 characters/s" in shown
    assert "validation" not in shown
