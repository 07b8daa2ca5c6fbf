// Template: the vector types and what every kernel needs of them.

typedef float FirnFloats __attribute__((ext_vector_type(FIRN_LANES)));
typedef int32_t FirnInts __attribute__((ext_vector_type(FIRN_LANES)));
typedef uint32_t FirnWords __attribute__((ext_vector_type(FIRN_LANES)));
typedef uint8_t FirnBytes __attribute__((ext_vector_type(FIRN_LANES)));
typedef FirnFloats FirnLooseFloats __attribute__((aligned(4), may_alias));
typedef FirnWords FirnLooseWords __attribute__((aligned(4), may_alias));
typedef FirnBytes FirnLooseBytes __attribute__((aligned(1), may_alias));

/// Functions on vectors are inlined always: a vector wider than the base ABI must never be an argument.
#define FIRN_INLINE static inline __attribute__((always_inline, unused)) FIRN_TARGET
#define FIRN_KERNEL static FIRN_TARGET

FIRN_INLINE FirnFloats splat(float value) { return (FirnFloats)(value); }

FIRN_INLINE FirnFloats load(const float *p) { return *(const FirnLooseFloats *)p; }

FIRN_INLINE void store(float *p, FirnFloats v) { *(FirnLooseFloats *)p = v; }

FIRN_INLINE FirnWords load_words(const uint32_t *p) { return *(const FirnLooseWords *)p; }

FIRN_INLINE void store_words(uint32_t *p, FirnWords v) { *(FirnLooseWords *)p = v; }

/// The first `count` elements (fewer than FIRN_LANES), then `pad`. Reads nothing beyond them.
FIRN_INLINE FirnFloats load_partial(const float *p, size_t count, float pad) {
#if FIRN_HAS_AVX512
    return (FirnFloats)_mm512_mask_loadu_ps(_mm512_set1_ps(pad), (__mmask16)((1u << count) - 1), p);
#elif FIRN_LANES == 8 && defined(__x86_64__)
    const FirnInts inside = (FirnInts){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)count;
    return inside ? (FirnFloats)_mm256_maskload_ps(p, (__m256i)inside) : splat(pad);
#else
    FirnFloats v = splat(pad);
    for (size_t i = 0; i < count; i++) v[i] = p[i];
    return v;
#endif
}

/// Writes the first `count` elements (fewer than FIRN_LANES) and nothing beyond them.
FIRN_INLINE void store_partial(float *p, size_t count, FirnFloats v) {
#if FIRN_HAS_AVX512
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)v);
#elif FIRN_LANES == 8 && defined(__x86_64__)
    const FirnInts inside = (FirnInts){0, 1, 2, 3, 4, 5, 6, 7} < (int32_t)count;
    _mm256_maskstore_ps(p, (__m256i)inside, (__m256)v);
#else
    for (size_t i = 0; i < count; i++) p[i] = v[i];
#endif
}

/// a b + c, fused where the processor can: one rounding or two, but always the same.
FIRN_INLINE FirnFloats madd(FirnFloats a, FirnFloats b, FirnFloats c) {
#if FIRN_HAS_FMA
    return __builtin_elementwise_fma(a, b, c);
#else
    return a * b + c;
#endif
}

FIRN_INLINE FirnFloats absolute(FirnFloats x) { return (FirnFloats)((FirnInts)x & 0x7fffffff); }

/// `magnitude`, which is not negative, with the sign of `sign`.
FIRN_INLINE FirnFloats with_sign(FirnFloats magnitude, FirnFloats sign) {
    return (FirnFloats)((FirnInts)magnitude | ((FirnInts)sign & (int32_t)0x80000000));
}

FIRN_INLINE int any(FirnInts mask) { return __builtin_reduce_or(mask) != 0; }

// Scalars and vectors alike; the arguments are evaluated more than once. NaN wins.
#define FIRN_SUM_OF(a, b) ((a) + (b))
#define FIRN_PROD_OF(a, b) ((a) * (b))
#define FIRN_MAX_OF(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))
#define FIRN_MIN_OF(a, b) ((((a) < (b)) | ((a) != (a))) ? (a) : (b))

FIRN_INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/// Elements of a row that are reduced side by side, whatever a vector holds: the order of a sum is the same on all
/// processors.
#define FIRN_ROW_LANES 16
/// Vectors that these are in.
#define FIRN_ROW_PARTS (FIRN_ROW_LANES / FIRN_LANES)

_Static_assert(FIRN_ROW_LANES % FIRN_LANES == 0, "whole vectors of a row");

/// The vector number `part` of the first `count` elements of a row, then `pad`. Reads nothing beyond them.
FIRN_INLINE FirnFloats load_part(const float *p, size_t count, int part, float pad) {
    const size_t begin = (size_t)part * FIRN_LANES;
    if (begin + FIRN_LANES <= count) return load(p + begin);
    return begin < count ? load_partial(p + begin, count - begin, pad) : splat(pad);
}

/// Writes of the vector number `part` what is among the first `count` elements of a row.
FIRN_INLINE void store_part(float *p, size_t count, int part, FirnFloats v) {
    const size_t begin = (size_t)part * FIRN_LANES;
    if (begin + FIRN_LANES <= count) store(p + begin, v);
    else if (begin < count) store_partial(p + begin, count - begin, v);
}

// Halving what the vectors of a row hold together.
#if FIRN_LANES == 16
#define FIRN_EIGHT_OF(OF, v) OF((v)[0].lo, (v)[0].hi)
#elif FIRN_LANES == 8
#define FIRN_EIGHT_OF(OF, v) OF((v)[0], (v)[1])
#endif

#if FIRN_LANES >= 8
#define FIRN_DECLARE_HORIZONTAL(NAME, name, OF, identity) \
    FIRN_INLINE float horizontal_##name(const FirnFloats *v) { \
        __auto_type eight = FIRN_EIGHT_OF(OF, v); \
        __auto_type four = OF(eight.lo, eight.hi); \
        __auto_type two = OF(four.lo, four.hi); \
        return OF(two.lo, two.hi); \
    }
#else
#define FIRN_DECLARE_HORIZONTAL(NAME, name, OF, identity) \
    FIRN_INLINE float horizontal_##name(const FirnFloats *v) { \
        const FirnFloats even = OF(v[0], v[2]), odd = OF(v[1], v[3]); \
        const FirnFloats four = OF(even, odd); \
        __auto_type two = OF(four.lo, four.hi); \
        return OF(two.lo, two.hi); \
    }
#endif

FIRN_REDUCE_TABLE(FIRN_DECLARE_HORIZONTAL)
