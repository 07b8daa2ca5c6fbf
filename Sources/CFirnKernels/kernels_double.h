// Template: products in f64. Nothing is fused, and each sum is one chain along k: the bits are the same everywhere.

/// Columns of a strip, and rows that are multiplied by it at once.
#define FIRN_DOUBLE_COLUMNS 8
#define FIRN_DOUBLE_LANES (FIRN_LANES / 2)
#define FIRN_DOUBLE_VECTORS (FIRN_DOUBLE_COLUMNS / FIRN_DOUBLE_LANES)
#define FIRN_DOUBLE_ROWS (FIRN_LANES / 2)

typedef double FirnDoubles __attribute__((ext_vector_type(FIRN_DOUBLE_LANES)));
typedef FirnDoubles FirnLooseDoubles __attribute__((aligned(8), may_alias));

/// `rows` rows of A by a strip of B whose rows are whole and `b_row` apart, added to C or instead of it.
FIRN_INLINE void double_tile(int rows, size_t k, const double *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                             const double *restrict b, ptrdiff_t b_row, double *restrict c, ptrdiff_t c_row,
                             size_t columns, int continues) {
    FirnDoubles sum[FIRN_DOUBLE_ROWS][FIRN_DOUBLE_VECTORS];
    double part[FIRN_DOUBLE_ROWS][FIRN_DOUBLE_COLUMNS] = {{0}};
    for (int i = 0; i < rows; i++) {
        if (continues && columns < FIRN_DOUBLE_COLUMNS) {
            for (size_t j = 0; j < columns; j++) part[i][j] = c[i * c_row + (ptrdiff_t)j];
        }
        const double *from = continues && columns == FIRN_DOUBLE_COLUMNS ? c + i * c_row : part[i];
        for (int v = 0; v < FIRN_DOUBLE_VECTORS; v++)
            sum[i][v] = *(const FirnLooseDoubles *)(from + v * FIRN_DOUBLE_LANES);
    }
    for (size_t p = 0; p < k; p++, a += a_col, b += b_row) {
        for (int v = 0; v < FIRN_DOUBLE_VECTORS; v++) {
            const FirnDoubles right = *(const FirnLooseDoubles *)(b + v * FIRN_DOUBLE_LANES);
            for (int i = 0; i < rows; i++) sum[i][v] += (FirnDoubles)(a[i * a_row]) * right;
        }
    }
    for (int i = 0; i < rows; i++) {
        double *to = columns == FIRN_DOUBLE_COLUMNS ? c + i * c_row : part[i];
        for (int v = 0; v < FIRN_DOUBLE_VECTORS; v++)
            *(FirnLooseDoubles *)(to + v * FIRN_DOUBLE_LANES) = sum[i][v];
        if (columns == FIRN_DOUBLE_COLUMNS) continue;
        for (size_t j = 0; j < columns; j++) c[i * c_row + (ptrdiff_t)j] = part[i][j];
    }
}

FIRN_KERNEL void matmul_f64(size_t m, size_t n, size_t k, const double *restrict a, ptrdiff_t a_row, ptrdiff_t a_col,
                            const double *restrict b, ptrdiff_t b_row, ptrdiff_t b_col, double *restrict c,
                            ptrdiff_t c_row, int continues, void *restrict workspace) {
    for (size_t first = 0; first < n; first += FIRN_DOUBLE_COLUMNS) {
        const size_t columns = smaller(n - first, FIRN_DOUBLE_COLUMNS);
        const double *strip = b + (ptrdiff_t)first * b_col;
        ptrdiff_t step = b_row;
        if (columns < FIRN_DOUBLE_COLUMNS || b_col != 1 || m >= 32) {
            double *packed = workspace;
            for (size_t p = 0; p < k; p++) {
                const double *row = strip + (ptrdiff_t)p * b_row;
                for (size_t j = 0; j < FIRN_DOUBLE_COLUMNS; j++)
                    packed[p * FIRN_DOUBLE_COLUMNS + j] = j < columns ? row[(ptrdiff_t)j * b_col] : 0;
            }
            strip = packed;
            step = FIRN_DOUBLE_COLUMNS;
        }
        size_t i = 0;
        for (; i + FIRN_DOUBLE_ROWS <= m; i += FIRN_DOUBLE_ROWS)
            double_tile(FIRN_DOUBLE_ROWS, k, a + (ptrdiff_t)i * a_row, a_row, a_col, strip, step,
                        c + (ptrdiff_t)i * c_row + first, c_row, columns, continues);
        for (; i < m; i++)
            double_tile(1, k, a + (ptrdiff_t)i * a_row, a_row, a_col, strip, step, c + (ptrdiff_t)i * c_row + first,
                        c_row, columns, continues);
    }
}
