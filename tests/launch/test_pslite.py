"""MXNet's parameter server: what a run does, and the faults F4, F5, F9 and F17."""

from __future__ import annotations

import json
import os
import signal
import socket
import textwrap
from pathlib import Path

import launched
import pytest
from launched import PS, script, since_fault

import promises
from gluonbook import launch
from gluonbook.launch import hosts, pslite
from gluonbook.launch.hosts import Host
from repetitions import FULL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mark")]

TRAIN = (
    PS
    + """
    fault = sys.argv[1]
    kv.set_optimizer(mx.optimizer.SGD(learning_rate=1))
    kv._barrier()
    weight = mx.nd.zeros(4)
    for step in range(20):
        heartbeat.step()
        if step == 8:
            started = next((here / "logs").glob(f".run-*/{fault}.started"), None)
            if started and kv.rank == 0:
                (here / "fault-at").write_text(str(time.monotonic()))
                os.kill(int(started.read_text().split()[2]), int(sys.argv[3]))
        kv.push(3, mx.nd.ones(4))
        kv.pull(3, out=weight)
        weight.wait_to_read()
    kv._barrier()
    kv.pull(3, out=weight)
    if kv.rank == 0:
        sys.path[:0] = [sys.argv[2], str(Path(sys.argv[2]).parent)]
        import launched
        (here / "listening").write_text(json.dumps([
            (p.pid, c.laddr.ip)
            for p in [*launched.marked(os.environ[launched.MARK]), launched.psutil.Process()]
            for c in p.net_connections() if c.status == "LISTEN"
        ]))
    kv._barrier()
    print(weight.asnumpy().tolist())
"""
)
HERE = str(Path(launched.__file__).parent)


def start(folder, text: str, *words: str, **settings) -> launch.Result:
    settings = {"workers": 2, "log_dir": folder / "logs", "quiet": True, "deadline": 30, **settings}
    return launch.run([script(folder, text), *words], engine="pslite", **settings)


def test_the_server_updates_and_listens_on_loopback_only(tmp_path):
    done = start(tmp_path, TRAIN, "none", HERE)
    assert set(done.codes.items()) == {(name, 0) for name in ("scheduler", "server-0", "rank-0", "rank-1")}
    # Both workers push a gradient of one, twenty times.
    assert done.log(0) == done.log(1) == "[-40.0, -40.0, -40.0, -40.0]\n"
    pairs = json.loads((tmp_path / "listening").read_text())
    assert len({pid for pid, _ in pairs}) == 4, "not all roles were seen listening"
    assert {address for _, address in pairs} == {"127.0.0.1"}


@pytest.mark.parametrize("time_of", range(10 if FULL else 1))
@pytest.mark.parametrize("role", ["rank-1", "server-0", "scheduler"])
def test_f4_a_role_that_dies_ends_all(tmp_path, role, time_of):
    with pytest.raises(launch.LaunchFailed) as failed:
        start(tmp_path, TRAIN, role, HERE, str(int(signal.SIGKILL)))
    assert promises.kept(since_fault(tmp_path, failed.value), 1)
    name = "the scheduler" if role == "scheduler" else role.replace("-", " ")
    assert str(failed.value).startswith(f"{name} was killed by SIGKILL (signal 9)")
    assert failed.value.codes[role] == -signal.SIGKILL


def test_f3_a_stopped_worker_ends_all(tmp_path):
    with pytest.raises(launch.LaunchFailed) as failed:
        start(tmp_path, TRAIN, "rank-1", HERE, str(int(signal.SIGSTOP)), deadline=5)
    assert since_fault(tmp_path, failed.value) <= 7
    assert "rank 1 is stopped, as by SIGSTOP" in str(failed.value)


@pytest.mark.parametrize("taken", [1, *([2, 3] if FULL else [])])
def test_f5_a_port_that_is_taken_meanwhile(tmp_path, monkeypatch, taken):
    with socket.socket() as other:
        other.bind((pslite.LOOPBACK, 0))
        other.listen()
        ports = [other.getsockname()[1]] * taken + [pslite.free_port()]
        monkeypatch.setattr(pslite, "free_port", lambda: ports.pop(0))
        if taken < 3:
            assert start(tmp_path, PS, workers=1).codes["rank-0"] == 0
            return
        with pytest.raises(launch.LaunchError, match="has taken the scheduler's port, 3 times in a row"):
            start(tmp_path, PS, workers=1)


def test_f17_a_hostile_pickle_is_refused(tmp_path):
    text = (
        PS
        + """
    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {here / 'payload'}",)

    import pickle
    blob = pickle.dumps(Hostile(), 0).decode()
    (here / "fault-at").write_text(str(time.monotonic()))
    kv._send_command_to_servers(0, blob)
    time.sleep(60)
    """
    )
    with pytest.raises(
        launch.LaunchFailed, match=r"^server 0 raised Refused: the server does not load posix\.system"
    ) as failed:
        start(tmp_path, text, workers=1)
    assert since_fault(tmp_path, failed.value) <= 2
    assert not (tmp_path / "payload").exists()


