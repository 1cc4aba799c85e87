"""Imports leave the garbage collector as they found it."""

import gc
import subprocess
import sys

import pytest

import mibsk
from mibsk._checks.packages import without_collection


@pytest.fixture(params=[True, False], ids=["enabled", "disabled"])
def collects(request):
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_the_collector_is_as_before(collects):
    with without_collection():
        assert not gc.isenabled()
        with without_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled() == collects


def test_also_after_an_import_that_fails(collects):
    with pytest.raises(ModuleNotFoundError), without_collection():
        import no_such_module  # noqa: F401
    assert gc.isenabled() == collects
    with pytest.raises(AttributeError):
        mibsk.NoSuchName  # noqa: B018
    assert gc.isenabled() == collects


@pytest.mark.parametrize("statement", ["from mibsk import IBAligner", "import mibsk.encoders"])
def test_imports_of_the_package_run_no_full_collection(statement):
    code = f"""
import gc
full = []
gc.callbacks.append(lambda phase, info: full.append(info["generation"] == 2 and phase == "start"))
{statement}
assert gc.isenabled() and sum(full) <= 1, sum(full)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
