// Template: convolutions with 3 x 3 taps by Winograd's minimal filtering.
//
// A tile of m x m results sees (m + 2) x (m + 2) elements of the image. These are transformed, channel by channel; at
// each of the (m + 2)² places so made all tiles are multiplied with the transformed kernel, which is a product of
// matrices over the channels; what comes of that is transformed back. A result depends on its own tile alone, and the
// order of all additions on nothing at all, so that work may be cut between tiles and between panels of features.
//
// Source: Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, sections 4.1 to 4.3.

/// Places of the larger transform, in all and along one axis.
#define FIRN_WINOGRAD_PLACES 36
#define FIRN_WINOGRAD_SPAN 6

/// Bytes that the transformed tiles of a block should not exceed, of image and results together, so that they stay in
/// the second-level cache.
#define FIRN_WINOGRAD_BYTES (512 << 10)

/// Tiles of a block, at least: the transformed kernel is read once a block, which has to be worth it, the more where
/// it is so large that it comes from memory each time.
#define FIRN_WINOGRAD_TILES 48
#define FIRN_WINOGRAD_MORE_TILES 144
#define FIRN_WINOGRAD_LARGE_KERNEL (8 << 20)

/// Tiles of a block are a multiple of it, which tiles of products divide.
#define FIRN_WINOGRAD_GRAIN 24

FIRN_INLINE size_t winograd_places(const FirnWinograd *w) { return (w->tile + 2) * (w->tile + 2); }

/// Tiles that are transformed before they are multiplied: as many whichever features are asked for, so that memory
/// that is enough for all of them is enough for some.
FIRN_INLINE size_t winograd_block(const FirnWinograd *w, size_t count) {
    const size_t places = winograd_places(w) * sizeof(float);
    const size_t row = round_up(w->channels, FIRN_LINE) + round_up(w->features, FIRN_LINE);
    const size_t fitting = FIRN_WINOGRAD_BYTES / (places * row) / FIRN_WINOGRAD_GRAIN * FIRN_WINOGRAD_GRAIN;
    const size_t fewest = places * w->channels * w->features > FIRN_WINOGRAD_LARGE_KERNEL ? FIRN_WINOGRAD_MORE_TILES
                                                                                      : FIRN_WINOGRAD_TILES;
    return smaller(count, fitting > fewest ? fitting : fewest);
}

/// Floats from one place to the next, of `tiles` rows; one line more, or all places would meet in one set of the
/// first-level cache.
FIRN_INLINE size_t winograd_step(size_t tiles, size_t row) { return tiles * row + FIRN_LINE; }

FIRN_KERNEL size_t winograd_workspace(const FirnWinograd *w, size_t count, size_t features) {
    const size_t tiles = winograd_block(w, count);
    const size_t in_row = round_up(w->channels, FIRN_LINE), out_row = round_up(features, FIRN_LINE);
    const size_t places = winograd_places(w);
    const size_t floats =
        in_row + places * (winograd_step(tiles, in_row) + winograd_step(tiles, out_row));
    return floats * sizeof(float) + matmul_workspace(tiles, 0, w->channels);
}

/// What an image's elements along one axis become.
FIRN_INLINE void winograd_enter_axis(size_t tile, const FirnFloats *d, size_t step, FirnFloats *t) {
    if (tile == 2) {
        t[0] = d[0] - d[2 * step];
        t[1] = d[step] + d[2 * step];
        t[2] = d[2 * step] - d[step];
        t[3] = d[step] - d[3 * step];
        return;
    }
    const FirnFloats four = splat(4.0f), five = splat(5.0f), two = splat(2.0f);
    const FirnFloats even = madd(-four, d[2 * step], d[4 * step]), odd = madd(-four, d[step], d[3 * step]);
    const FirnFloats other = d[4 * step] - d[2 * step], twice = two * (d[3 * step] - d[step]);
    t[0] = madd(four, d[0], madd(-five, d[2 * step], d[4 * step]));
    t[1] = even + odd;
    t[2] = even - odd;
    t[3] = other + twice;
    t[4] = other - twice;
    t[5] = madd(four, d[step], madd(-five, d[3 * step], d[5 * step]));
}

