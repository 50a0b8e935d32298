"""Recurrent networks that read a series and go on from their own forecasts, with and without tensor trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, final

import numpy as np
from mxnet import nd
from mxnet.gluon import HybridBlock, Parameter

from gluonbook.checks import whole_number

GATES = (1, 4)


class Forecaster(HybridBlock, ABC):
    """Reads `read` values of a series, then forecasts `ahead` more, each from the forecast before.

    Input: shape (batch, at least `read`); what comes after the first `read` values is not looked at. Output: shape
    (batch, `ahead`). The state h has `units` numbers. It is made anew from a vector a of `gates` · `units` numbers,
    which the subclass computes from the state and the newest value:

        gates = 1:  h = tanh(a)
        gates = 4:  c ← σ(a_f + 1)·c + σ(a_i)·tanh(a_g),  h = σ(a_o)·tanh(c),  with a = (a_i, a_f, a_g, a_o)

    the second being the LSTM of Hochreiter and Schmidhuber (1997), with the forget gate of Gers, Schmidhuber and
    Cummins (2000), here with a bias of 1. The forecast is affine in h.

    Raises:
        ValueError: `units`, `read` or `ahead` is no whole number from 1, or `gates` is neither 1 nor 4.
    """

    def __init__(self, units: int, read: int, ahead: int, gates: int = 4, **options: Any) -> None:
        super().__init__(**options)
        self.units, self.read = whole_number("units", units, 1), whole_number("read", read, 1)
        self.ahead, self.gates = whole_number("ahead", ahead, 1), whole_number("gates", gates, 1)
        if self.gates not in GATES:
            raise ValueError(f"gates must be 1 (tanh) or 4 (LSTM), got {gates!r}")
        with self.name_scope():
            self.out_weight = self.params.get("out_weight", shape=(1, self.units))
            self.out_bias = self.params.get("out_bias", shape=(1, 1), init="zeros")

    @property
    def size(self) -> int:
        """How many numbers it learns."""
        return sum(int(np.prod(parameter.shape)) for parameter in self.collect_params().values())

    @abstractmethod
    def state_length(self) -> int:
        """How many of the latest states h the next one is made from."""

    @abstractmethod
    def gate_inputs(self, F: Any, x: Any, states: list[Any], weights: dict[str, Any]) -> Any:
        """The vector a of each member, of shape (members, batch, gates · units), from its newest value x, of shape
        (members, batch, 1), and its latest states, newest first, each of shape (members, batch, units)."""

    def hybrid_forward(self, F: Any, x: Any, **weights: Any) -> Any:
        one = {name: F.expand_dims(weight, axis=0) for name, weight in weights.items()}
        return F.squeeze(self.forecast(F, F.expand_dims(x, axis=0), one), axis=0)

    def forecast(self, F: Any, x: Any, weights: dict[str, Any]) -> Any:
        """The forecasts, of shape (members, batch, ahead), of several networks like this one.

        Each has its own values x, of shape (members, batch, at least `read`), and its own weights, of which the first
        axis counts the members as well.
        """
        value = F.slice_axis(x, axis=2, begin=0, end=1)
        cell = F.zeros_like(F.broadcast_axis(value, axis=2, size=self.units))
        states, forecasts = [cell] * self.state_length(), []
        for t in range(self.read + self.ahead - 1):
            if t < self.read:
                value = F.slice_axis(x, axis=2, begin=t, end=t + 1)
            a = self.gate_inputs(F, value, states, weights)
            if self.gates == 1:
                newest = F.tanh(a)
            else:
                enter, forget, candidate, leave = F.split(a, 4, axis=2)
                cell = F.sigmoid(forget + 1) * cell + F.sigmoid(enter) * F.tanh(candidate)
                newest = F.sigmoid(leave) * F.tanh(cell)
            states = [newest, *states[:-1]]
            value = F.broadcast_add(_linear(F, newest, weights["out_weight"]), weights["out_bias"])
            if t >= self.read - 1:
                forecasts.append(value)
        return F.concat(*forecasts, dim=2)


def _linear(F: Any, s: Any, weight: Any) -> Any:
    """Each member's s, of shape (members, batch, D), times its weight, of shape (members, n, D)."""
    return F.batch_dot(s, weight, transpose_b=True)


def _parts(F: Any, x: Any, number: int) -> list[Any]:
    """The last axis of x in so many parts; `F.split` makes no list of one."""
    return [x] if number == 1 else list(F.split(x, number, axis=2))


@final
class MatrixForecaster(Forecaster):
    """The usual one: a = W·[x, h] + b, a plain recurrent network with one gate, an LSTM with four.

    It learns g·H·(H + 2) + H + 1 numbers, with H units and g gates.
    """

    def __init__(self, units: int, read: int, ahead: int, gates: int = 4, **options: Any) -> None:
        super().__init__(units, read, ahead, gates, **options)
        rows = self.gates * self.units
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(rows, self.units + 1))
            self.bias = self.params.get("bias", shape=(1, rows), init="zeros")

    def state_length(self) -> int:
        return 1

    def gate_inputs(self, F: Any, x: Any, states: list[Any], weights: dict[str, Any]) -> Any:
        return F.broadcast_add(_linear(F, F.concat(x, *states, dim=2), weights["weight"]), weights["bias"])


