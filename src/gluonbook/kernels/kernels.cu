// The kernels for NVIDIA GPUs; what each of them computes is defined in reference.py, bit for bit.
//
// The lines that cuda.py puts before these say what EXACT is, the type of weights and momentum, and GRAD, the type of
// gradients and of the copies of weights beside them: Half, float or double. No header is included, for the compiler of
// the CUDA runtime (NVRTC) finds none by itself. A fused multiply-add would change bits: compile with --fmad=false.
//
// A warp takes 32·ITEMS elements that lie side by side, and each of its threads every 32nd of them. So all loads are
// coalesced, wherever an array begins, and ITEMS of each array are on their way before the first is needed.

const int ITEMS = 8;
const int MOST_DIGITS = 13;  // of a count of up to 4096 votes, with its offset

struct Half {
    unsigned short bits;
};

template <typename T> struct Wide { typedef float type; };
template <> struct Wide<double> { typedef double type; };
typedef Wide<EXACT>::type WIDE;  // what is computed in

#ifdef __CUDACC__
__device__ inline float widen(Half x) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
}
__device__ inline Half to_half(float x) {
    Half y;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
    return y;
}
#endif  // without CUDA, as in the tests, these two come from elsewhere
__device__ inline float widen(float x) { return x; }
__device__ inline double widen(double x) { return x; }

template <typename T> struct Narrow {
    __device__ static T from(WIDE x) { return x; }
};
template <> struct Narrow<Half> {
    __device__ static Half from(WIDE x) { return to_half(x); }
};

// A number as it would be after being stored: Half rounds after every operation.
__device__ inline WIDE rounded(WIDE x) { return widen(Narrow<EXACT>::from(x)); }

__device__ inline WIDE sign(WIDE x) { return x > 0 ? WIDE(1) : (x < 0 ? WIDE(-1) : WIDE(0)); }

__device__ inline long long thread() { return (long long)blockIdx.x * blockDim.x + threadIdx.x; }

// The first element that this thread takes.
__device__ inline long long first() { return thread() / 32 * (32 * ITEMS) + thread() % 32; }

__device__ inline WIDE damped(WIDE grad, WIDE damping, WIDE damped_rescale, WIDE rescale, WIDE clip) {
    if (clip < 0) return rounded(damped_rescale * grad);
    WIDE scaled = rounded(rescale * grad);
    return rounded(damping * (scaled > clip ? clip : (scaled < -clip ? -clip : scaled)));
}

// Write the signs of this warp's elements, of which each thread holds its own; none of them may have left. Where there
// is no sign it is that of `zeros`, whose bits take turns, so that its lower half is as good as the whole word.
template <typename T, bool NEGATED>
__device__ inline void write_signs(const T (&x)[ITEMS], unsigned *words, long long n, unsigned long long zeros) {
    long long at = first(), lane = thread() % 32;
    unsigned own = 0;
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        WIDE number = widen(x[k]);
        bool above = NEGATED ? number < 0 : number > 0, below = NEGATED ? number > 0 : number < 0;
        unsigned word = __ballot_sync(~0u, at + 32 * k < n && (above || (!below && (zeros >> lane & 1))));
        if (lane == k) own = word;
    }
    long long place = at / 32 + lane;
    if (lane < ITEMS && place < (n + 63) / 64 * 2) words[place] = own;
}

__device__ inline WIDE read_sign(const unsigned *words, long long i) {
    return words[i / 32] >> (i % 32) & 1 ? WIDE(1) : WIDE(-1);
}

template <bool COPY>
__device__ inline void step(EXACT *weight, const GRAD *grad, EXACT *mom, GRAD *copy, long long n, WIDE lr,
                            WIDE momentum, WIDE damping, WIDE damped_wd, WIDE damped_rescale, WIDE rescale, WIDE clip,
                            WIDE shrink) {
    EXACT w[ITEMS], m[ITEMS];
    GRAD g[ITEMS];
    long long at = first();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) w[k] = weight[i], g[k] = grad[i], m[k] = mom[i];
    }
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) {
            WIDE old = widen(w[k]);
            WIDE kept = rounded(rounded(momentum * widen(m[k])) - rounded(damped_wd * old));
            WIDE grown = rounded(kept - damped(widen(g[k]), damping, damped_rescale, rescale, clip));
            EXACT moved = Narrow<EXACT>::from(rounded(shrink * old) + lr * sign(grown));
            mom[i] = Narrow<EXACT>::from(grown);
            weight[i] = moved;
            if (COPY) copy[i] = Narrow<GRAD>::from(widen(moved));
        }
    }
}

