// Template: convolution as a product of matrices whose left one, the windows of an image, is packed straight from
// the image and never stored; and directly, where each channel stands alone.
//
// The order of sums is that of kernels_matmul.h: it depends on the summed extent alone.

/// Whether `at` is one of `extent`, for one that may be negative.
FIRN_INLINE int inside(ptrdiff_t at, size_t extent) { return (size_t)at < extent; }

FIRN_INLINE size_t window_image(const FirnWindow *w) {
    return w->rows.extent * w->columns.extent * w->pixel;
}

/// A result pixel: its image, and where the first tap of its window is.
typedef struct {
    size_t image, row, column;
} FirnPlace;

/// Pixels are counted image by image; or, of so many `images`, position by position.
FIRN_INLINE FirnPlace place_of(const FirnWindow *w, size_t images, size_t pixel) {
    if (images > 0) {
        const size_t position = pixel / images;
        return (FirnPlace){pixel % images, position / w->columns.count, position % w->columns.count};
    }
    const size_t column = pixel % w->columns.count, rest = pixel / w->columns.count;
    return (FirnPlace){rest / w->rows.count, rest % w->rows.count, column};
}

FIRN_INLINE void next_place(const FirnWindow *w, size_t images, FirnPlace *place) {
    if (images > 0) {
        if (++place->image < images) return;
        place->image = 0;
    }
    if (++place->column < w->columns.count) return;
    place->column = 0;
    if (++place->row < w->rows.count || images > 0) return;
    place->row = 0;
    place->image++;
}

FIRN_INLINE ptrdiff_t first_tap(const FirnWindowAxis *axis, size_t at) {
    return (ptrdiff_t)at * axis->step + axis->offset;
}

typedef float FirnFourFloats __attribute__((ext_vector_type(4)));
typedef FirnFourFloats FirnLooseFourFloats __attribute__((aligned(4), may_alias));

/// Copies `n` elements, or writes as many zeros where there are none to copy.
FIRN_INLINE void copy_run(const float *restrict from, size_t n, float *restrict to) {
    size_t e = 0;
    if (from == NULL) {
        for (; e + FIRN_LANES <= n; e += FIRN_LANES) store(to + e, splat(0.0f));
        for (; e < n; e++) to[e] = 0.0f;
        return;
    }
    for (; e + FIRN_LANES <= n; e += FIRN_LANES) store(to + e, load(from + e));
    // What is left is hardly a loop: of single elements it would become a call of memcpy, which costs more than they do.
    for (; e + 4 <= n; e += 4) *(FirnLooseFourFloats *)(to + e) = *(const FirnLooseFourFloats *)(from + e);
    switch (n - e) {
    case 3: to[e + 2] = from[e + 2]; /* fallthrough */
    case 2: to[e + 1] = from[e + 1]; /* fallthrough */
    case 1: to[e] = from[e]; /* fallthrough */
    default: break;
    }
}

/// Whether the elements of taps next to each other in a row are neighbours in the image too.
FIRN_INLINE int taps_join(const FirnWindow *w) { return w->columns.tap == 1 && w->pixel == w->channels; }

/// Copies the elements `begin..<begin + depth` of the windows of the pixels `first..<first + rows`, a row for each
/// pixel: a tile reads such rows as they are. Rows of zeros fill up the last tile.
FIRN_KERNEL void copy_windows(const FirnWindow *w, const float *restrict x, size_t images, size_t first, size_t rows,
                              size_t begin, size_t depth, float *restrict to) {
    const size_t image = window_image(w), channels = w->channels, across = w->columns.taps;
    const size_t tap = begin / channels, channel = begin % channels;
    FirnPlace place = place_of(w, images, first);
    for (size_t i = 0; i < rows; i++, next_place(w, images, &place), to += depth) {
        const float *from = x + place.image * image;
        const ptrdiff_t left = first_tap(&w->columns, place.column);
        const int joins = taps_join(w) && left >= 0 && left + (ptrdiff_t)across <= (ptrdiff_t)w->columns.extent;
        ptrdiff_t row = first_tap(&w->rows, place.row) + (ptrdiff_t)(tap / across) * w->rows.tap;
        size_t t = tap % across, c = channel;
        for (size_t done = 0; done < depth; row += w->rows.tap, t = 0) {
            const float *line = inside(row, w->rows.extent) ? from + (size_t)row * w->columns.extent * w->pixel : NULL;
            // The taps of a row at once where they lie side by side, or there is nothing of them.
            while (t < across && done < depth) {
                const ptrdiff_t column = left + (ptrdiff_t)t * w->columns.tap;
                const int some = line != NULL && inside(column, w->columns.extent);
                const int all = line == NULL || joins;
                const size_t run = smaller(all ? (across - t) * channels - c : channels - c, depth - done);
                copy_run(some ? line + (size_t)column * w->pixel + c : NULL, run, to + done);
                done += run;
                c = 0;
                t = all ? across : t + 1;
            }
        }
    }
    for (size_t i = rows; i % FIRN_TILE_ROWS != 0; i++, to += depth) copy_run(NULL, depth, to);
}