@final
class TensorTrainForecaster(Forecaster):
    """One that multiplies states with each other: its a is a polynomial of degree P in the latest L states.

        a = W·(s ⊗ … ⊗ s) + U·x + b,  s = [1, h_{t−1}, …, h_{t−L}] in all P places

    W would have D^P·g·H numbers, with D = L·H + 1, g gates and H units. It is kept as a tensor train of rank R: cores
    of the shapes (1, D, R), (R, D, R), …, (R, D, g·H). It is never formed, and neither is a product of states: the
    train is contracted from the left. So it learns D·R + (P − 2)·D·R² + D·R·g·H + 2·g·H + H + 1 numbers. After Yu,
    Zheng, Anandkumar and Yue, arXiv:1711.00073: a TT-RNN with one gate, a TT-LSTM with four.

    Args:
        lags: L, the number of states looked back at.
        order: P, the degree, from 2.
        rank: R of the train.

    Raises:
        ValueError: as in `Forecaster`, or `lags`, `order` or `rank` is no whole number from 1, 2 or 1.
    """

    def __init__(
        self,
        units: int,
        read: int,
        ahead: int,
        gates: int = 4,
        *,
        lags: int = 2,
        order: int = 2,
        rank: int = 2,
        **options: Any,
    ) -> None:
        super().__init__(units, read, ahead, gates, **options)
        self.lags, self.order = whole_number("lags", lags, 1), whole_number("order", order, 2)
        self.rank, rows = whole_number("rank", rank, 1), self.gates * self.units
        width = self.lags * self.units + 1
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(rows, 1))
            self.bias = self.params.get("bias", shape=(1, rows), init="zeros")
            self.first = self.params.get("first", shape=(self.rank, width))
            for place in range(2, self.order):
                core = self.params.get(f"core{place}", shape=(self.rank**2, width))
                setattr(self, f"core{place}", core)
            self.last = self.params.get("last", shape=(self.rank * rows, width))

    def state_length(self) -> int:
        return self.lags

    def gate_inputs(self, F: Any, x: Any, states: list[Any], weights: dict[str, Any]) -> Any:
        product = self._contract(F, F.concat(F.ones_like(x), *states, dim=2), weights)
        return F.broadcast_add(product + _linear(F, x, weights["weight"]), weights["bias"])

    def _contract(self, F: Any, s: Any, weights: dict[str, Any]) -> Any:
        q = _linear(F, s, weights["first"])
        for place in range(2, self.order + 1):
            matrix = _linear(F, s, weights["last" if place == self.order else f"core{place}"])
            rows = zip(_parts(F, q, self.rank), _parts(F, matrix, self.rank))
            q = F.add_n(*(F.broadcast_mul(row, number) for number, row in rows))
        return q

    def contract(self, s: nd.NDArray) -> nd.NDArray:
        """W·(s ⊗ … ⊗ s), of shape (batch, gates · units), for s of shape (batch, D), from the left and core by core."""
        weights = {name: parameter.data().expand_dims(0) for name, parameter in self._reg_params.items()}
        return self._contract(nd, s.expand_dims(0), weights)[0]

    def cores(self) -> list[np.ndarray]:
        """The train as it is written above: arrays of the shapes (1, D, R), (R, D, R), …, (R, D, gates · units)."""
        first = self.first.data().asnumpy().T[np.newaxis]
        rest = [getattr(self, f"core{place}").data().asnumpy() for place in range(2, self.order)]
        rest.append(self.last.data().asnumpy())
        width = first.shape[1]
        return [first, *(core.reshape(self.rank, -1, width).transpose(0, 2, 1) for core in rest)]


@final
class SideBySide(HybridBlock):
    """Forecasters of one kind and size that share nothing, computed at once: small ones cost little more than one.

    Input: shape (members, batch, at least `read`), for each member its own rows. Output: shape (members, batch, ahead).
    It begins with the numbers that the members have now, of their dtype, and learns numbers of its own, as the members
    would (`grad_req`, `lr_mult`, `wd_mult`); `apart` gives them back.

        together = SideBySide(nets)  # which are initialized
        …                            # a loss that keeps axis 0, such as `L2Loss`, has each member's own in one place
        nets = together.apart()

    Raises:
        ValueError: there are no members, or they differ in kind, in what they read and forecast, in size or dtype, or
            in how they learn.
    """

    def __init__(self, members: Sequence[Forecaster], **options: Any) -> None:
        super().__init__(**options)
        if not members:
            raise ValueError("there is nothing to put side by side: no members")
        kinds = [_kind(member) for member in members]
        for kind in kinds:
            if kind != kinds[0]:
                raise ValueError(f"members side by side must be alike, got {kinds[0]} and {kind}")
        self._members = lambda: list(members)  # not as children: then their numbers would be learnt, too
        self._forecast = members[0].forecast
        for name, like in members[0]._reg_params.items():
            numbers = nd.stack(*(member._reg_params[name].data() for member in members))
            parameter = self.params.get(name, shape=numbers.shape, dtype=like.dtype, init="zeros", **_learning(like))
            parameter.initialize(ctx=like.list_ctx())
            parameter.set_data(numbers)
            setattr(self, name, parameter)

    def hybrid_forward(self, F: Any, x: Any, **weights: Any) -> Any:
        return self._forecast(F, x, weights)

    def apart(self) -> list[Forecaster]:
        """The members, each with the numbers that it has learnt here."""
        for name, parameter in self._reg_params.items():
            for member, numbers in zip(self._members(), parameter.data()):
                member._reg_params[name].set_data(numbers)
        return self._members()


def _kind(net: Forecaster) -> tuple[Any, ...]:
    parameters = {
        name: {"shape": tuple(parameter.shape), "dtype": np.dtype(parameter.dtype).name, **_learning(parameter)}
        for name, parameter in net._reg_params.items()
    }
    return type(net).__name__, net.read, net.ahead, net.gates, parameters


def _learning(parameter: Parameter) -> dict[str, Any]:
    return {name: getattr(parameter, name) for name in ("grad_req", "lr_mult", "wd_mult")}
