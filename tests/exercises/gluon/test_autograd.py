"""The exercises of `gluon/autograd`: each likely mistake gets the hint that fits it."""

from __future__ import annotations

from answers import hints, right_answers
from mxnet import autograd, nd


def jacobian(f, x, retain=True):
    x.attach_grad()
    rows = []
    for i in range(2):
        if i == 0 or not retain:
            with autograd.record():
                y = f(x)
        y.backward(nd.eye(2)[i], retain_graph=retain)
        rows.append(x.grad.copy())
    return nd.stack(*rows)


def doubled(f, x):
    return 2 * jacobian(f, x)


def accumulate(net, loss, batches, empty=True, mean=True):
    parameters = net.collect_params()
    parameters.setattr("grad_req", "add")
    if empty:
        parameters.zero_grad()
    examples = sum(len(X) for X, _ in batches)
    for X, y in batches:
        with autograd.record():
            value = loss(net(X), y)
            value = value.sum() / examples if mean else value.mean() / len(batches)
        value.backward()


def never_emptied(net, loss, batches):
    accumulate(net, loss, batches, empty=False)


def emptied_once(net, loss, batches, seen=[]):  # noqa: B006 - the memory between calls is the mistake
    accumulate(net, loss, batches, empty=id(net) not in seen)
    seen.append(id(net))


def straight(forward=nd.sign, slope=lambda x, dy: dy * (x.abs() <= 1)):
    class Estimator(autograd.Function):
        def forward(self, x):
            self.save_for_backward(x)
            return forward(x)

        def backward(self, dy):
            (x,) = self.saved_tensors
            return slope(x, dy)

    return Estimator


def layer_norm(dy, X, gamma, eps, late_gamma=False, dbeta=lambda dy: dy.sum(axis=0), use_eps=True, normalized=True):
    c = X - X.mean(axis=1, keepdims=True)
    s = ((c**2).mean(axis=1, keepdims=True) + (eps if use_eps else 0)) ** -0.5
    x_hat = c * s
    inner = dy if late_gamma else gamma * dy
    along = (inner * x_hat).mean(axis=1, keepdims=True)
    dx = s * (inner - inner.mean(axis=1, keepdims=True) - x_hat * along)
    dgamma = (dy * (x_hat if normalized else X)).sum(axis=0)
    return gamma * dx if late_gamma else dx, dgamma, dbeta(dy)


test_right_answers_are_right = right_answers(
    ("jacobian-rows", jacobian),
    ("large-batch", accumulate),
    ("straight-through", straight()),
    ("layer-norm", layer_norm),
)


test_hints_fit_the_mistake = hints(
    ("jacobian-rows", lambda f, x: jacobian(f, x, retain=False), "2 calls of f"),
    ("jacobian-rows", lambda f, x: f(x), "Jacobian of shape (2, 3)"),
    ("jacobian-rows", doubled, "the numbers are not"),
    ("jacobian-rows", lambda f, x: jacobian(f, x).asnumpy(), "NDArray"),
    ("large-batch", lambda *given: accumulate(*given, mean=False), "weigh more"),
    ("large-batch", emptied_once, "second"),
    ("straight-through", straight(slope=lambda x, dy: 2 * dy), "head gradients"),
    ("straight-through", straight(forward=nd.tanh), "plain sign"),
    ("straight-through", straight()(), "class itself"),
    ("layer-norm", lambda *given: layer_norm(*given, late_gamma=True), "for X"),
    ("layer-norm", lambda *given: layer_norm(*given, use_eps=False), "not right yet"),
    ("layer-norm", lambda *given: layer_norm(*given, normalized=False), "for gamma"),
    ("layer-norm", lambda *given: layer_norm(*given, dbeta=lambda dy: dy.mean(axis=0)), "for beta"),
    ("layer-norm", lambda *given: layer_norm(*given, dbeta=lambda dy: dy.sum()), "shape of beta"),
    ("layer-norm", lambda *given: layer_norm(*given)[:2], "three arrays"),
)


def test_a_gradient_that_was_not_empty_is_found(verdict):
    # From whatever the check itself has left behind, or at the second call: both are told apart from a wrong formula.
    solved, told = verdict("large-batch", never_emptied)
    assert solved is False
    assert "empty" in told or "from before" in told