/// Packs rows `begin..<begin + depth` of b, whose rows lie tap by tap.
FIRN_KERNEL void pack_taps(const FirnWindow *w, const FirnTaps *b, size_t column, size_t columns, size_t begin,
                           size_t depth, float *restrict to) {
    for (size_t j = 0; j < columns; j += FIRN_TILE_COLUMNS, to += FIRN_TILE_COLUMNS * depth) {
        for (size_t done = 0; done < depth;) {
            const size_t tap = (begin + done) / w->channels, channel = (begin + done) % w->channels;
            const size_t run = smaller(w->channels - channel, depth - done);
            const float *from = b->base + (ptrdiff_t)(tap / w->columns.taps) * b->tap_row
                + (ptrdiff_t)(tap % w->columns.taps) * b->tap_column + (ptrdiff_t)channel * b->row
                + (ptrdiff_t)(column + j) * b->column;
            pack_panel(FIRN_TILE_COLUMNS, smaller(columns - j, FIRN_TILE_COLUMNS), run, from, b->column, b->row,
                       to + done * FIRN_TILE_COLUMNS);
            done += run;
        }
    }
}

FIRN_INLINE ptrdiff_t pixel_offset(const FirnPixels *to, FirnPlace place) {
    return (ptrdiff_t)place.image * to->image + (ptrdiff_t)place.row * to->row
        + (ptrdiff_t)place.column * to->column;
}

/// A stretch of a window's elements.
typedef struct {
    size_t begin, end;
} FirnStretch;

/// What of the elements `begin..<begin + depth` of a window lies between the first and the last tap inside of the image,
/// counted from `begin`.
FIRN_INLINE FirnStretch seen(const FirnWindow *w, FirnPlace place, size_t begin, size_t depth) {
    FirnStretch some = {depth, 0};
    for (size_t tap = begin / w->channels; tap * w->channels < begin + depth; tap++) {
        const size_t r = tap / w->columns.taps, t = tap % w->columns.taps;
        if (!inside(first_tap(&w->rows, place.row) + (ptrdiff_t)r * w->rows.tap, w->rows.extent)) continue;
        if (!inside(first_tap(&w->columns, place.column) + (ptrdiff_t)t * w->columns.tap, w->columns.extent)) continue;
        const size_t start = tap * w->channels;
        some.begin = smaller(some.begin, start > begin ? start - begin : 0);
        some.end = smaller(start + w->channels - begin, depth);
    }
    return some;
}

/// How many of `left` pixels the next tile takes: eight are two tiles of four where six are the most, not one of six and
/// one of two, which would wait for its sums.
FIRN_INLINE size_t pixels_of_tile(size_t left) {
    return left == 8 && FIRN_TILE_ROWS == 6 ? 4 : rows_of_tile(left);
}

/// A block of a product: `rows` pixels from `first` on, the elements `begin..<begin + depth` of their windows, `columns`
/// columns. `panels` are packed ones of the right matrix from row `begin` on, `b_row` apart; `step` is from panel to panel.
typedef struct {
    size_t first, rows, begin, depth, columns;
    const float *panels;
    ptrdiff_t b_row, step;
    size_t width;
} FirnWindowBlock;

/// Where column `j` of the panels begins.
FIRN_INLINE const float *panel_at(const FirnWindowBlock *b, size_t j) {
    return b->panels + (ptrdiff_t)(j / b->width) * b->step + j % b->width;
}

