"""The fast paths: the fused Signum step, and votes of one bit a parameter.

    signum_step(weight, grad, mom, lr=1e-3, momentum=0.9)   # the update of `mx.optimizer.Signum`, in one pass

    ballot = momentum_pack(mom, grad, momentum=0.9)         # on each worker: 64 signs in a word
    verdict = vote([ballot, ...])                           # anywhere: the majority, bit by bit
    apply_signs(weight, verdict, lr=1e-4, wd=1e-4)          # on each worker

**One rule for zero.** A bit cannot say "none of both", so in packed form there is no zero. Where x is neither above
zero nor below (0, −0.0, NaN), and where an even number of voters is divided, the sign is (−1)^(step + i) for element i
of an array: no bit has to be sent for it, all workers and devices get the same, also after a resume, and each element
gets both signs in turn. If such elements always counted as +, as is common, an even number of voters would push all
weights that noise rules to one side, and weights whose gradient is zero would walk for ever. The m-th of several
voters packs for step + m, so that zeros that all have cancel. In unpacked form, in `signum_step`, MXNet's rule holds:
sign(0) = 0 and sign(NaN) = 0, and such a weight is not moved.

**One convention for the state.** As in MXNet, `mom` is *minus* the momentum v of the papers: v_t = −mom_t. A ballot
holds the signs of v, the direction of the gradient, so weights move against it.

**Words.** Element i of an array, flattened in C order, is bit i mod 64 (from the least significant) of word i // 64;
the bits after the last element are 0.

**All parameters at once.** Where an array is asked for, a list of them will do, and then for each of the others, too:
threads share them as if they were one. The words of a list are those of its arrays, one after the other, each
beginning with a new word; so one ballot serves a whole net. No array that is changed may come twice (ValueError), nor
in views of it that overlap, which is noticed in numpy arrays only.

**Arrays** are NDArrays or numpy arrays of float16, float32 or float64. An NDArray on a CPU context is read and written
where it lies; on a GPU the same results come from CUDA (`kernels.cu`, which `mx.rtc` compiles at the first call). A
numpy array that is written must be contiguous, in C order. A call waits for pending operations on its arrays, and is
complete when it returns; on a GPU, only words are waited for.

Each kernel has a reference in numpy (`reference`), which defines it, and equals it bit for bit. The compiled form
(`native`, `native_engine`, `native_vote`) is made at the first call and kept (see `cache`), so that importing this
package costs nothing.
"""

from gluonbook.kernels.ballots import nonfinite, pack, unpack, vote
from gluonbook.kernels.steps import apply_signs, momentum_pack, signum_step

__all__ = ["apply_signs", "momentum_pack", "nonfinite", "pack", "signum_step", "unpack", "vote"]
