// Template: the greatest of a window, and weighted sums over rows and columns of an image.

/// Which tap of its window is the greatest, in some channels of one result pixel; `value` is that element.
///
/// A tap replaces the one held where it is greater or NaN: of equal ones the first stays, of NaNs the last. Where no tap
/// is inside the image, none is held, and the greatest of nothing is -infinity. Where only the element is wanted, which
/// tap it is of is not looked after.
FIRN_INLINE FirnInts greatest_tap(const FirnWindow *w, const float *restrict image, ptrdiff_t top, ptrdiff_t left,
                                  size_t count, int wants_tap, FirnFloats *value) {
    FirnInts held = (FirnInts)(-1);
    FirnFloats best = -FIRN_INFINITY;
    ptrdiff_t row = top;
    for (size_t r = 0; r < w->rows.taps; r++, row += w->rows.tap) {
        if (!inside(row, w->rows.extent)) continue;
        const float *restrict line = image + (size_t)row * w->columns.extent * w->pixel;
        ptrdiff_t column = left;
        for (size_t t = 0; t < w->columns.taps; t++, column += w->columns.tap) {
            if (!inside(column, w->columns.extent)) continue;
            const FirnFloats x = load_some(line + (size_t)column * w->pixel, count);
            FirnInts wins = (x > best) | (x != x);
            if (wants_tap) wins |= held < 0;
            best = wins ? x : best;
            if (wants_tap) held = wins ? (FirnInts)((int32_t)(r * w->columns.taps + t)) : held;
        }
    }
    *value = best;
    return held;
}

/// Taps of the windows for which `FirnTapPlaces` are made; larger windows are gone through tap by tap.
#define FIRN_KNOWN_TAPS 64
/// Taps up to which each is asked of all channels at once.
#define FIRN_FEW_TAPS 4

/// Where the taps of one window are in the image, from its first pixel; of those outside -1.
typedef struct {
    ptrdiff_t at[FIRN_KNOWN_TAPS];
} FirnTapPlaces;

FIRN_INLINE ptrdiff_t tap_place(const FirnWindow *w, size_t tap, ptrdiff_t top, ptrdiff_t left) {
    const ptrdiff_t row = top + (ptrdiff_t)(tap / w->columns.taps) * w->rows.tap;
    const ptrdiff_t column = left + (ptrdiff_t)(tap % w->columns.taps) * w->columns.tap;
    if (!inside(row, w->rows.extent) || !inside(column, w->columns.extent)) return -1;
    return (row * (ptrdiff_t)w->columns.extent + column) * (ptrdiff_t)w->pixel;
}

/// Notes the places of a window's taps, where these are not too many.
FIRN_INLINE void find_taps(const FirnWindow *w, ptrdiff_t top, ptrdiff_t left, FirnTapPlaces *places) {
    const size_t taps = w->rows.taps * w->columns.taps;
    ptrdiff_t row = top;
    for (size_t r = 0, tap = 0; taps <= FIRN_KNOWN_TAPS && r < w->rows.taps; r++, row += w->rows.tap) {
        const int some = inside(row, w->rows.extent);
        ptrdiff_t column = left;
        for (size_t t = 0; t < w->columns.taps; t++, tap++, column += w->columns.tap) {
            places->at[tap] = some && inside(column, w->columns.extent)
                ? (row * (ptrdiff_t)w->columns.extent + column) * (ptrdiff_t)w->pixel : -1;
        }
    }
}