FIRN_KERNEL void window_block(const FirnWindow *w, const float *restrict x, size_t images, const FirnWindowBlock *b,
                              float *restrict c, const FirnPixels *to, float *restrict packed_a) {
    const size_t rows = b->rows, depth = b->depth, columns = b->columns;
    const ptrdiff_t step = images > 0 ? to->image : to->column;
    copy_windows(w, x, images, b->first, rows, b->begin, depth, packed_a);
    // By row; of tiles, what their rows see. Those of one position all see the same.
    ptrdiff_t offsets[FIRN_BLOCK_ROWS];
    FirnStretch stretches[FIRN_BLOCK_ROWS];
    FirnPlace place = place_of(w, images, b->first);
    for (size_t i = 0; i < rows; i++, next_place(w, images, &place)) {
        offsets[i] = pixel_offset(to, place);
        stretches[i] = images == 0 ? (FirnStretch){0, depth}
            : i > 0 && place.image > 0 ? stretches[i - 1] : seen(w, place, b->begin, depth);
    }
    for (size_t j = 0; j < columns; j += FIRN_TILE_COLUMNS) {
        const size_t wide = smaller(columns - j, FIRN_TILE_COLUMNS);
        const float *panel = panel_at(b, j);
        size_t tall;
        for (size_t i = 0; i < rows; i += tall) {
            const size_t left = rows - i;
            tall = pixels_of_tile(images > 0 ? smaller(left, images - (b->first + i) % images) : left);
            // A tile reads as many rows as it is high: where it begins late, those behind the last may not be there.
            while (i + FIRN_TILE_ROWS > round_up(rows, FIRN_TILE_ROWS) && !fits_a_tile(tall)) tall--;
            float *put = c + offsets[i] + (ptrdiff_t)j;
            int even = 1;
            for (size_t l = 1; l < tall; l++) even &= offsets[i + l] - offsets[i] == (ptrdiff_t)l * step;
            const FirnStretch some = stretches[i];
            if (some.begin >= some.end) {
                // A sum of nothing is 0; nothing is added to one that there is.
                for (size_t l = 0; l < tall && b->begin == 0; l++) {
                    copy_run(NULL, wide, c + offsets[i + l] + (ptrdiff_t)j);
                }
                continue;
            }
            const float *a = packed_a + i * depth + some.begin;
            const float *right = panel + (ptrdiff_t)some.begin * b->b_row;
            const FirnTile run = tile_for(tall, wide);
            if (even) {
                run(some.end - some.begin, a, (ptrdiff_t)depth, 1, right, b->b_row, 0, put, step, tall, wide,
                    b->begin > 0 ? FIRN_TILE_ADD : FIRN_TILE_SET);
                continue;
            }
            float sums[FIRN_TILE_ROWS * FIRN_TILE_COLUMNS];
            run(some.end - some.begin, a, (ptrdiff_t)depth, 1, right, b->b_row, 0, sums, FIRN_TILE_COLUMNS, tall, wide,
                FIRN_TILE_SET);
            for (size_t l = 0; l < tall; l++) {
                float *row = c + offsets[i + l] + (ptrdiff_t)j;
                const float *sum = sums + l * FIRN_TILE_COLUMNS;
                for (size_t e = 0; e < wide; e++) row[e] = b->begin > 0 ? row[e] + sum[e] : sum[e];
            }
        }
    }
}

FIRN_KERNEL void window_matmul(const FirnWindow *w, const float *restrict x, size_t images, size_t first, size_t m,
                               size_t n, const FirnTaps *b, float *restrict c, const FirnPixels *to,
                               void *restrict workspace) {
    const size_t k = w->rows.taps * w->columns.taps * w->channels;
    if (k == 0) {
        for (size_t i = 0; i < m; i++) {
            float *row = c + pixel_offset(to, place_of(w, images, first + i));
            for (size_t j = 0; j < n; j++) row[j] = 0.0f;
        }
        return;
    }
    float *restrict packed_a = workspace;
    const size_t block_depth = block_depth_of(k);
    FirnWindowBlock block;
    if (b->panel != 0) {
        // Blocks of rows by all of the depth, so that they stay in cache until their sums are whole, where the panels stay
        // there, too; else by one block of the depth after the other.
        const size_t stretch = k <= FIRN_NEAR_ELEMENTS / n ? FIRN_BLOCK_ROWS : m;
        block.columns = n;
        block.b_row = block.width = FIRN_PANEL_COLUMNS;
        block.step = b->panel;
        for (size_t s0 = 0; s0 < m; s0 += stretch) {
            const size_t end = smaller(s0 + stretch, m);
            for (block.begin = 0; block.begin < k; block.begin += block_depth) {
                block.depth = smaller(k - block.begin, block_depth);
                block.panels = b->base + block.begin * FIRN_PANEL_COLUMNS;
                for (size_t i0 = s0; i0 < end; i0 += FIRN_BLOCK_ROWS) {
                    block.first = first + i0;
                    block.rows = smaller(end - i0, FIRN_BLOCK_ROWS);
                    window_block(w, x, images, &block, c, to, packed_a);
                }
            }
        }
        return;
    }
    float *restrict packed_b = packed_a + packed_a_size(m, k);
    block.panels = packed_b;
    block.b_row = block.width = FIRN_TILE_COLUMNS;
    for (size_t j0 = 0; j0 < n; j0 += FIRN_BLOCK_COLUMNS) {
        block.columns = smaller(n - j0, FIRN_BLOCK_COLUMNS);
        for (block.begin = 0; block.begin < k; block.begin += block_depth) {
            block.depth = smaller(k - block.begin, block_depth);
            block.step = (ptrdiff_t)(FIRN_TILE_COLUMNS * block.depth);
            pack_taps(w, b, j0, block.columns, block.begin, block.depth, packed_b);
            for (size_t i0 = 0; i0 < m; i0 += FIRN_BLOCK_ROWS) {
                block.first = first + i0;
                block.rows = smaller(m - i0, FIRN_BLOCK_ROWS);
                window_block(w, x, images, &block, c + j0, to, packed_a);
            }
        }
    }
}

