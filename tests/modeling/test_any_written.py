"""Any problem that is drawn is written as a text that reads as an equal problem, or refused for what a model file cannot hold."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import odeanalysis as oda
from odeanalysis.verification.strategies import problems as drawn
from odeanalysis.verification.strategies.drawing import draw
from odeanalysis.verification.strategies.problems import Drawn

STRATEGIES: dict[str, st.SearchStrategy[Drawn]] = {
    "problems": drawn.problems(),
    "moving ends": drawn.problems(moving_ends=True),
    "small problems": drawn.small_problems(),
    "own depths": drawn.own_depths(),
    "of no length": drawn.of_no_length(),
    "regularized": drawn.regularized(),
    "networks": drawn.networks(),
}


def writable(problem: oda.Problem) -> bool:
    """What transforms add as functions of depth has no key in a file; what else they made is written out."""
    return not problem.model.functions and not problem.model.nodes


@pytest.mark.parametrize("name", STRATEGIES)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_written_reads_as_the_same(name: str, data: st.DataObject):
    problem = replace(data.draw(STRATEGIES[name]).problem, reduction="mean")  # a file has no key for it
    if writable(problem):
        assert oda.loads(oda.dumps(problem), "another name") == problem
    else:
        with pytest.raises(oda.ModelError, match="depth-varying names have no place"):
            oda.dumps(problem)


@pytest.mark.parametrize("name", STRATEGIES)
def test_some_of_what_is_drawn_is_written(name: str):
    assert any(writable(one.problem) for one in draw(STRATEGIES[name], 15, 0))
