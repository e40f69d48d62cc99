"""Windows of a fit, known again by their digests."""

import torch

from tavrnn_ephys.methods.tavrnn.factors.digests import digest_of, known_window


def windows():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 6, 6, generator=generator)


def digests_of(graphs):
    return torch.stack([digest_of(item) for item in graphs])


def test_every_window_is_found_at_its_place():
    graphs = windows()
    assert [known_window(item, digests_of(graphs)) for item in graphs] == [0, 1, 2, 3, 4]


def test_a_window_in_another_memory_layout_is_the_same():
    graphs = windows()
    assert known_window(graphs[2].T.contiguous().T, digests_of(graphs)) == 2


def test_the_same_weights_in_other_places_are_another_window():
    graphs = windows()
    assert known_window(graphs[1].flip(0), digests_of(graphs)) is None


def test_the_last_bit_of_one_weight_makes_another_window():
    graphs = windows()
    changed = graphs[3].clone()
    changed[0, 1] = torch.nextafter(changed[0, 1], torch.tensor(10.0))
    assert known_window(changed, digests_of(graphs)) is None


def test_of_windows_that_are_alike_the_first_is_found():
    graphs = windows()
    graphs[4] = graphs[1]
    assert known_window(graphs[4], digests_of(graphs)) == 1


def test_a_fit_without_windows_knows_none():
    assert known_window(windows()[0], torch.zeros(0, 2, dtype=torch.int64)) is None
