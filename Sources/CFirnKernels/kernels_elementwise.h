// Template: one loop for each row of the elementwise tables.
//
// The tail goes through the same vector code as the body, so that an element's bits do not depend on
// where in the array it stands.

#define FIRN_DECLARE_UNARY(NAME, name, expression) \
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

FIRN_UNARY_TABLE(FIRN_DECLARE_UNARY)

#define FIRN_DECLARE_BINARY(NAME, name, expression) \
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

#define FIRN_DECLARE_BINARY_SCALAR(NAME, name, expression) \
    static void binary_##name(const float *a, const float *b, float *y, size_t n) { \
        for (size_t i = 0; i < n; i++) { \
            const float v = a[i], w = b[i]; \
            y[i] = expression; \
        } \
    }

FIRN_BINARY_TABLE(FIRN_DECLARE_BINARY, FIRN_DECLARE_BINARY_SCALAR)

#define FIRN_DECLARE_COMPARE(NAME, name, relation) \
    FIRN_KERNEL void compare_##name(const float *a, const float *b, uint8_t *y, size_t n) { \
        size_t i = 0; \
        for (; i + FIRN_LANES <= n; i += FIRN_LANES) { \
            const FirnInts holds = load(a + i) relation load(b + i); \
            *(FirnLooseBytes *)(y + i) = __builtin_convertvector(holds & 1, FirnBytes); \
        } \
        for (; i < n; i++) y[i] = a[i] relation b[i]; \
    }

FIRN_COMPARE_TABLE(FIRN_DECLARE_COMPARE)

FIRN_KERNEL void select_32(const uint8_t *condition, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n) {
    size_t i = 0;
    for (; i + FIRN_LANES <= n; i += FIRN_LANES) {
        const FirnBytes bytes = *(const FirnLooseBytes *)(condition + i);
        const FirnInts holds = __builtin_convertvector(bytes, FirnInts) != 0;
        store_words(y + i, holds ? load_words(a + i) : load_words(b + i));
    }
    for (; i < n; i++) y[i] = condition[i] != 0 ? a[i] : b[i];
}