/// Adds g to the taps that `held` names, in `count` channels of the window whose first tap is at `top` and `left`, or
/// returns what `other` has there, 0 where it names none.
///
/// `from` is the first of these channels in the image's first pixel; of y, or of `other`. Of many taps channel by
/// channel: which one it is differs from one to the next, and most taps are none's.
FIRN_INLINE FirnFloats at_taps(FirnPool what, const FirnWindow *w, const FirnTapPlaces *places, FirnInts held,
                               ptrdiff_t top, ptrdiff_t left, size_t from, size_t count, FirnFloats g,
                               const float *restrict other, float *restrict y) {
    const uint32_t taps = (uint32_t)(w->rows.taps * w->columns.taps);
    if (taps <= FIRN_FEW_TAPS) {
        FirnFloats few = splat(0.0f);
        for (uint32_t number = 0; number < taps; number++) {
            const FirnInts here = held == (FirnInts)((int32_t)number);
            if (places->at[number] < 0 || !any(here)) continue;
            const size_t place = from + (size_t)places->at[number];
            if (what == FIRN_POOL_SCATTER) {
                store_some(y + place, count, load_some(y + place, count) + (here ? g : splat(0.0f)));
            } else {
                few = here ? load_some(other + place, count) : few;
            }
        }
        return few;
    }
    int32_t tap[FIRN_LANES];
    float given[FIRN_LANES], taken[FIRN_LANES] = {0};
    store_words((uint32_t *)tap, (FirnWords)held);
    store(given, g);
    for (size_t lane = 0; lane < count; lane++) {
        // Places that were not found here, but read, can be any.
        if ((uint32_t)tap[lane] >= taps) continue;
        const ptrdiff_t at = taps <= FIRN_KNOWN_TAPS ? places->at[tap[lane]]
                                                     : tap_place(w, (size_t)tap[lane], top, left);
        if (at < 0) continue;
        const size_t place = from + (size_t)at + lane;
        if (what == FIRN_POOL_SCATTER) y[place] += given[lane];
        else taken[lane] = other[place];
    }
    return load(taken);
}

FIRN_KERNEL void max_pool(FirnPool what, const FirnWindow *w, const float *restrict x, const float *restrict other,
                          size_t first, size_t rows, float *restrict y) {
    const size_t image = window_image(w);
    for (size_t at = first; at < first + rows; at++) {
        const size_t n = at / w->rows.count;
        const ptrdiff_t top = first_tap(&w->rows, at % w->rows.count);
        for (size_t q = 0; q < w->columns.count; q++) {
            const ptrdiff_t left = first_tap(&w->columns, q);
            const size_t pixel = (at * w->columns.count + q) * w->pixel;
            FirnTapPlaces places;
            if (what != FIRN_POOL_GREATEST) find_taps(w, top, left, &places);
            for (size_t c = 0; c < w->channels; c += FIRN_LANES) {
                const size_t count = smaller(w->channels - c, FIRN_LANES);
                FirnFloats value;
                if (what == FIRN_POOL_GREATEST) {
                    greatest_tap(w, x + n * image + c, top, left, count, 0, &value);
                    store_some(y + pixel + c, count, value);
                    continue;
                }
                const FirnInts held = greatest_tap(w, x + n * image + c, top, left, count, 1, &value);
                const FirnFloats g =
                    what == FIRN_POOL_SCATTER ? load_some(other + pixel + c, count) : splat(0.0f);
                const FirnFloats taken =
                    at_taps(what, w, &places, held, top, left, n * image + c, count, g, other, y);
                if (what == FIRN_POOL_TAKE) store_some(y + pixel + c, count, taken);
            }
        }
    }
}

/// Words for the places of all channels of a window, `bits` each.
FIRN_INLINE size_t place_words(const FirnWindow *w, size_t bits) {
    const size_t each = 32 / bits;
    return (w->channels + each - 1) / each;
}

