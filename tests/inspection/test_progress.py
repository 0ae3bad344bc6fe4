"""The progress of a piece of work within the whole work."""

from charlstm.inspection.progress import within


def test_a_piece_of_work_reports_shares_of_the_whole() -> None:
    reported: list[tuple[str, float]] = []
    piece = within(lambda stage, done: reported.append((stage, done)), 0.25, 0.75)
    for stage, done in (("begins", 0.0), ("goes on", 0.5), ("ends", 1.0)):
        piece(stage, done)
    assert reported == [("begins", 0.25), ("goes on", 0.5), ("ends", 0.75)]


def test_a_piece_of_a_piece_reports_shares_of_the_whole() -> None:
    reported: list[float] = []
    half = within(lambda _, done: reported.append(done), 0.5, 1.0)
    within(half, 0.0, 0.5)("stage", 0.5)
    assert reported == [0.625]
