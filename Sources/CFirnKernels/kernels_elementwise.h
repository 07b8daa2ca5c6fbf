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

/// What does one operation on each vector is bound by counting, unless it counts several at once.
#define FIRN_SEVERAL_AT_ONCE _Pragma("clang loop unroll_count(4)")

#define FIRN_DECLARE_BINARY(NAME, name, expression) \
    FIRN_KERNEL void binary_##name(const float *a, const float *b, float *y, size_t n) { \
        size_t i = 0; \
        FIRN_SEVERAL_AT_ONCE \
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
        FIRN_SEVERAL_AT_ONCE \
        for (; i + FIRN_LANES <= n; i += FIRN_LANES) { \
            const FirnInts holds = load(a + i) relation load(b + i); \
            *(FirnLooseBytes *)(y + i) = __builtin_convertvector(holds & 1, FirnBytes); \
        } \
        for (; i < n; i++) y[i] = a[i] relation b[i]; \
    }

FIRN_COMPARE_TABLE(FIRN_DECLARE_COMPARE)

FIRN_KERNEL void select_32(const uint8_t *condition, const uint32_t *a, const uint32_t *b, uint32_t *y, size_t n) {
    size_t i = 0;
    FIRN_SEVERAL_AT_ONCE
    for (; i + FIRN_LANES <= n; i += FIRN_LANES) {
        const FirnBytes bytes = *(const FirnLooseBytes *)(condition + i);
        const FirnInts holds = __builtin_convertvector(bytes, FirnInts) != 0;
        store_words(y + i, holds ? load_words(a + i) : load_words(b + i));
    }
    for (; i < n; i++) y[i] = condition[i] != 0 ? a[i] : b[i];
}

typedef uint8_t FirnPiece16 __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint8_t FirnPiece32 __attribute__((vector_size(32), aligned(1), may_alias));
typedef uint8_t FirnPiece64 __attribute__((vector_size(64), aligned(1), may_alias));

/// Copies rows by pieces of which each has one at least. The last may lie over the one before.
#define FIRN_COPY_ROWS(Piece) \
    for (size_t row = 0; row < rows; row++, from += from_step, to += to_step) { \
        const size_t last = bytes - sizeof(Piece); \
        for (size_t i = 0; i < last; i += sizeof(Piece)) *(Piece *)(to + i) = *(const Piece *)(from + i); \
        *(Piece *)(to + last) = *(const Piece *)(from + last); \
    }

/// Copies rows of at least 16 bytes each, steps in bytes: gates of a cell, for which a call of memcpy each would not pay.
__attribute__((no_builtin("memcpy", "memmove"))) FIRN_KERNEL void copy_rows(
    const char *from, ptrdiff_t from_step, char *to, ptrdiff_t to_step, size_t rows, size_t bytes) {
#if FIRN_LANES == 16
    if (bytes >= 64) {
        FIRN_COPY_ROWS(FirnPiece64)
        return;
    }
#endif
#if FIRN_LANES >= 8
    if (bytes >= 32) {
        FIRN_COPY_ROWS(FirnPiece32)
        return;
    }
#endif
    FIRN_COPY_ROWS(FirnPiece16)
}
