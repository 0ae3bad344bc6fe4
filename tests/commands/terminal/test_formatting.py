"""Numbers, durations and characters as text."""

import pytest

from charlstm.commands.terminal import formatting


@pytest.mark.parametrize(("seconds", "shown"), [(4.4, "4s"), (200, "3m 20s"), (7_500, "2h 05m")])
def test_durations_are_told_in_the_largest_two_units(seconds, shown):
    assert formatting.duration(seconds) == shown


def test_control_characters_become_pictures_and_line_breaks_stay():
    assert formatting.safe_for_terminal("a\x1b[2J\n\tb\x7f\x9b") == "a␛[2J\n\tb␡�"


def test_characters_that_nobody_would_see_become_escapes():
    """Zero width, direction, byte-order mark, soft hyphen, tags, line separators, fillers, half a pair."""
    unseen = [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2065), *range(0x2066, 0x206A)]
    unseen += [0xAD, 0x61C, 0x2028, 0x2029, 0xFEFF, 0xE0001, *range(0xE0020, 0xE0080), 0x3164, 0xD800]
    for code in unseen:
        shown = formatting.safe_for_terminal(f"a{chr(code)}b")
        assert shown.isascii()
        assert (
            shown == f"a\\{'u' if code < 0x10000 else 'U'}{code:0{4 if code < 0x10000 else 8}x}b"
            or code == 0xAD
        )
    seen = "é\u00a0\u3000\u0301\u05d0\u0627\U0001f600\u2019—"
    assert formatting.safe_for_terminal(seen) == seen


def test_a_loss_is_told_in_both_units():
    assert formatting.bits_and_nats(2.0) == "2.0000 bits per character (1.3863 nats)"


def test_bytes_are_told_in_units_that_are_easy_to_read():
    told = [formatting.bytes_in_words(count) for count in (0, 999, 1_500, 14_200_000, 2_340_000_000)]
    assert told == ["0 bytes", "999 bytes", "1.5 kB", "14 MB", "2.3 GB"]