/// Copies `run` elements that begin at `channel` of a tap and reach into the `beside` taps beside it.
FIRN_INLINE void copy_taps(const FirnWindow *w, const float *restrict row, ptrdiff_t column, size_t channel,
                           size_t beside, size_t run, float *restrict to) {
    if (column >= 0 && column + (ptrdiff_t)beside < (ptrdiff_t)w->columns.extent) {
        copy_run(row + (size_t)column * w->pixel + channel, run, to);
    } else if (beside == 0) {
        copy_run(NULL, run, to);
    } else {
        for (size_t e = 0; e < run; e++) {
            const ptrdiff_t at = column + (ptrdiff_t)((channel + e) / w->channels);
            const size_t place = (size_t)at * w->pixel + (channel + e) % w->channels;
            to[e] = inside(at, w->columns.extent) ? row[place] : 0.0f;
        }
    }
}

/// Copies the same of `count` pixels side by side, to columns of a panel of A.
FIRN_INLINE void copy_pixels(const FirnWindow *w, const float *restrict row, ptrdiff_t column, size_t channel,
                             size_t beside, size_t run, size_t count, float *restrict to) {
    const ptrdiff_t step = w->columns.step;
    size_t q = 0;
    for (; q < count && column < 0; q++, column += step, to += FIRN_TILE_ROWS) {
        copy_taps(w, row, column, channel, beside, run, to);
    }
    const ptrdiff_t last = (ptrdiff_t)w->columns.extent - (ptrdiff_t)beside;
    for (; q < count && column < last; q++, column += step, to += FIRN_TILE_ROWS) {
        const float *from = row + (size_t)column * w->pixel + channel;
        if (run == FIRN_TILE_ROWS) {
            memcpy(to, from, FIRN_TILE_ROWS * sizeof(float));
        } else {
            copy_run(from, run, to);
        }
    }
    for (; q < count; q++, column += step, to += FIRN_TILE_ROWS) {
        copy_taps(w, row, column, channel, beside, run, to);
    }
}

/// Packs the elements `first..<first + rows` of the windows of the pixels `begin..<begin + depth`, transposed.
FIRN_KERNEL void pack_windows_transposed(const FirnWindow *w, const float *restrict x, size_t first, size_t rows,
                                         size_t begin, size_t depth, float *restrict to) {
    const size_t image = window_image(w), channels = w->channels, across = w->columns.taps;
    for (size_t i = 0; i < rows; i += FIRN_TILE_ROWS, to += FIRN_TILE_ROWS * depth) {
        const size_t lanes = smaller(rows - i, FIRN_TILE_ROWS);
        for (size_t lane = 0; lane < FIRN_TILE_ROWS;) {
            const size_t element = first + i + lane, tap = element / channels, channel = element % channels;
            const size_t t = tap % across;
            const size_t joined = taps_join(w) ? (across - t) * channels : channels;
            const size_t run = lane < lanes ? smaller(joined - channel, lanes - lane) : FIRN_TILE_ROWS - lane;
            const size_t beside = (channel + run - 1) / channels;
            const ptrdiff_t down = (ptrdiff_t)(tap / across) * w->rows.tap;
            const ptrdiff_t right = (ptrdiff_t)t * w->columns.tap;
            FirnPlace place = place_of(w, 0, begin);
            // Pixels of one row of the result at a time: what is inside of the image is a stretch of them.
            for (size_t p = 0; p < depth;) {
                const size_t count = smaller(w->columns.count - place.column, depth - p);
                const ptrdiff_t row = first_tap(&w->rows, place.row) + down;
                const ptrdiff_t column = first_tap(&w->columns, place.column) + right;
                float *restrict put = to + p * FIRN_TILE_ROWS + lane;
                if (lane >= lanes || !inside(row, w->rows.extent)) {
                    for (size_t q = 0; q < count; q++, put += FIRN_TILE_ROWS) {
                        for (size_t e = 0; e < run; e++) put[e] = 0.0f;
                    }
                } else {
                    copy_pixels(w, x + place.image * image + (size_t)row * w->columns.extent * w->pixel, column, channel,
                                beside, run, count, put);
                }
                p += count;
                place.column += count - 1;
                next_place(w, 0, &place);
            }
            lane += run;
        }
    }
}

