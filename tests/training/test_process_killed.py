"""If a process is killed, all end, and training goes on when the command is repeated."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

PROGRAM = """
import os, signal, sys
from pathlib import Path
import numpy as np
from skorch.callbacks import Callback
from torch import distributed
from mibsk import IBAligner
from mibsk.encoders import MLP

folder = Path(sys.argv[1])


class Killed(Callback):
    def on_epoch_begin(self, net, **kwargs):
        marker = folder / "killed"
        rank = distributed.get_rank() if distributed.is_initialized() else 0
        if rank == 1 and len(net.history) == 4 and not marker.exists():
            marker.write_text("once")
            os.kill(os.getpid(), signal.SIGKILL)


if "RANK" in os.environ:
    distributed.init_process_group("gloo")
rng = np.random.default_rng(0)
hidden = rng.normal(size=(200, 3))
X = {name: (hidden @ rng.normal(size=(3, 5))).astype(np.float32) for name in "ab"}
aligner = IBAligner(
    encoders=MLP((8,)), max_epochs=5, callbacks=[Killed()], checkpoint=folder, random_state=0,
    verbose=1,
).fit(X)
rank = os.environ.get("RANK", "alone")
np.savez(folder / f"{rank}.npz", **aligner.embed(X))
"""


def test_training_goes_on_after_a_process_was_killed(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for launcher, is_killed in (([], False), (["-m", *torchrun], True), (["-m", *torchrun], False)):
        folder = tmp_path / ("joint" if launcher else "alone")
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, *launcher, str(program), str(folder)],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "OMP_NUM_THREADS": "1",
            },
        )
        assert (done.returncode != 0) == is_killed, done.stderr[-3000:]
    assert (tmp_path / "joint" / "killed").exists()
    assert "Resuming after epoch 3" in done.stdout
    expected = dict(np.load(tmp_path / "alone" / "alone.npz"))
    for rank in range(2):
        found = np.load(tmp_path / "joint" / f"{rank}.npz")
        for name, z in expected.items():
            np.testing.assert_allclose(found[name], z, rtol=0, atol=1e-5)