extern "C" __global__ void signum_step(EXACT *weight, const GRAD *grad, EXACT *mom, long long n, WIDE lr, WIDE momentum,
                                       WIDE damping, WIDE damped_wd, WIDE damped_rescale, WIDE rescale, WIDE clip,
                                       WIDE shrink) {
    step<false>(weight, grad, mom, 0, n, lr, momentum, damping, damped_wd, damped_rescale, rescale, clip, shrink);
}

extern "C" __global__ void signum_step_and_copy(EXACT *weight, const GRAD *grad, EXACT *mom, GRAD *copy, long long n,
                                                WIDE lr, WIDE momentum, WIDE damping, WIDE damped_wd,
                                                WIDE damped_rescale, WIDE rescale, WIDE clip, WIDE shrink) {
    step<true>(weight, grad, mom, copy, n, lr, momentum, damping, damped_wd, damped_rescale, rescale, clip, shrink);
}

// The new momentum goes to `fresh`, which may be `mom`.
extern "C" __global__ void momentum_pack(EXACT *fresh, const EXACT *mom, const GRAD *grad, unsigned *words, long long n,
                                         unsigned long long zeros, WIDE momentum, WIDE damping, WIDE damped_rescale,
                                         WIDE rescale, WIDE clip) {
    EXACT m[ITEMS];
    GRAD g[ITEMS];
    long long at = first();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) g[k] = grad[i], m[k] = mom[i];
    }
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) {
            WIDE lost = damped(widen(g[k]), damping, damped_rescale, rescale, clip);
            m[k] = Narrow<EXACT>::from(rounded(momentum * widen(m[k])) - lost);
            fresh[i] = m[k];
        }
    }
    write_signs<EXACT, true>(m, words, n, zeros);
}

extern "C" __global__ void pack(const EXACT *x, unsigned *words, long long n, unsigned long long zeros) {
    EXACT own[ITEMS];
    long long at = first();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) own[k] = x[i];
    }
    write_signs<EXACT, false>(own, words, n, zeros);
}

extern "C" __global__ void unpack(EXACT *x, const unsigned *words, long long n) {
    long long at = first();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) x[i] = Narrow<EXACT>::from(read_sign(words, i));
    }
}

extern "C" __global__ void apply_signs(EXACT *weight, const unsigned *words, long long n, WIDE lr, WIDE wd) {
    EXACT w[ITEMS];
    long long at = first();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) w[k] = weight[i];
    }
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n) {
            WIDE old = widen(w[k]), direction = read_sign(words, i);
            if (wd != 0) direction = direction + wd * old;
            weight[i] = Narrow<EXACT>::from(old - lr * direction);
        }
    }
}

extern "C" __global__ void nonfinite(const EXACT *x, int *found, long long n) {
    long long at = first();
#pragma unroll
    for (int k = 0; k < ITEMS; k++) {
        long long i = at + 32 * k;
        if (i < n && !(widen(x[i]) - widen(x[i]) == 0)) *found = 1;
    }
}

// Votes are counted in binary, 64 counts at a time: digit k of all of them is a word. Counts begin at an offset, one
// higher where `ties` has a bit, such that the topmost digit is 1 just where a majority is reached. As many digits as are
// needed stay in registers.
template <int TOP>
__device__ inline void count(const unsigned long long *ballots, unsigned long long *result, long long n, int M,
                             int offset, int top, unsigned long long ties) {
    if (top < TOP) return count<(TOP > 0 ? TOP - 1 : 0)>(ballots, result, n, M, offset, top, ties);
    unsigned long long digit[TOP + 1];
#pragma unroll
    for (int k = 0; k <= TOP; k++) digit[k] = (offset >> k & 1 ? ~ties : 0) | (offset + 1 >> k & 1 ? ties : 0);
#pragma unroll 4
    for (int m = 0; m < M; m++) {
        unsigned long long carry = ballots[m * n];
#pragma unroll
        for (int k = 0; k <= TOP; k++) {
            unsigned long long both = digit[k] & carry;
            digit[k] ^= carry;
            carry = both;
        }
    }
    *result = digit[TOP];
}

extern "C" __global__ void vote(const unsigned long long *ballots, unsigned long long *result, long long n, int M,
                                int offset, int top, unsigned long long ties) {
    long long i = thread();
    if (i < n) count<MOST_DIGITS - 1>(ballots + i, result + i, n, M, offset, top, ties);
}