FIRN_KERNEL void max_pool_places(const FirnWindow *w, const float *restrict x, uint32_t bits, size_t first,
                                 size_t rows, uint32_t *restrict y) {
    const size_t image = window_image(w), each = 32 / bits, words = place_words(w, bits);
    const uint32_t none = (uint32_t)(w->rows.taps * w->columns.taps);
    for (size_t at = first; at < first + rows; at++) {
        const size_t n = at / w->rows.count;
        const ptrdiff_t top = first_tap(&w->rows, at % w->rows.count);
        for (size_t q = 0; q < w->columns.count; q++) {
            const ptrdiff_t left = first_tap(&w->columns, q);
            uint32_t *to = y + (at * w->columns.count + q) * words;
            for (size_t word = 0; word < words; word++) to[word] = 0;
            for (size_t c = 0; c < w->channels; c += FIRN_LANES) {
                const size_t count = smaller(w->channels - c, FIRN_LANES);
                FirnFloats value;
                const FirnInts held = greatest_tap(w, x + n * image + c, top, left, count, 1, &value);
                for (size_t lane = 0; lane < count; lane++) {
                    const size_t channel = c + lane;
                    const uint32_t code = held[lane] < 0 ? none : (uint32_t)held[lane];
                    to[channel / each] |= code << (channel % each * bits);
                }
            }
        }
    }
}

FIRN_KERNEL void max_pool_at(FirnPool what, const FirnWindow *w, const uint32_t *restrict places, uint32_t bits,
                             const float *restrict other, size_t first, size_t rows, float *restrict y) {
    const size_t image = window_image(w), each = 32 / bits, words = place_words(w, bits);
    const uint32_t mask = bits == 32 ? 0xffffffffu : (1u << bits) - 1;
    for (size_t at = first; at < first + rows; at++) {
        const size_t n = at / w->rows.count;
        const ptrdiff_t top = first_tap(&w->rows, at % w->rows.count);
        for (size_t q = 0; q < w->columns.count; q++) {
            const ptrdiff_t left = first_tap(&w->columns, q);
            const uint32_t *from = places + (at * w->columns.count + q) * words;
            const size_t pixel = (at * w->columns.count + q) * w->pixel;
            FirnTapPlaces found;
            find_taps(w, top, left, &found);
            for (size_t c = 0; c < w->channels; c += FIRN_LANES) {
                const size_t count = smaller(w->channels - c, FIRN_LANES);
                FirnInts held = (FirnInts)(-1);
                for (size_t lane = 0; lane < count; lane++) {
                    const size_t channel = c + lane;
                    held[lane] = (int32_t)(from[channel / each] >> (channel % each * bits) & mask);
                }
                const FirnFloats g =
                    what == FIRN_POOL_SCATTER ? load_some(other + pixel + c, count) : splat(0.0f);
                const FirnFloats taken =
                    at_taps(what, w, &found, held, top, left, n * image + c, count, g, other, y);
                if (what == FIRN_POOL_TAKE) store_some(y + pixel + c, count, taken);
            }
        }
    }
}

FIRN_KERNEL void resample(const FirnWeights *down, const FirnWeights *across, size_t channels,
                          const float *restrict x, size_t first, size_t rows, float *restrict y) {
    const size_t image = down->extent * across->extent * channels;
    for (size_t at = first; at < first + rows; at++) {
        const size_t n = at / down->count;
        const FirnSpan above = down->span[at % down->count];
        for (size_t q = 0; q < across->count; q++) {
            const FirnSpan seen = across->span[q];
            float *to = y + (at * across->count + q) * channels;
            for (size_t c = 0; c < channels; c += FIRN_LANES) {
                const size_t count = smaller(channels - c, FIRN_LANES);
                FirnFloats sum = splat(0.0f);
                for (size_t i = 0; i < above.count; i++) {
                    const float *row = x + n * image + (above.first + i) * across->extent * channels + c;
                    FirnFloats part = splat(0.0f);
                    for (size_t j = 0; j < seen.count; j++) {
                        part = madd(load_some(row + (seen.first + j) * channels, count),
                                    splat(across->weight[seen.weight + j * across->step]), part);
                    }
                    sum = madd(part, splat(down->weight[above.weight + i * down->step]), sum);
                }
                store_some(to + c, count, sum);
            }
        }
    }
}