/// What products along one axis become.
FIRN_INLINE void winograd_leave_axis(size_t tile, const FirnFloats *m, size_t step, FirnFloats *y) {
    if (tile == 2) {
        y[0] = m[0] + m[step] + m[2 * step];
        y[1] = m[step] - m[2 * step] - m[3 * step];
        return;
    }
    const FirnFloats near = m[step] + m[2 * step], turned = m[step] - m[2 * step];
    const FirnFloats far = m[3 * step] + m[4 * step], away = m[3 * step] - m[4 * step];
    y[0] = m[0] + near + far;
    y[1] = madd(splat(2.0f), away, turned);
    y[2] = madd(splat(4.0f), far, near);
    y[3] = madd(splat(8.0f), away, turned) + m[5 * step];
}

/// Transforms `count` channels of a tile: at most a vector.
FIRN_INLINE void winograd_enter(size_t tile, const float *const *pixels, size_t channel, size_t count, float *to,
                                size_t step) {
    const size_t span = tile + 2;
    FirnFloats rows[FIRN_WINOGRAD_PLACES];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < span; i++) {
        FirnFloats row[FIRN_WINOGRAD_SPAN];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < span; j++) row[j] = load_some(pixels[i * span + j] + channel, count);
        winograd_enter_axis(tile, row, 1, rows + i * span);
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < span; j++) {
        FirnFloats column[FIRN_WINOGRAD_SPAN];
        winograd_enter_axis(tile, rows + j, span, column);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < span; i++) store(to + (i * span + j) * step + channel, column[i]);
    }
}

/// Transforms `count` features of a tile back, of which `down` x `across` pixels are in the result.
FIRN_INLINE void winograd_leave(size_t tile, const float *from, size_t step, size_t feature, size_t count, size_t down,
                                size_t across, float *y, size_t y_row, size_t y_column) {
    const size_t span = tile + 2;
    FirnFloats rows[FIRN_WINOGRAD_PLACES];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < span; i++) {
        FirnFloats row[FIRN_WINOGRAD_SPAN];
#pragma clang loop unroll(full)
        for (size_t j = 0; j < span; j++) row[j] = load(from + (i * span + j) * step + feature);
        winograd_leave_axis(tile, row, 1, rows + i * span);
    }
#pragma clang loop unroll(full)
    for (size_t j = 0; j < tile; j++) {
        FirnFloats column[FIRN_WINOGRAD_SPAN];
        winograd_leave_axis(tile, rows + j, span, column);
#pragma clang loop unroll(full)
        for (size_t i = 0; i < tile; i++) {
            if (i < down && j < across) store_some(y + i * y_row + j * y_column + feature, count, column[i]);
        }
    }
}

/// Where a tile is.
typedef struct {
    size_t image, row, column;
} FirnWinogradPlace;

FIRN_INLINE FirnWinogradPlace winograd_place(const FirnWinograd *w, size_t number) {
    const size_t image = w->down * w->across, beside = number % image;
    return (FirnWinogradPlace){number / image, beside / w->across, beside % w->across};
}