FIRN_KERNEL void window_transposed_matmul(const FirnWindow *w, const float *restrict x, size_t images,
                                          size_t first, size_t m, size_t n, const float *restrict b,
                                          ptrdiff_t b_row, float *restrict c, ptrdiff_t c_row,
                                          void *restrict workspace) {
    const size_t k = images * w->rows.count * w->columns.count;
    float *restrict packed_a = workspace;
    float *restrict packed_b = packed_a + packed_a_size(m, k);
    const size_t block_depth = block_depth_of(k);
    for (size_t j0 = 0; j0 < n; j0 += FIRN_BLOCK_COLUMNS) {
        const size_t columns = smaller(n - j0, FIRN_BLOCK_COLUMNS);
        for (size_t p0 = 0; p0 < k; p0 += block_depth) {
            const size_t depth = smaller(k - p0, block_depth);
            pack_b(columns, depth, b + (ptrdiff_t)p0 * b_row + (ptrdiff_t)j0, b_row, 1, packed_b);
            for (size_t i0 = 0; i0 < m; i0 += FIRN_BLOCK_ROWS) {
                const size_t rows = smaller(m - i0, FIRN_BLOCK_ROWS);
                pack_windows_transposed(w, x, first + i0, rows, p0, depth, packed_a);
                for (size_t j = 0; j < columns; j += FIRN_TILE_COLUMNS) {
                    const size_t wide = smaller(columns - j, FIRN_TILE_COLUMNS);
                    for (size_t i = 0; i < rows; i += FIRN_TILE_ROWS) {
                        const size_t tall = smaller(rows - i, FIRN_TILE_ROWS);
                        tile_for(tall, wide)(depth, packed_a + i * depth, 1, FIRN_TILE_ROWS, packed_b + j * depth,
                                             FIRN_TILE_COLUMNS, 0,
                                             c + (ptrdiff_t)(i0 + i) * c_row + (ptrdiff_t)(j0 + j), c_row,
                                             tall, wide,
                                             p0 > 0 ? FIRN_TILE_ADD : FIRN_TILE_SET);
                    }
                }
            }
        }
    }
}

/// Vectors of channels a direct loop holds at once.
#define FIRN_DIRECT 4

FIRN_INLINE FirnFloats load_some(const float *p, size_t count) {
    return count < FIRN_LANES ? load_partial(p, count, 0.0f) : load(p);
}

FIRN_INLINE void store_some(float *p, size_t count, FirnFloats v) {
    if (count < FIRN_LANES) {
        store_partial(p, count, v);
    } else {
        store(p, v);
    }
}

/// `vectors` vectors of one result pixel; the last holds `last` channels.
FIRN_INLINE void depthwise_pixel(size_t vectors, size_t last, const FirnWindow *w, const float *restrict image,
                                 ptrdiff_t top, ptrdiff_t left, const FirnTaps *k, size_t channel,
                                 float *restrict y) {
    FirnFloats sum[FIRN_DIRECT];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) sum[v] = splat(0.0f);
    for (size_t r = 0; r < w->rows.taps; r++) {
        const ptrdiff_t row = top + (ptrdiff_t)r * w->rows.tap;
        if (!inside(row, w->rows.extent)) continue;
        for (size_t t = 0; t < w->columns.taps; t++) {
            const ptrdiff_t column = left + (ptrdiff_t)t * w->columns.tap;
            if (!inside(column, w->columns.extent)) continue;
            const float *from = image + ((size_t)row * w->columns.extent + (size_t)column) * w->pixel + channel;
            const float *by = k->base + (ptrdiff_t)r * k->tap_row + (ptrdiff_t)t * k->tap_column + channel;
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) {
                const size_t count = v + 1 < vectors ? FIRN_LANES : last;
                sum[v] = madd(load_some(from + v * FIRN_LANES, count), load_some(by + v * FIRN_LANES, count), sum[v]);
            }
        }
    }
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
        store_some(y + v * FIRN_LANES, v + 1 < vectors ? FIRN_LANES : last, sum[v]);
    }
}

