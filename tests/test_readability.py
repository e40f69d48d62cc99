"""Sentences of pages, tutorials and messages are short; the pages of old fail these bounds."""

import pytest

from docs.measurements.readability import figures, messages, pages, sentences

# Words per sentence, and shares of sentences above 25 and above 35 words.
LONGEST_MEAN, MOST_ABOVE_25, MOST_ABOVE_35 = 19.0, 0.20, 0.08
# A page of few sentences may have one long one.
FEW = 6
PAGES = pages()
# As it stood before it was rewritten: the beginning of the page on links to behaviour.
OLD = """
`--behavior NAME` is a behaviour signal, an epoch or an event of the recording; `NAME:LABEL` takes one label of it. A signal is averaged, or its
circular mean or most frequent value is taken; an epoch gives the label that covers most of a window, or the share of it; an event gives its rate
(`--behavior-how`; `--behavior-period 360` for a circular mean of degrees). `benchmark --behavior` means the same. Where a recording holds a game, `game:hits`, `game:misses`, `game:hit_miss_ratio`,
`game:rally_length` and `game:rally_length_time_weighted` are there too. Hits and misses are found in whatever way they stand: labels of one event or epoch, an event or epoch of
their own each (`hits`, `misses`, `ball return`, `ball missed`), or episodes with `hit_count`. The description says from which they were counted, and a measure that is the same
in all windows warns with it. `rank_windows` names High 1, 2, 3 … Low 3, 2, 1, a window's length apart.
"""  # noqa: E501


def long_winded(texts):
    """Say by which bound texts are too long."""
    n, mean, above_25, above_35 = figures(texts)
    allowed = max(MOST_ABOVE_25, 1 / n) if n < FEW else MOST_ABOVE_25
    found = []
    if mean > LONGEST_MEAN:
        found.append(f"mean length {mean:.1f}")
    if above_25 > allowed:
        found.append(f"{above_25:.0%} above 25 words")
    if above_35 > MOST_ABOVE_35 and n >= FEW:
        found.append(f"{above_35:.0%} above 35 words")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_page_has_short_sentences(name):
    assert long_winded(PAGES[name]) == []


def test_messages_have_short_sentences():
    found = messages()
    assert len(found) > 1000
    assert long_winded(found) == []
    assert figures(found).mean < 12


def test_page_of_old_is_refused():
    assert len(long_winded(sentences(OLD))) >= 2


def test_code_tables_and_headings_are_no_sentences():
    text = "# A heading\n\n| a | b |\n|---|---|\n\n```\nx = 1. Y = 2.\n```\n\n"
    text += "One short sentence. Another one here.\n"
    assert sentences(text) == ["One short sentence.", "Another one here."]


def test_items_of_a_list_are_apart():
    assert sentences("- the first of three\n- the second of three\n") == [
        "the first of three",
        "the second of three",
    ]
