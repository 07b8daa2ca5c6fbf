// Template: one loop for each elementwise operation.
//
// The tail goes through the same vector code as the body, so that an element's bits do not depend on
// where in the array it stands.

#define FIRN_DECLARE_UNARY(name, expression) \
    FIRN_KERNEL void unary_##name(float alpha, const float *x, float *y, size_t n) { \
        (void)alpha; \
        size_t i = 0; \
        for (; i + FIRN_LANES <= n; i += FIRN_LANES) { \
            const FirnFloats v = load(x + i); \
            store(y + i, expression); \
        } \
        if (i < n) { \
            const FirnFloats v = load_partial(x + i, n - i, 1.0f); \
            store_partial(y + i, n - i, expression); \
        } \
    }

FIRN_DECLARE_UNARY(neg, -v)
FIRN_DECLARE_UNARY(abs, absolute(v))
FIRN_DECLARE_UNARY(sign, sign_of(v))
FIRN_DECLARE_UNARY(exp, exp_of(v))
FIRN_DECLARE_UNARY(expm1, expm1_of(v))
FIRN_DECLARE_UNARY(log, log_of(v))
FIRN_DECLARE_UNARY(log1p, log1p_of(v))
FIRN_DECLARE_UNARY(sqrt, __builtin_elementwise_sqrt(v))
FIRN_DECLARE_UNARY(rsqrt, 1.0f / __builtin_elementwise_sqrt(v))
FIRN_DECLARE_UNARY(square, v * v)
FIRN_DECLARE_UNARY(reciprocal, 1.0f / v)
FIRN_DECLARE_UNARY(sin, sin_of(v))
FIRN_DECLARE_UNARY(cos, cos_of(v))
FIRN_DECLARE_UNARY(tanh, tanh_of(v))
FIRN_DECLARE_UNARY(sigmoid, sigmoid_of(v))
FIRN_DECLARE_UNARY(softplus, softplus_of(v))
FIRN_DECLARE_UNARY(relu, relu_of(v))
FIRN_DECLARE_UNARY(leaky_relu, v > 0.0f ? v : alpha * v)
FIRN_DECLARE_UNARY(elu, elu_of(v, alpha))
FIRN_DECLARE_UNARY(gelu, gelu_of(v))
FIRN_DECLARE_UNARY(silu, silu_of(v))
FIRN_DECLARE_UNARY(erf, erf_of(v))
FIRN_DECLARE_UNARY(floor, floor_of(v))
FIRN_DECLARE_UNARY(ceil, ceil_of(v))
FIRN_DECLARE_UNARY(round, round_of(v))

#define FIRN_DECLARE_BINARY(name, expression) \
    FIRN_KERNEL void binary_##name(const float *a, const float *b, float *y, size_t n) { \
        size_t i = 0; \
        for (; i + FIRN_LANES <= n; i += FIRN_LANES) { \
            const FirnFloats v = load(a + i), w = load(b + i); \
            store(y + i, expression); \
        } \
        if (i < n) { \
            const FirnFloats v = load_partial(a + i, n - i, 1.0f), w = load_partial(b + i, n - i, 1.0f); \
            store_partial(y + i, n - i, expression); \
        } \
    }

FIRN_DECLARE_BINARY(add, v + w)
FIRN_DECLARE_BINARY(sub, v - w)
FIRN_DECLARE_BINARY(mul, v * w)
FIRN_DECLARE_BINARY(div, v / w)
FIRN_DECLARE_BINARY(max, FIRN_MAX_OF(v, w))
FIRN_DECLARE_BINARY(min, FIRN_MIN_OF(v, w))
FIRN_DECLARE_BINARY(sigmoid_cross_entropy, sigmoid_cross_entropy_of(v, w))

static void binary_pow(const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = powf(a[i], b[i]);
}

#define FIRN_DECLARE_COMPARE(name, relation) \
    FIRN_KERNEL void compare_##name(const float *a, const float *b, uint8_t *y, size_t n) { \
        size_t i = 0; \
        for (; i + FIRN_LANES <= n; i += FIRN_LANES) { \
            const FirnInts holds = load(a + i) relation load(b + i); \
            *(FirnLooseBytes *)(y + i) = __builtin_convertvector(holds & 1, FirnBytes); \
        } \
        for (; i < n; i++) y[i] = a[i] relation b[i]; \
    }

FIRN_DECLARE_COMPARE(equal, ==)
FIRN_DECLARE_COMPARE(not_equal, !=)
FIRN_DECLARE_COMPARE(less, <)
FIRN_DECLARE_COMPARE(less_equal, <=)
FIRN_DECLARE_COMPARE(greater, >)
FIRN_DECLARE_COMPARE(greater_equal, >=)

FIRN_KERNEL void select_32(const uint8_t *condition, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n) {
    size_t i = 0;
    for (; i + FIRN_LANES <= n; i += FIRN_LANES) {
        const FirnBytes bytes = *(const FirnLooseBytes *)(condition + i);
        const FirnInts holds = __builtin_convertvector(bytes, FirnInts) != 0;
        store_words(y + i, holds ? load_words(a + i) : load_words(b + i));
    }
    for (; i < n; i++) y[i] = condition[i] != 0 ? a[i] : b[i];
}
