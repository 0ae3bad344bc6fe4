"""Results of the commands as tables."""

from charlstm.commands.terminal import tables
from charlstm.inspection.exam.exam_run import ExamResult, MethodMarks
from charlstm.inspection.exam.marking import ExamScore
from charlstm.text.corpus import CachedCorpus


def test_corpora_are_listed_with_their_state():
    shown = tables.corpora_table(
        [CachedCorpus("stdlib", "built in"), CachedCorpus("x", "cached", "bytes", 1_000, 9, 1)]
    )
    assert shown.splitlines()[1].split() == ["built", "in", "stdlib"]
    assert "1,000" in shown


def test_exam_marks_are_a_table():
    kind = ExamScore("depth_counter", 4, 3, 0.75, 1.0, None, 0.5, 0.25, 2)
    design = ExamScore("twin", 2, 2, None, 1.0, 1.0, 1.0)
    shown = tables.exam_table(ExamResult(8, 100, [kind, design], [kind], 0.875, [0, 0, 1]))
    lines = shown.splitlines()
    assert lines[2].split() == ["depth", "counter", "4", "0.750", "1.000", "0.500", "0.250", "2"]
    assert lines[3].startswith("    twin")
    assert "twins told apart in 87.5% of networks; no finding in 2 of 3 untrained networks" in lines[-1]


def test_the_marks_of_all_methods_are_two_more_tables_within_80_characters():
    hard, soft = ExamScore("hard", 4, 3, 0.75, 1.0, 1.0, 0.5), ExamScore("soft", 2, 0, None, 0.0, None, None)
    design = ExamScore("counter used elsewhere", 400, 3, None, 1.0, 1.0, 0.5, 0.5, 12)
    methods = [MethodMarks("inspection", hard, soft), MethodMarks("probe", soft, hard)]
    shown = tables.exam_table(ExamResult(8, 100, [hard, design], [], None, [], methods))
    assert "counter used elsewhere" in shown
    assert "12" in shown.splitlines()[3]
    _, of_hard, of_soft = shown.split("\n\n")
    assert of_hard.splitlines()[0].startswith("all hard cells")
    assert of_hard.splitlines()[1].split() == ["inspection", "4", "0.750", "1.000", "1.000", "0.500"]
    assert of_soft.splitlines()[1].split() == ["inspection", "2", "0.000"]
    assert of_soft.splitlines()[2].split()[:2] == ["probe", "4"]