FIRN_KERNEL void depthwise(const FirnWindow *w, const float *restrict x, size_t first, size_t rows,
                           const FirnTaps *k, float *restrict y, const FirnPixels *to) {
    const size_t image = window_image(w), block = FIRN_DIRECT * FIRN_LANES;
    for (size_t at = first; at < first + rows; at++) {
        const size_t n = at / w->rows.count, row = at % w->rows.count;
        const ptrdiff_t top = first_tap(&w->rows, row);
        for (size_t column = 0; column < w->columns.count; column++) {
            const ptrdiff_t left = first_tap(&w->columns, column);
            float *pixel = y + (ptrdiff_t)n * to->image + (ptrdiff_t)row * to->row + (ptrdiff_t)column * to->column;
            size_t c = 0;
            for (; c + block <= w->channels; c += block) {
                depthwise_pixel(FIRN_DIRECT, FIRN_LANES, w, x + n * image, top, left, k, c, pixel + c);
            }
            for (; c < w->channels; c += FIRN_LANES) {
                depthwise_pixel(1, smaller(w->channels - c, FIRN_LANES), w, x + n * image, top, left, k, c, pixel + c);
            }
        }
    }
}

/// `vectors` vectors of the gradient of one tap: rows are summed, then the sums of rows.
FIRN_INLINE void depthwise_tap(size_t vectors, size_t last, const FirnWindow *w, const float *restrict x,
                               const float *restrict g, size_t images, ptrdiff_t down, ptrdiff_t right,
                               float *restrict y) {
    const size_t image = window_image(w);
    FirnFloats sum[FIRN_DIRECT];
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) sum[v] = splat(0.0f);
    for (size_t at = 0; at < images * w->rows.count; at++) {
        const ptrdiff_t row = first_tap(&w->rows, at % w->rows.count) + down;
        if (!inside(row, w->rows.extent)) continue;
        const float *from = x + at / w->rows.count * image + (size_t)row * w->columns.extent * w->pixel;
        const float *by = g + at * w->columns.count * w->pixel;
        FirnFloats part[FIRN_DIRECT];
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) part[v] = splat(0.0f);
        for (size_t q = 0; q < w->columns.count; q++) {
            const ptrdiff_t column = first_tap(&w->columns, q) + right;
            if (!inside(column, w->columns.extent)) continue;
#pragma clang loop unroll(full)
            for (size_t v = 0; v < vectors; v++) {
                const size_t count = v + 1 < vectors ? FIRN_LANES : last;
                part[v] = madd(load_some(from + (size_t)column * w->pixel + v * FIRN_LANES, count),
                               load_some(by + q * w->pixel + v * FIRN_LANES, count), part[v]);
            }
        }
#pragma clang loop unroll(full)
        for (size_t v = 0; v < vectors; v++) sum[v] += part[v];
    }
#pragma clang loop unroll(full)
    for (size_t v = 0; v < vectors; v++) {
        store_some(y + v * FIRN_LANES, v + 1 < vectors ? FIRN_LANES : last, sum[v]);
    }
}

FIRN_KERNEL void depthwise_kernel(const FirnWindow *w, const float *restrict x, const float *restrict g,
                                  size_t images, float *restrict y) {
    const size_t block = FIRN_DIRECT * FIRN_LANES;
    for (size_t tap = 0; tap < w->rows.taps * w->columns.taps; tap++, y += w->pixel) {
        const ptrdiff_t down = (ptrdiff_t)(tap / w->columns.taps) * w->rows.tap;
        const ptrdiff_t right = (ptrdiff_t)(tap % w->columns.taps) * w->columns.tap;
        size_t c = 0;
        for (; c + block <= w->channels; c += block) {
            depthwise_tap(FIRN_DIRECT, FIRN_LANES, w, x + c, g + c, images, down, right, y + c);
        }
        for (; c < w->channels; c += FIRN_LANES) {
            depthwise_tap(1, smaller(w->channels - c, FIRN_LANES), w, x + c, g + c, images, down, right, y + c);
        }
    }
}
