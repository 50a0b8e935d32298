"""`scripts/imagenet_resnet50.py`, end to end, on RecordIO files made here: four workers, one killed, resumed."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import sys
import threading
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import psutil
import pytest
from mxnet import gluon, nd

from gluonbook import checkpoint, launch
from gluonbook.storage import folders

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[1] / "scripts/imagenet_resnet50.py"
COLOURS = np.array([(200, 30, 30), (30, 200, 30), (30, 30, 200), (190, 190, 40)])
SMALL = ("--model", "cifar_resnet20_v1", "--image-size", "32", "--classes", "4", "--loaders", "0")
TRAINING = (*SMALL, "--epochs", "3", "--batch-size", "4", "--warmup-epochs", "1", "--lr", "0.002")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("imagenet_resnet50", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def write(folder: Path, name: str, count: int, labels: int = 4) -> Path:
    """Images of all sorts of sizes, each of the colour of its class, with some noise."""
    luck = np.random.RandomState(count)
    record = mx.recordio.MXIndexedRecordIO(str(folder / f"{name}.idx"), str(folder / f"{name}.rec"), "w")
    for i in range(count):
        height, width = luck.randint(36, 60, 2)
        image = np.clip(COLOURS[i % 4] + luck.normal(0, 60, (height, width, 3)), 0, 255).astype(np.uint8)
        header = mx.recordio.IRHeader(0, float(i % labels), i, 0)
        # OpenCV, which packs, takes colours as BGR.
        record.write_idx(i, mx.recordio.pack_img(header, image[:, :, ::-1], quality=95))
    record.close()
    return folder / f"{name}.rec"


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> tuple:
    folder = tmp_path_factory.mktemp("records")
    return "--train", str(write(folder, "train", 50)), "--val", str(write(folder, "val", 23))


def run(data: tuple, output: Path, *words: str, workers: int = 4, engine: str = "mpi") -> launch.Result:
    env = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    command = [SCRIPT, "--", *data, "--output", output, *TRAINING, *words]
    return launch.run(command, workers=workers, engine=engine, quiet=True, env=env)


def kill(rank: int, checkpoints: Path, step: int) -> None:
    """Kill a rank of ours, from outside, once it has saved the step."""
    while not any(saved >= step for saved in folders.steps(checkpoints)):
        time.sleep(0.01)
    ours = [p for p in psutil.Process().children(recursive=True) if p.environ().get("PMI_RANK") == str(rank)]
    (inner,) = (process for process in ours if process.ppid() in {other.pid for other in ours})
    inner.send_signal(signal.SIGKILL)


def metrics(output: Path) -> list:
    return [json.loads(line) for line in (output / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> list:
    """The trained weights in a rank's newest checkpoint, and all else that is in it."""
    import safetensors.numpy

    arrays = safetensors.numpy.load((checkpoint.latest(folder) / "state.safetensors").read_bytes())
    trained = {n: a for n, a in arrays.items() if n.startswith("0/parameter") and "running" not in n}
    return [trained, arrays]


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_four_workers_one_is_killed_and_the_run_resumes_exactly(data, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(data, whole)
    lines = metrics(whole)
    assert [line["epoch"] for line in lines] == [1, 2, 3]
    assert [line["steps"] for line in lines] == [3, 6, 9]  # of 50 images 12 for each of four workers
    assert lines[-1]["train_loss"] < min(lines[0]["train_loss"], np.log(4))
    for line in lines:
        assert line["val_images"] == 23
        assert line["top1"] * 23 == pytest.approx(round(line["top1"] * 23))
        assert line["top5"] == 1  # of four classes
        assert 0 < line["val_loss"] < 50
    ranks = [weights(whole / f"checkpoints/rank-{rank}") for rank in range(4)]
    assert all(same(ranks[0][0], trained) for trained, _ in ranks)
    running = [{name: a for name, a in arrays.items() if "running" in name} for _, arrays in ranks]
    assert running[0]
    assert all(same(running[0], other) for other in running), "batch norm's statistics are shared, too"

    threading.Thread(target=kill, args=(2, broken / "checkpoints/rank-2", 4), daemon=True).start()
    with pytest.raises(launch.LaunchFailed, match=r"^rank 2 was killed by SIGKILL") as failed:
        run(data, broken, "--checkpoint-every", "1")
    assert re.search(r"last checkpoint: .*broken/checkpoints/rank-\d/step-0", str(failed.value))
    assert max(folders.steps(broken / "checkpoints/rank-2")) < 9
    before = metrics(broken)

    run(data, broken, "--checkpoint-every", "1")
    for rank, (_, everything) in enumerate(ranks):
        assert same(everything, weights(broken / f"checkpoints/rank-{rank}")[1]), rank
    kept = ("epoch", "steps", "lr", "train_loss", "train_top1", "val_loss", "top1", "val_images")
    assert [[line[key] for key in kept] for line in metrics(broken)] == [[line[key] for key in kept] for line in lines]
    assert before and metrics(broken)[: len(before)] == before, "with the times of the epochs that are done"
    assert (broken / "model.params").read_bytes() == (whole / "model.params").read_bytes()


def test_two_workers_of_pslite_by_the_mean(data, tmp_path):
    words = ("--method", "mean", "--lr", "0.01", "--epochs", "1", "--warmup-epochs", "0")
    done = run(data, tmp_path, *words, workers=2, engine="pslite")
    assert "by mean on 2 workers (pslite)" in done.log(0) + done.log(1)
    (one, _), (other, _) = (weights(tmp_path / f"checkpoints/rank-{rank}") for rank in range(2))
    assert same(one, other)
    (line,) = metrics(tmp_path)
    assert line["steps"] == 6  # of 50 images 24 for each, in batches of 4
    assert line["val_images"] == 23


def test_alone_by_the_mean_with_all_options(script, data, tmp_path):
    words = [*data, "--output", str(tmp_path), *TRAINING, "--engine", "local", "--method", "mean", "--lr", "0.01"]
    words += ["--no-wd", "--label-smoothing", "0.1", "--drop-epochs", "2", "3", "--batch-size", "16", "--epochs", "4"]
    script.main(words)
    lines = metrics(tmp_path)
    assert [line["lr"] for line in lines] == pytest.approx([0.01, 0.01, 0.001, 0.0001])
    assert lines[-1]["train_loss"] < min(lines[0]["train_loss"], np.log(4))
    before = (tmp_path / "model.params").read_bytes()
    script.main(words)  # a finished run is loaded, and nothing is trained
    assert (tmp_path / "model.params").read_bytes() == before
    assert metrics(tmp_path) == lines


@pytest.mark.parametrize(
    ("method", "images", "lr", "wd"),
    [("vote", 7 * 128, 1e-4, 0.1), ("vote", 7 * 32, 5e-5, 0.1), ("mean", 256, 0.1, 1e-4), ("mean", 1024, 0.4, 1e-4)],
)
def test_a_rate_grows_with_the_images_of_a_step(script, data, tmp_path, method, images, lr, wd):
    words = [*data, "--output", str(tmp_path), *SMALL, "--engine", "local", "--method", method]
    asked = script.parsed([*words, "--batch-size", str(images)])
    net = gluon.nn.Dense(2, in_units=3)
    net.initialize()
    optimizer = script.make_trainer(asked, net, script.make_store(asked), 10).optimizer
    assert optimizer.lr_scheduler.base_lr == pytest.approx(lr)
    assert (optimizer.wd_lh if method == "vote" else optimizer.wd) == wd


def test_the_loss_with_smoothing(script):
    out, y = nd.array([[2.0, 0.0, -1.0], [0.5, 0.5, 3.0]]), nd.array([0, 1])
    log_p = np.log(np.exp(out.asnumpy()) / np.exp(out.asnumpy()).sum(axis=1, keepdims=True))
    expected = -0.9 * log_p[[0, 1], [0, 1]] - 0.1 * log_p.mean(axis=1)
    np.testing.assert_allclose(script.SmoothedCrossEntropy(0.1)(out, y).asnumpy(), expected, rtol=1e-5)
    plain = gluon.loss.SoftmaxCrossEntropyLoss()(out, y).asnumpy()
    np.testing.assert_allclose(script.SmoothedCrossEntropy(0.0)(out, y).asnumpy(), plain, rtol=1e-5)


def test_shares_are_of_one_length_and_cover_the_images(script, data):
    train = data[1]
    shares = [script.Share(train, rank, 4, 4, batch_size=5) for rank in range(4)]
    assert {len(share) for share in shares} == {10}
    assert len({place for share in shares for place in share._places}) == 40
    everything = [script.Share(train, rank, 4, 4) for rank in range(4)]
    assert sorted(place for share in everything for place in share._places) == list(range(50))
    with pytest.raises(ValueError, match=r"has 50 images, too few for 51 workers"):
        script.Share(train, 0, 51, 4)
    with pytest.raises(ValueError, match=r"has 50 images, too few for 4 workers with batches of 13"):
        script.Share(train, 0, 4, 4, batch_size=13)
    labels = [sorted(label for _, label in share) for share in shares]
    assert all(len(set(own)) > 2 for own in labels), "the file's classes take turns, a rank's do not"
    with pytest.raises(ValueError, match=r"image \d+: the label is 3.0; --classes 3 needs whole numbers from 0 to 2"):
        list(script.Share(train, 0, 1, 3))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--train", "missing.rec"], "--train: there is no file missing.rec"),
        (["--train", str(SCRIPT)], "must be a .rec with its .idx beside it"),
        (["--output", ""], "--output: it must be a path, got ''"),
        (["--output", "/proc/x"], "--output: /proc/x cannot be written ("),
        (["--output", str(SCRIPT)], f"--output: {SCRIPT} cannot be written (File exists)"),
        (["--method", "median"], "invalid choice: 'median'"),
        (["--epochs", "0"], "--epochs: it must be a whole number from 1, got 0"),
        (["--batch-size", "many"], "--batch-size: it must be a whole number from 1, got 'many'"),
        (["--momentum", "1"], "--momentum: it must be a number in (0, 1), got 1.0"),
        (["--lr", "nan"], "--lr: it must be a number in (0, inf), got nan"),
        (["--wd", "-1"], "--wd: it must be a number in [0, inf), got -1.0"),
        (["--warmup-epochs", "3"], "--warmup-epochs is 3, and there are only 3 epochs"),
        (["--drop-epochs", "1"], r"--drop-epochs must lie from 2, after the warm-up, to 2, got [1]"),
        (["--drop-epochs", "2", "2"], "--drop-epochs must increase, got [2, 2]"),
        (["--no-wd"], "--no-wd is for --method mean"),
        (["--label-smoothin", "0.1"], "unrecognized arguments"),
    ],
)
def test_the_command_line_says_what_is_wrong(script, data, tmp_path, capsys, words, message):
    with pytest.raises(SystemExit) as end:
        script.parsed([*data, "--output", str(tmp_path), *TRAINING, *words])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_a_model_that_does_not_exist(script, data, tmp_path):
    asked = script.parsed([*data, "--output", str(tmp_path), *TRAINING, "--model", "resnet50_v1x"])
    with pytest.raises(SystemExit, match=r"no 'resnet50_v1x'; there are .*resnet50_v1"):
        script.make_net(asked, mx.cpu())


@pytest.mark.parametrize(("name", "size"), [("resnet50_v1b", 64), ("resnet18_v1b", 32)])
def test_models_of_imagenet_in_small(script, data, tmp_path, name, size):
    words = ["--model", name, "--image-size", str(size), "--last-gamma"]
    net = script.make_net(script.parsed([*data, "--output", str(tmp_path), *TRAINING, *words]), mx.cpu())
    assert net(nd.zeros((2, 3, size, size))).shape == (2, 4)


@pytest.mark.parametrize(
    ("variables", "engine"), [({"DMLC_ROLE": "worker"}, "pslite"), ({"PMI_RANK": "0"}, "mpi"), ({}, "local")]
)
def test_the_engine_is_what_has_started_the_process(script, monkeypatch, variables, engine):
    for name in ("DMLC_ROLE", "PMI_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setitem(os.environ, name, value)
    assert script._engine() == engine


def test_the_help_is_readable(script, capsys):
    with pytest.raises(SystemExit) as end:
        script.parsed(["--help"])
    assert end.value.code == 0
    assert "gluonbook run --workers 8 --engine mpi scripts/imagenet_resnet50.py" in capsys.readouterr().out
