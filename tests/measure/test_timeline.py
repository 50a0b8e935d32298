"""Timelines: what Python orders, what the engine does, how much memory it takes; as MXNet's profiler sees it."""

from __future__ import annotations

import pytest
from mxnet import nd

from gluonbook import models
from gluonbook.measure import timeline
from gluonbook.measure.timeline import CALL, OPERATION, WAIT

X = nd.ones((1, 8))


@pytest.fixture
def net():
    net = models.mlp(hidden=(4, 4))
    net.initialize()
    net(X).wait_to_read()
    return net


def test_each_imperative_operation_is_an_order_and_a_piece_of_work(net):
    recording = timeline.record(lambda: net(X).wait_to_read())
    layers = ["FullyConnected", "Activation"] * 2 + ["FullyConnected"]
    assert [span.name for span in recording.of(OPERATION)] == layers
    assert len(recording.of(CALL)) == len(layers)
    assert [span.name for span in recording.of(WAIT)] == ["MXNDArrayWaitToRead"]


def test_a_hybridized_net_is_one_order(net):
    net.hybridize()
    net(X).wait_to_read()
    recording = timeline.record(lambda: net(X))
    assert [span.name for span in recording.of(CALL)] == ["MXInvokeCachedOp"]
    assert recording.of(OPERATION)
    assert recording.of(WAIT) == ()


def test_an_order_comes_before_its_work_and_time_begins_with_the_first(net):
    recording = timeline.record(lambda: net(X))
    assert recording.spans[0].start == 0
    assert [span.start for span in recording.spans] == sorted(span.start for span in recording.spans)
    for order, work in zip(recording.of(CALL), recording.of(OPERATION)):
        assert order.start <= work.start
        assert 0 <= work.seconds < 10


def test_recordings_do_not_mix(net):
    first, second = (timeline.record(lambda n=n: [nd.tanh(X) for _ in range(n)]) for n in (3, 2))
    assert [len(first.of(OPERATION)), len(second.of(OPERATION))] == [3, 2]


def test_the_peak_is_what_was_needed_at_a_time_and_not_in_all():
    matrix = nd.ones((256, 256))

    def one_after_another():
        x = matrix
        for _ in range(6):
            x = nd.tanh(x)
            x.wait_to_read()

    def all_kept():
        kept = [nd.tanh(matrix) for _ in range(6)]
        nd.waitall()
        return kept

    size = 4 * matrix.size
    assert timeline.record(one_after_another).peak_bytes == 2 * size
    assert timeline.record(all_kept).peak_bytes == 6 * size
    assert timeline.record(one_after_another).peak_bytes == 2 * size


def test_nothing_is_recorded_of_nothing():
    recording = timeline.record(lambda: None)
    assert recording.spans == ()
    assert recording.peak_bytes == 0


def test_an_error_in_the_work_passes_through_and_leaves_nothing_behind():
    def fail():
        nd.tanh(X)
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        timeline.record(fail)
    assert len(timeline.record(lambda: nd.tanh(X)).of(OPERATION)) == 1


def test_of_several_recordings_the_shortest_is_kept():
    steps = iter([9, 9, 1, 9])

    def work():
        for _ in range(next(steps)):
            nd.tanh(nd.ones((300, 300))).wait_to_read()

    assert len(timeline.record(work, repeat=4).of(WAIT)) == 1
    with pytest.raises(ValueError, match="0"):
        timeline.record(work, repeat=0)


def test_garbage_of_before_does_not_count():
    def with_garbage():
        kept = [nd.tanh(nd.ones((256, 256)))]
        kept.append(kept)  # a cycle: only the garbage collector finds it
        nd.waitall()

    def tidy():
        kept = [nd.tanh(nd.ones((256, 256))) for _ in range(4)]
        nd.waitall()
        return len(kept)

    expected = timeline.record(tidy).peak_bytes
    timeline.record(with_garbage)
    assert timeline.record(tidy).peak_bytes == expected
