"""Ranks of MPI: what a run gives back, and the faults F1 to F3."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import launched
import pytest
from launched import MPI, script, since_fault

import promises
from disks import small_disk
from gluonbook import launch
from gluonbook.launch import supervisor
from repetitions import FULL

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mark")]
DEADLINE = 5.0 if FULL else 2.0


def fail(folder, fault: str, at: int = 20, **settings) -> tuple[launch.LaunchFailed, float]:
    """Run the script with a fault in rank 2; the failure, and the seconds from the fault until nothing was left."""
    path = script(folder, MPI)
    with pytest.raises(launch.LaunchFailed) as caught:
        launch.run([path, fault, at], workers=4, log_dir=folder / "logs", quiet=True, **settings)
    return caught.value, since_fault(folder, caught.value)


def test_a_run_that_goes_well(tmp_path, capfd):
    path = script(tmp_path, MPI)
    done = launch.run([path, "none", 0], workers=3, log_dir=tmp_path / "logs", env={"TQDM_DISABLE": "1"})
    assert done.codes == {"rank-0": 0, "rank-1": 0, "rank-2": 0}
    assert done.log(1).endswith("rank 1 of 3 is done: 3\n")  # MPI may have a word to say of the machine first
    assert promises.kept(done.seconds, 60)
    assert "rank 0 of 3 is done: 3\n" in capfd.readouterr().out
    assert sorted(file.name for file in done.folder.iterdir()) == ["mpiexec.log", *(f"rank-{k}.log" for k in range(3))]


def test_a_module_with_arguments(tmp_path, monkeypatch):
    script(tmp_path, "import sys\nprint(__name__, sys.argv[1:])", "told.py")
    monkeypatch.chdir(tmp_path)
    assert launch.run(["-m", "told", "--lr", "0.1"], workers=1, quiet=True).log() == "__main__ ['--lr', '0.1']\n"


def test_a_host_file_goes_to_mpiexec(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("localhost:4\n")
    done = launch.run([script(tmp_path, MPI), "none", 0], workers=2, hosts=hosts, quiet=True)
    assert done.log(1).endswith("rank 1 of 2 is done: 2\n")


@pytest.mark.skipif(not Path("/sys/class/net").is_dir(), reason="without /sys MPI finds no network to listen on")
def test_nothing_listens_beyond_this_machine(tmp_path, mark):
    text = """
        import json, sys
        from pathlib import Path
        sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
        import launched
        from mpi4py import MPI

        comm = MPI.COMM_WORLD
        comm.allreduce(1)
        if comm.rank == 0:
            pairs = [(p.pid, c.laddr.ip) for p in [*launched.marked(sys.argv[2])] + [launched.psutil.Process()]
                     for c in p.net_connections() if c.status == "LISTEN"]
            Path(__file__).with_name("listening").write_text(json.dumps(pairs))
        comm.Barrier()
    """
    folder = str(launched.Path(launched.__file__).parent)
    launch.run([script(tmp_path, text), folder, mark], workers=3, quiet=True)
    pairs = json.loads((tmp_path / "listening").read_text())
    assert len({pid for pid, _ in pairs}) >= 3, "the ranks were not seen listening at all"
    assert {address for _, address in pairs} <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("time_of", range(20 if FULL else 3))
def test_f1_a_killed_rank_ends_all(tmp_path, time_of):
    failed, seconds = fail(tmp_path, "kill", at=5 + time_of)
    assert promises.kept(seconds, 1)
    report = str(failed)
    assert report.startswith(f"rank 2 was killed by SIGKILL (signal 9) (in step {6 + time_of})")
    assert f"last checkpoint: {tmp_path / 'step-3'}" in report
    assert failed.codes["rank-2"] == -signal.SIGKILL


def test_killed_ranks_leave_no_shared_memory(tmp_path):
    look = 'mapped = [line.split()[-1] for line in open("/proc/self/maps") if "/dev/shm/mpich_shm" in line]'
    path = script(
        tmp_path,
        f"""
        import os, time
        from pathlib import Path
        from mpi4py import MPI
        MPI.COMM_WORLD.Barrier()
        {look}
        Path(__file__).with_name("mapped").write_text(mapped[0] if mapped else "")
        MPI.COMM_WORLD.Barrier()
        os.kill(os.getpid(), 9)
        """,
    )
    with pytest.raises(launch.LaunchFailed):
        launch.run(path, workers=2, quiet=True)
    mapped = launched.Path((tmp_path / "mapped").read_text())
    assert mapped.name.startswith("mpich_shm_")
    assert not mapped.exists()


@pytest.mark.parametrize("time_of", range(5 if FULL else 1))
@pytest.mark.parametrize(
    ("fault", "said"),
    {
        "raise": "rank 2 raised ValueError: no such batch",
        "exit 1": "rank 2 ended with exit status 1",
        "exit with words": "rank 2 ended with the message 'the data is missing'",
        "crash": "rank 2 was killed by SIGSEGV (signal 11)",
        "leave": "rank 2 ended with exit status 0 in the middle of its script",
    }.items(),
)
def test_f2_a_rank_that_fails_ends_all(tmp_path, fault, said, time_of):
    failed, seconds = fail(tmp_path, fault)
    assert promises.kept(seconds, 1)
    assert str(failed).startswith(said)
    if fault == "raise":
        assert re.search(r"train.py\", line \d+, in <module>\n .*raise ValueError", str(failed))
        assert "rank/part.py" not in str(failed)


@pytest.mark.parametrize("first", ["ranks", "mpiexec"])
def test_f2_mpi_abort_names_the_rank(tmp_path, monkeypatch, first):
    """Whoever is seen to be gone first."""
    if first == "mpiexec":
        monkeypatch.setattr(supervisor.Supervisor, "_is_lost", lambda *_: False)
    failed, _ = fail(tmp_path, "abort")
    assert type(failed) is launch.LaunchFailed
    assert str(failed).startswith("rank 2 aborted all ranks (Abort(7) on node 2")


@pytest.mark.parametrize("time_of", range(5 if FULL else 1))
@pytest.mark.parametrize(
    ("fault", "at", "verdict", "state"),
    [
        ("exit 0", 20, "rank 2 left the run early", "rank 2 has ended with exit status 0"),
        ("stop", 20, "rank 2 is stopped", "rank 2 is stopped, as by SIGSTOP"),
        ("hang", 20, "", "rank 2 is blocked at train.py:33: "),
        # From the skipped one on, rank 2 is one step ahead of the others, until it is through and they are not.
        ("skip", 55, "rank 2 left the run early", "rank 2 has ended with exit status 0"),
    ],
)
def test_f3_a_rank_that_is_missed_ends_all(tmp_path, fault, at, verdict, state, time_of):
    failed, seconds = fail(tmp_path, fault, at, deadline=DEADLINE)
    assert promises.kept(seconds, DEADLINE + 2)
    assert isinstance(failed, launch.LaunchTimedOut)
    report = str(failed)
    assert "When they had been ended, the machine is " in report.splitlines()[-1]
    assert report.startswith(f"no step within {DEADLINE:g} s, the deadline")
    assert verdict in report.splitlines()[0]
    assert state in report
    for rank in (0, 1, 3):
        assert re.search(rf"rank {rank} is blocked at train.py:34: total = comm.allreduce\(1\) \(in step \d+\)", report)


def test_a_pause_suspends_the_deadline(tmp_path):
    path = script(
        tmp_path,
        """
        import time
        from gluonbook.rank import heartbeat
        for _ in range(3):
            heartbeat.step()
        heartbeat.pause()
        time.sleep(2.5)
        """,
    )
    assert launch.run(path, workers=2, deadline=1, quiet=True).codes == {"rank-0": 0, "rank-1": 0}


FILLING = """
    import sys
    from contextlib import suppress
    from mpi4py import MPI
    from gluonbook.rank import heartbeat

    heartbeat.step()
    comm = MPI.COMM_WORLD
    comm.Barrier()
    if comm.rank == 0:
        with suppress(OSError), open(sys.argv[1], "wb", 0) as file:
            while file.write(b"x" * 4096):
                pass
    comm.Barrier()
    if sys.argv[2] == "raise":
        if comm.rank == 0: raise ValueError("no such batch")
        comm.Barrier()
"""


@pytest.mark.parametrize("fault", ["raise", "none"])
def test_the_disk_of_the_logs_is_full(tmp_path, fault):
    """Nothing can be noted of how it ended: the run ends at once all the same, and the report says why it is short."""
    path = script(tmp_path, FILLING)
    said = r"^rank \d was lost: how it ended could not be noted: .* \(No space left on device\); make room there"
    with small_disk(tmp_path / "disk", "1m") as disk, pytest.raises(launch.LaunchFailed, match=said):
        launch.run([path, disk / "filler", fault], workers=2, log_dir=disk / "logs", deadline=10, quiet=True)
