"""A fit that tests of kinds share."""

import pytest

from tests.factors.made_recall import model_of, two_states


@pytest.fixture(scope="module")
def fitted():
    """A model that knows two kinds, and graphs that it has seen in part."""
    graphs, states, kind = two_states()
    model = model_of().fit(graphs[:60])
    assert model.returning_kinds().kinds is not None
    return model, graphs, states, kind