FIRN_INLINE void winograd_enter_tile(size_t tile, const FirnWinograd *w, const float *restrict x, const float *zeros,
                                     FirnWinogradPlace place, float *restrict to, size_t step) {
    const size_t span = tile + 2;
    const ptrdiff_t top = (ptrdiff_t)(place.row * tile) - (ptrdiff_t)w->top;
    const ptrdiff_t left = (ptrdiff_t)(place.column * tile) - (ptrdiff_t)w->left;
    const float *image = x + place.image * w->rows * w->columns * w->channels;
    // Taps beside the image are read from zeros, so that tiles at its edges take the same way.
    const float *pixels[FIRN_WINOGRAD_PLACES];
    for (size_t i = 0; i < span; i++) {
        const ptrdiff_t row = top + (ptrdiff_t)i;
        for (size_t j = 0; j < span; j++) {
            const ptrdiff_t column = left + (ptrdiff_t)j;
            pixels[i * span + j] = inside(row, w->rows) && inside(column, w->columns)
                ? image + ((size_t)row * w->columns + (size_t)column) * w->channels : zeros;
        }
    }
    size_t c = 0;
    for (; c + FIRN_LANES <= w->channels; c += FIRN_LANES) winograd_enter(tile, pixels, c, FIRN_LANES, to, step);
    if (c < w->channels) winograd_enter(tile, pixels, c, w->channels - c, to, step);
}

FIRN_INLINE void winograd_leave_tile(size_t tile, const FirnWinograd *w, const float *restrict from, size_t step,
                                     FirnWinogradPlace place, size_t features, float *restrict y) {
    const size_t row = place.row * tile, column = place.column * tile;
    const size_t down = smaller(tile, w->result_rows - row), across = smaller(tile, w->result_columns - column);
    const size_t y_row = w->result_columns * w->features;
    float *pixel = y + (place.image * w->result_rows + row) * y_row + column * w->features;
    size_t o = 0;
    for (; o + FIRN_LANES <= features; o += FIRN_LANES) {
        winograd_leave(tile, from, step, o, FIRN_LANES, down, across, pixel, y_row, w->features);
    }
    if (o < features) winograd_leave(tile, from, step, o, features - o, down, across, pixel, y_row, w->features);
}

FIRN_INLINE void winograd_tiles(size_t tile, const FirnWinograd *w, const float *restrict x,
                                const float *restrict panels, size_t first, size_t count, size_t features,
                                float *restrict y, void *restrict workspace) {
    const size_t block = winograd_block(w, count), places = (tile + 2) * (tile + 2);
    const size_t in_row = round_up(w->channels, FIRN_LINE), out_row = round_up(features, FIRN_LINE);
    const size_t in_step = winograd_step(block, in_row), out_step = winograd_step(block, out_row);
    const ptrdiff_t panel = (ptrdiff_t)(w->channels * FIRN_PANEL_COLUMNS);
    const size_t kernel = round_up(w->features, FIRN_PANEL_COLUMNS) * w->channels;
    float *restrict zeros = workspace;
    float *restrict entered = zeros + in_row;
    float *restrict made = entered + places * in_step;
    float *restrict scratch = made + places * out_step;
    for (size_t c = 0; c < in_row; c++) zeros[c] = 0.0f;
    for (size_t begin = 0; begin < count; begin += block) {
        const size_t tiles = smaller(count - begin, block);
        for (size_t t = 0; t < tiles; t++) {
            const FirnWinogradPlace place = winograd_place(w, first + begin + t);
            winograd_enter_tile(tile, w, x, zeros, place, entered + t * in_row, in_step);
        }
        for (size_t p = 0; p < places; p++) {
            matmul(tiles, features, w->channels, entered + p * in_step, (ptrdiff_t)in_row, 1, panels + p * kernel,
                   FIRN_PANEL_COLUMNS, 1, panel, made + p * out_step, (ptrdiff_t)out_row, 0, scratch);
        }
        for (size_t t = 0; t < tiles; t++) {
            const FirnWinogradPlace place = winograd_place(w, first + begin + t);
            winograd_leave_tile(tile, w, made + t * out_row, out_step, place, features, y);
        }
    }
}

FIRN_KERNEL void winograd(const FirnWinograd *w, const float *restrict x, const float *restrict panels, size_t first,
                          size_t count, size_t features, float *restrict y, void *restrict workspace) {
    if (w->tile == 2) {
        winograd_tiles(2, w, x, panels, first, count, features, y, workspace);
    } else {
        winograd_tiles(4, w, x, panels, first, count, features, y, workspace);
    }
}
