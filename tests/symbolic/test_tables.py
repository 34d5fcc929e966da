"""Tables read through a lens: by the call that asked for it, and by nobody else."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

import odeanalysis as oda
from odeanalysis.symbolic.calculus.rows import ROWS
from odeanalysis.symbolic.calculus.rules import PULLBACKS, PUSHES
from odeanalysis.symbolic.calculus.structure import PICKS
from odeanalysis.symbolic.formula import formula
from odeanalysis.symbolic.functions import FUNCTIONS
from odeanalysis.symbolic.tables import Table, read_through

TABLES = {"PULLBACKS": PULLBACKS, "PUSHES": PUSHES, "FUNCTIONS": FUNCTIONS, "ROWS": ROWS, "PICKS": PICKS}
NUMBERS = Table({"one": 1, "two": 2})


def doubled(table, key, rule):
    return 2 * rule if table is NUMBERS else rule


def test_a_call_reads_through_its_lens():
    assert read_through(doubled, lambda: [NUMBERS[name] for name in ("one", "two")]) == [2, 4]
    assert NUMBERS == {"one": 1, "two": 2} and NUMBERS["two"] == 2


def test_the_lens_is_told_the_table_the_key_and_the_rule():
    seen = []
    read_through(lambda *what: seen.append(what), lambda: NUMBERS["one"])
    assert seen == [(NUMBERS, "one", 1)] and seen[0][0] is NUMBERS


def test_other_threads_read_the_tables_as_stated():
    inside, read = Event(), Event()

    def waiting():
        inside.set()
        assert read.wait(10)
        return NUMBERS["two"]

    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(read_through, doubled, waiting)
        assert inside.wait(10)
        assert NUMBERS["two"] == 2
        read.set()
        assert found.result() == 4


def test_a_call_that_fails_leaves_no_lens():
    with pytest.raises(KeyError):
        read_through(doubled, lambda: NUMBERS["three"])
    assert NUMBERS["one"] == 1


def test_a_call_inside_another_has_its_own_lens():
    def inner():
        return read_through(lambda table, key, rule: -rule, lambda: NUMBERS["one"]), NUMBERS["one"]

    assert read_through(doubled, inner) == (-1, 2)


@pytest.mark.parametrize("name", TABLES)
def test_every_table_of_the_calculus_can_be_read_so(name):
    assert isinstance(TABLES[name], Table)


def test_a_wrong_rule_gives_a_wrong_derivative_to_its_own_call_alone():
    x = oda.block("x", 2)
    stated = formula("f", [x], {"y": oda.sumsq(oda.tanh(x))})

    def without_functions(table, key, rule):
        return (lambda node, out, c, i: 0 * c) if table is PULLBACKS and key.__name__ == "Map" else rule

    before = oda.vjp(stated)
    assert read_through(without_functions, oda.vjp, stated) != before == oda.vjp(stated)