MINE = """
import mxnet as mx

@mx.optimizer.register
class Mine(mx.optimizer.Optimizer):
    def create_state(self, index, weight):
        return None

    def update(self, index, weight, grad, state):
        weight[:] = weight - 2 * grad
"""


def test_f9_an_optimizer_of_the_script_itself(tmp_path):
    """MXNet's own server goes on, and the weights become the sum of the gradients."""
    text = PS + textwrap.indent(MINE, "    ") + "\n    kv.set_optimizer(Mine())\n    time.sleep(60)\n"
    with pytest.raises(launch.LaunchFailed, match=r"^server 0 raised Refused.*Mine: it is defined in the script"):
        start(tmp_path, text, workers=1)


def test_an_optimizer_that_needs_the_shape_of_a_parameter(tmp_path):
    """MXNet's own server gives it a vector, and it does something else."""
    shaped = "import gluonbook.optimizers\n    kv.set_optimizer(mx.optimizer.create('shampoo'))\n    time.sleep(60)\n"
    text = f"{PS}\n    {shaped}"
    with pytest.raises(launch.LaunchFailed, match=r"^server 0 raised Shaped: Shampoo is not elementwise"):
        start(tmp_path, text, workers=1)


def test_f9_a_trusted_module_beside_the_script(tmp_path):
    script(tmp_path, MINE, "my_optimizers.py")
    text = (
        PS
        + """
    from my_optimizers import Mine
    kv.set_optimizer(Mine())
    kv.push(3, mx.nd.ones(4))
    weight = mx.nd.zeros(4)
    kv.pull(3, out=weight)
    print(weight.asnumpy().tolist())
    """
    )
    done = start(tmp_path, text, workers=1, trust=["my_optimizers"])
    assert done.log() == "[-2.0, -2.0, -2.0, -2.0]\n"


def test_f9_a_trusted_module_that_is_not_there(tmp_path):
    with pytest.raises(launch.LaunchFailed, match=r"^server 0 raised ModuleNotFoundError: No module named 'absent'"):
        start(tmp_path, PS, workers=1, trust=["absent"])


def test_an_optimizer_that_fails_on_the_server_ends_the_run(tmp_path):
    """MXNet's own server prints the error, and the weights stay as they are."""
    script(tmp_path, MINE.replace("weight[:] = weight - 2 * grad", "raise ArithmeticError(index)"), "my_optimizers.py")
    text = (
        PS
        + """
    from my_optimizers import Mine
    kv.set_optimizer(Mine())
    kv.push(3, mx.nd.ones(4))
    kv.pull(3, out=mx.nd.zeros(4))
    time.sleep(60)
    """
    )
    with pytest.raises(launch.LaunchFailed, match=r"^server 0 raised ArithmeticError: 3"):
        start(tmp_path, text, workers=1, trust=["my_optimizers"])


def test_other_machines_are_reached_by_ssh(tmp_path, monkeypatch):
    """The other machine is another address of this one, and its ssh a script."""
    fake = tmp_path / "bin" / "ssh"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nwhile [ $# -gt 1 ]; do last=$1; shift; done\necho "to $last"\nexec sh -c "$1"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    machines = [Host(pslite.LOOPBACK, pslite.LOOPBACK, here=True), Host("node2", "127.0.0.2", here=False)]
    monkeypatch.setattr(hosts, "of", lambda file: machines)
    done = start(tmp_path, PS, workers=1)
    assert done.logs["server-0"].read_text() == "to node2\n"


@pytest.mark.parametrize("time_of", range(10 if FULL else 1))
@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.3", "127.0.0.1", "127.0.0.20"]], ids=len)
def test_each_rank_is_that_of_its_log(tmp_path, monkeypatch, addresses, time_of):
    """Whoever comes first, on however many machines; where a rank's own message goes, and whom a report names."""
    monkeypatch.setattr(hosts, "of", lambda file: [Host(address, address, here=True) for address in addresses])
    monkeypatch.setenv("PORT", "8080")  # as clouds set it
    monkeypatch.setenv("PMI_RANK", "7")  # left over from a launcher around this one
    text = """
        import os, sys, time
        time.sleep(0.3 * (3 - int(os.environ["GLUONBOOK_PART"][-1])))
        from gluonbook.kvstore import VoteStore
        store = VoteStore("pslite")
        print("I am rank", store.rank, flush=True)
        time.sleep(1)
        if store.rank == 2:
            raise ValueError(f"of rank {store.rank}")
        time.sleep(60)
    """
    with pytest.raises(launch.LaunchFailed) as failed:
        start(tmp_path, text, workers=4, servers=2)
    assert str(failed.value).startswith("rank 2 raised ValueError: of rank 2")
    for rank in range(4):
        assert f"I am rank {rank}\n" in failed.value.logs[f"rank-{rank}"].read_text()


def test_a_script_that_would_change_its_rank_is_told(tmp_path):
    text = """
        import os
        if os.environ["GLUONBOOK_PART"] == "rank-0":
            os.environ["PORT"] = "32767"
        from gluonbook.kvstore import VoteStore
        VoteStore("pslite")
    """
    with pytest.raises(
        launch.LaunchFailed, match=r"raised RuntimeError: rank-(0 has become rank 1|1 has become rank 0)"
    ):
        start(tmp_path, text)
