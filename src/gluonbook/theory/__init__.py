"""The mathematics that several chapters share, one idea a file, in NumPy.

- `density`: how evenly a vector is spread over its coordinates
- `sign_error_bound`, `signal_to_noise`, `CRITICAL_SNR`: how often noise turns the sign of a gradient
- `NOISES`, `Noise`: families of noise with mean 0 and variance 1, some of which keep the lemma's promise, some not
- `bounds`: the rates that are proved for signSGD, SGD, the majority vote and a vote with inverters
- `LogBowl`: the smooth non-convex function that the rates are checked on
- `sign_walks`: signSGD, Signum and their majority votes on such a function, many runs side by side
- `variance_factor`, `sign_factor`, `vsgd`: by how much noise should shorten a step, and a learning rate that follows
- `descend`: any optimizer of MXNet on a function of NumPy
- `delay_limit`: how long a step may be that is taken on an old gradient
- `hessian`, `hessian_product`, `extreme_curvatures`: second derivatives, by differences of gradients
- `per_sample_gradients`: what noise is made of, for a net of dense layers
- `two_loop`, `Samples`, `ProgressiveLBFGS`: the step of L-BFGS, and L-BFGS on batches that grow
- `Saddle`, `Tube`, `wilson_data`: a saddle that can be turned, many in a row, and data that deceive the sign
"""

from gluonbook.theory import bounds
from gluonbook.theory.curvature import Curvatures, extreme_curvatures, hessian, hessian_product
from gluonbook.theory.delay import delay_limit
from gluonbook.theory.descent import descend
from gluonbook.theory.evenness import density
from gluonbook.theory.lbfgs import two_loop
from gluonbook.theory.log_bowl import LogBowl
from gluonbook.theory.noise import NOISES, Noise
from gluonbook.theory.per_sample import per_sample_gradients
from gluonbook.theory.progressive import ProgressiveLBFGS, Samples, Stride
from gluonbook.theory.saddle import Saddle
from gluonbook.theory.sign_error import CRITICAL_SNR, sign_error_bound, signal_to_noise
from gluonbook.theory.tube import Tube
from gluonbook.theory.variance import sign_factor, variance_factor, vsgd
from gluonbook.theory.walks import sign_walks
from gluonbook.theory.wilson import wilson_data

__all__ = [
    "CRITICAL_SNR",
    "NOISES",
    "Curvatures",
    "LogBowl",
    "Noise",
    "ProgressiveLBFGS",
    "Saddle",
    "Samples",
    "Stride",
    "Tube",
    "bounds",
    "delay_limit",
    "density",
    "descend",
    "extreme_curvatures",
    "hessian",
    "hessian_product",
    "per_sample_gradients",
    "sign_error_bound",
    "sign_factor",
    "sign_walks",
    "signal_to_noise",
    "two_loop",
    "variance_factor",
    "vsgd",
    "wilson_data",
]
