"""The text of a page that has one of everything."""

from __future__ import annotations

NOTEBOOK = r"""# A page of each kind

It has words to be found, such as quokka, a citation {cite}`bernstein2018signsgd`, and an equation:

$$
\boldsymbol{x} \leftarrow x - \eta \, \mathrm{sign}(g)
$$ (sign-step)

$$
f(x_{T}) - f_* \le \underbrace{\frac{L}{2}\,\lVert x_0 - x_*\rVert^2}_{\text{what a telephone has no room for}}
+ \underbrace{\sum_{t=0}^{T-1} \eta_t\,\lVert g_t - \nabla f(x_t)\rVert_1}_{\text{and this even less}}
$$ (wide-bound)

A rule is as short as {eq}`sign-step`; more of it stands in {doc}`/chapters/start`.
A telephone must break `gluon.data.ArrayDataset(scramble(X_train),y_train).transform_first(scale)`.

```{code-cell} ipython3
from gluonbook.claims import claim

claim("two", "Two is more than one", 2, "> 1")
```

```{code-cell} ipython3
---
mystnb:
  figure:
    name: two-bars
    caption: Two bars, one longer.
---
from gluonbook import plots

plots.bars({"a": 1.0, "b": 2.0}, xlabel="seconds")
```

```{code-cell} ipython3
import numpy as np

wide = np.arange(400).reshape(4, 100)  # a line of code that is wider than a printed page, as it has an end
print("a long line of output " * 12)
```

```{code-cell} ipython3
---
mystnb:
  figure:
    name: two-drones
    caption: Two drones that come down.
---
from gluonbook.plots import moving

t = np.linspace(0, 3, 31)
moving.drones(t, {"fast": np.exp(-2 * t), "slow": np.exp(-t)})
```

```{code-cell} ipython3
from gluonbook.tables import Table

Table(["drone", "height (m)"], [["fast", "0.00"], ["slow", "0.05"]], caption="Two drones that have come down.")
```

| A table | that is | much wider | than a | narrow | telephone |
|---|---|---|---|---|---|
| averylongwordwithoutabreak | averylongwordwithoutabreak | anotherlongword | {numref}`two-bars` | one | two |

## Summary

- One of each.

## Exercises

```{exercise-start} How many?
:label: how-many
```
How many bars does {numref}`two-bars` have?
```{exercise-end}
```

````{solution-start} how-many
:class: dropdown
````
It has two, and this sentence was hidden.

```{code-cell} ipython3
len(["a", "b"])
```
````{solution-end}
````
"""
