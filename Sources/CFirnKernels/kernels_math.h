// Template: functions of one vector.
//
// Where a comment says Cephes, the polynomial's coefficients are those of Moshier's single-precision
// Cephes library. The erf polynomials were fitted for Firn (weighted minimax, then rounded to f32).

#define FIRN_INFINITY splat(__builtin_inff())
#define FIRN_NAN splat(__builtin_nanf(""))

/// Adding this rounds to an integer, halves to even, and leaves that integer in the low bits.
#define FIRN_ROUNDER 12582912.0f

FIRN_INLINE FirnFloats power_of_two(FirnInts n) { return (FirnFloats)((n + 127) << 23); }

/// Adding minus zero changes nothing, and unlike zero the compiler knows it.
#define FIRN_NOTHING splat(-0.0f)

/// x + low = n ln 2 + r with |r| <= ln 2 / 2, where low is far below x. Returns e^r - 1 (Cephes), and n plus the
/// rounder.
FIRN_INLINE FirnFloats expm1_reduced(FirnFloats x, FirnFloats low, FirnFloats *shifted) {
    *shifted = madd(x, splat(1.44269504088896341f), splat(FIRN_ROUNDER));
    const FirnFloats whole = *shifted - FIRN_ROUNDER;
    FirnFloats r = madd(whole, splat(-0.693359375f), x);
    r = madd(whole, splat(2.12194440e-4f), r) + low;
    FirnFloats p = splat(1.9875691500e-4f);
    p = madd(p, r, splat(1.3981999507e-3f));
    p = madd(p, r, splat(8.3334519073e-3f));
    p = madd(p, r, splat(4.1665795894e-2f));
    p = madd(p, r, splat(1.6666665459e-1f));
    p = madd(p, r, splat(5.0000001201e-1f));
    return madd(r * r, p, r);
}

/// The integer that the rounder was added to.
FIRN_INLINE FirnInts integer_in(FirnFloats shifted) { return (FirnInts)shifted - (FirnInts)splat(FIRN_ROUNDER); }

/// y 2^n, rounded once, from n plus the rounder.
FIRN_INLINE FirnFloats scaled_by(FirnFloats y, FirnFloats shifted) {
#if FIRN_HAS_AVX512
    return (FirnFloats)_mm512_scalef_ps((__m512)y, (__m512)(shifted - FIRN_ROUNDER));
#else
    // In two steps, since 2^n alone may overflow or be denormal.
    const FirnInts n = integer_in(shifted), half = n >> 1;
    return y * power_of_two(half) * power_of_two(n - half);
#endif
}

/// factor e^(x + low), within a unit in the last place where the factor is 1. It goes in before the scale, so that only
/// the product can overflow or be denormal.
FIRN_INLINE FirnFloats exp_times(FirnFloats x, FirnFloats low, FirnFloats factor) {
    // Outside these bounds the result is 0 or infinite for factors up to 128; the comparisons let NaN through.
    x = x < -112.0f ? splat(-112.0f) : x;
    x = x > 89.0f ? splat(89.0f) : x;
    FirnFloats shifted;
    const FirnFloats q = expm1_reduced(x, low, &shifted);
    return scaled_by(madd(q, factor, factor), shifted);
}

FIRN_INLINE FirnFloats exp_of(FirnFloats x) { return exp_times(x, FIRN_NOTHING, splat(1.0f)); }

FIRN_INLINE FirnFloats expm1_of(FirnFloats x) {
    FirnFloats clamped = x < -20.0f ? splat(-20.0f) : x;
    clamped = clamped > 89.0f ? splat(89.0f) : clamped;
    FirnFloats shifted;
    const FirnFloats q = expm1_reduced(clamped, FIRN_NOTHING, &shifted);
    // Half of the scale, since 2^128 is infinite and its product with q need not be.
    const FirnFloats scale = power_of_two(integer_in(shifted) - 1);
    const FirnFloats y = 2.0f * madd(scale, q, scale - 0.5f);
    return absolute(x) < 0x1p-25f ? x : y;
}

/// log(1 + f) + exponent ln 2 for 1 + f in [sqrt(1/2), sqrt(2)) (Cephes).
FIRN_INLINE FirnFloats log_reduced(FirnFloats f, FirnFloats exponent) {
    const FirnFloats z = f * f;
    FirnFloats p = splat(7.0376836292e-2f);
    p = madd(p, f, splat(-1.1514610310e-1f));
    p = madd(p, f, splat(1.1676998740e-1f));
    p = madd(p, f, splat(-1.2420140846e-1f));
    p = madd(p, f, splat(1.4249322787e-1f));
    p = madd(p, f, splat(-1.6668057665e-1f));
    p = madd(p, f, splat(2.0000714765e-1f));
    p = madd(p, f, splat(-2.4999993993e-1f));
    p = madd(p, f, splat(3.3333331174e-1f));
    p = p * f * z;
    p = madd(exponent, splat(-2.12194440e-4f), p);
    p = madd(splat(-0.5f), z, p);
    return madd(exponent, splat(0.693359375f), f + p);
}

/// A positive, normal x is the result times 2^exponent, the result in [sqrt(1/2), sqrt(2)).
FIRN_INLINE FirnFloats mantissa_of(FirnFloats x, FirnInts *exponent) {
    const FirnInts offset = (FirnInts)x - 0x3f3504f3;   // the bits of sqrt(1/2)
    *exponent = offset >> 23;
    return (FirnFloats)((offset & 0x7fffff) + 0x3f3504f3);
}

/// Logarithm of a positive, finite x.
FIRN_INLINE FirnFloats log_positive(FirnFloats x) {
    const FirnInts denormal = x < 0x1p-126f;
    FirnInts exponent;
    const FirnFloats mantissa = mantissa_of(denormal ? x * 0x1p23f : x, &exponent);
    return log_reduced(mantissa - 1.0f, __builtin_convertvector(exponent + (denormal & -23), FirnFloats));
}

FIRN_INLINE FirnFloats log_of(FirnFloats x) {
    FirnFloats y = log_positive(x);
    y = x < __builtin_inff() ? y : x;
    y = x < 0.0f ? FIRN_NAN : y;
    return x == 0.0f ? -FIRN_INFINITY : y;
}

FIRN_INLINE FirnFloats log1p_of(FirnFloats x) {
    const FirnFloats u = x + 1.0f;
    // What the addition lost goes back in after the reduction, to the same scale.
    const FirnFloats lost = x < 1.0f ? x - (u - 1.0f) : 1.0f - (u - x);
    FirnInts exponent;
    const FirnFloats mantissa = mantissa_of(u, &exponent);
    // Beyond 2^100 nothing of it is left, and 2^-128 is no normal number.
    const FirnInts scale = exponent > 100 ? (FirnInts)100 : exponent;
    const FirnFloats f = madd(lost, power_of_two(-scale), mantissa - 1.0f);
    FirnFloats y = log_reduced(f, __builtin_convertvector(exponent, FirnFloats));
    y = u < __builtin_inff() ? y : u;
    y = u < 0.0f ? FIRN_NAN : y;
    y = u == 0.0f ? -FIRN_INFINITY : y;
    return absolute(x) < 0x1p-25f ? x : y;
}

/// log(1 + x) for 0 <= x <= 1, or NaN.
FIRN_INLINE FirnFloats log1p_unit(FirnFloats x) {
    const FirnInts upper = x > 0.41421356f;
    return log_reduced(upper ? 0.5f * (x - 1.0f) : x, upper ? splat(1.0f) : splat(0.0f));
}

/// Within 2.3 units in the last place.
FIRN_INLINE FirnFloats sigmoid_of(FirnFloats x) {
    const FirnFloats e = exp_of(-absolute(x));
    return (x < 0.0f ? e : splat(1.0f)) / (e + 1.0f);
}

FIRN_INLINE FirnFloats relu_of(FirnFloats x) { return x < 0.0f ? splat(0.0f) : x; }

FIRN_INLINE FirnFloats softplus_of(FirnFloats x) { return relu_of(x) + log1p_unit(exp_of(-absolute(x))); }

FIRN_INLINE FirnFloats sigmoid_cross_entropy_of(FirnFloats x, FirnFloats z) {
    // Not relu(x) - x z, which cancels where x is large and z is near 1.
    return (x > 0.0f ? 1.0f - z : -z) * x + log1p_unit(exp_of(-absolute(x)));
}

FIRN_INLINE FirnFloats silu_of(FirnFloats x) {
    const FirnFloats a = absolute(x);
    // The bound keeps infinity times 0 out.
    const FirnFloats scaled = exp_times(-a, FIRN_NOTHING, x < -128.0f ? splat(-128.0f) : x);
    return (x < 0.0f ? scaled : x) / (exp_of(-a) + 1.0f);
}

FIRN_INLINE FirnFloats hard_swish_of(FirnFloats x) {
    // The outer branches keep infinity times 0 out, and the product from overflowing.
    const FirnFloats inside = x * ((x + 3.0f) / 6.0f);
    return x < -3.0f ? splat(-0.0f) : x > 3.0f ? x : inside;
}

FIRN_INLINE FirnFloats elu_of(FirnFloats x, float alpha) { return x > 0.0f ? x : alpha * expm1_of(x); }

/// Within 2.3 units in the last place.
FIRN_INLINE FirnFloats tanh_of(FirnFloats x) {
    FirnFloats a = absolute(x);
    // From there on it is 1; the comparison lets NaN through.
    a = a > 10.0f ? splat(10.0f) : a;
    FirnFloats shifted;
    const FirnFloats q = expm1_reduced(a + a, FIRN_NOTHING, &shifted);
    // e^(2a) - 1, to full relative accuracy near 0, where the scale is 1.
    const FirnFloats scale = power_of_two(integer_in(shifted));
    const FirnFloats excess = madd(scale, q, scale - 1.0f);
    return with_sign(excess / (excess + 2.0f), x);
}

/// (1 + 2 a) e^(a²) erfc(a) for 0 <= a <= 10.5, from t = (a - 4) / (a + 4).
FIRN_INLINE FirnFloats scaled_erfc(FirnFloats t) {
    FirnFloats p = splat(8.334795712e-4f);
    p = madd(p, t, splat(6.861352362e-3f));
    p = madd(p, t, splat(-1.606093533e-2f));
    p = madd(p, t, splat(3.638707101e-2f));
    p = madd(p, t, splat(-6.659336388e-2f));
    p = madd(p, t, splat(9.383990616e-2f));
    p = madd(p, t, splat(-1.009929255e-1f));
    p = madd(p, t, splat(6.809142232e-2f));
    p = madd(p, t, splat(1.537732873e-2f));
    p = madd(p, t, splat(-1.396210194e-1f));
    return madd(p, t, splat(1.232995152f));
}

/// erf(a) / a - 1 for |a| <= 1, from the square of a.
FIRN_INLINE FirnFloats erf_excess(FirnFloats z) {
    FirnFloats p = splat(7.853846910e-5f);
    p = madd(p, z, splat(-8.010189049e-4f));
    p = madd(p, z, splat(5.188327283e-3f));
    p = madd(p, z, splat(-2.685381100e-2f));
    p = madd(p, z, splat(1.128358543e-1f));
    p = madd(p, z, splat(-3.761262596e-1f));
    return madd(p, z, splat(1.283791671e-1f));
}

FIRN_INLINE FirnFloats erf_of(FirnFloats x) {
    FirnFloats a = absolute(x);
    a = a > 10.0f ? splat(10.0f) : a;
    const FirnFloats z = a * a;
    const FirnFloats near = madd(erf_excess(z), a, a);
    const FirnFloats scaled = scaled_erfc((a - 4.0f) / (a + 4.0f)) / madd(a, splat(2.0f), splat(1.0f));
    const FirnFloats far = 1.0f - exp_of(-z) * scaled;
    return with_sign(a < 1.0f ? near : far, x);
}

/// x Φ(x), with the left tail to full relative accuracy: Φ(-a) = erfc(a / √2) / 2.
FIRN_INLINE FirnFloats gelu_of(FirnFloats x) {
    FirnFloats a = absolute(x);
    a = a > 14.75f ? splat(14.75f) : a;
    const FirnFloats square = a * a;
    // The exponent reaches -109, so the rounding of the square has to be made good.
#if FIRN_HAS_FMA
    const FirnFloats lost = madd(a, a, -square);
#else
    const FirnFloats head = (FirnFloats)((FirnInts)a & (int32_t)0xfffff000);
    const FirnFloats tail = a - head;
    const FirnFloats lost = ((head * head - square) + 2.0f * head * tail) + tail * tail;
#endif
    const FirnFloats t = (a - 5.65685424949238f) / (a + 5.65685424949238f);   // a / √2 for a, times √2
    const FirnFloats scaled = 0.5f * a * scaled_erfc(t) / madd(a, splat(1.41421356237309505f), splat(1.0f));
    const FirnFloats beyond = exp_times(-0.5f * square, -0.5f * lost, scaled);
    const FirnFloats far = x >= 0.0f ? x - beyond : -beyond;
    // Near 0 the difference above would lose a digit.
    const FirnFloats z = a * 0.70710678118654752f;
    const FirnFloats error = madd(erf_excess(0.5f * square), z, z);
    const FirnFloats near = 0.5f * x * (1.0f + with_sign(error, x));
    return a < 0.5f ? near : far;
}

/// x Φ(x) approximated: 0.5 x (1 + tanh u) = x sigmoid(2 u) with u = √(2 / π) (x + 0.044715 x³).
FIRN_INLINE FirnFloats gelu_tanh_of(FirnFloats x) {
    const FirnFloats twice = x * madd(x * x, splat(0.0713548162726f), splat(1.59576912161f));
    // Beyond, it is 0, and infinity times 0 is kept out.
    return x < -12.0f ? splat(-0.0f) : x * sigmoid_of(twice);
}

/// x tanh(log(1 + e^x)) by the exponential that does not overflow.
FIRN_INLINE FirnFloats mish_of(FirnFloats x) {
    const FirnFloats e = exp_of(-absolute(x));
    const FirnFloats left = e * (e + 2.0f);
    const FirnFloats right = e + e + 1.0f;
    const FirnFloats share = x < 0.0f ? left / (left + 2.0f) : right / madd(e + e, e, right);
    // The bound keeps infinity times 0 out.
    return (x < -128.0f ? splat(-128.0f) : x) * share;
}

/// A function of libm, number by number.
#define FIRN_BY_LIBM(name) \
    FIRN_INLINE FirnFloats name##_of(FirnFloats x) { \
        FirnFloats y = x; \
        for (int i = 0; i < FIRN_LANES; i++) y[i] = name##f(x[i]); \
        return y; \
    }

FIRN_BY_LIBM(tan)
FIRN_BY_LIBM(asin)
FIRN_BY_LIBM(acos)
FIRN_BY_LIBM(atan)
FIRN_BY_LIBM(sinh)
FIRN_BY_LIBM(cosh)
FIRN_BY_LIBM(asinh)
FIRN_BY_LIBM(acosh)
FIRN_BY_LIBM(atanh)

/// Sine (Cephes) of |r| <= π/4, near enough.
FIRN_INLINE FirnFloats sin_octant(FirnFloats r) {
    const FirnFloats z = r * r;
    FirnFloats p = splat(-1.9515295891e-4f);
    p = madd(p, z, splat(8.3321608736e-3f));
    p = madd(p, z, splat(-1.6666654611e-1f));
    return madd(p * z, r, r);
}

/// Cosine (Cephes) of |r| <= π/4, near enough.
FIRN_INLINE FirnFloats cos_octant(FirnFloats r) {
    const FirnFloats z = r * r;
    FirnFloats p = splat(2.443315711809948e-5f);
    p = madd(p, z, splat(-1.388731625493765e-3f));
    p = madd(p, z, splat(4.166664568298827e-2f));
    return madd(p, z * z, madd(splat(-0.5f), z, splat(1.0f)));
}

/// Picks and signs sine or cosine of r + quadrant π/2.
FIRN_INLINE FirnFloats sin_quadrant(FirnFloats r, FirnInts quadrant) {
    const FirnFloats y = (quadrant & 1) != 0 ? cos_octant(r) : sin_octant(r);
    return (FirnFloats)((FirnInts)y ^ ((quadrant & 2) << 30));
}

/// Beyond this the reduction by π/2 below loses digits.
#define FIRN_SINE_LIMIT 32768.0f

/// x = quadrant π/2 + r for |x| up to the limit, r to full relative accuracy.
FIRN_INLINE FirnFloats reduce_quadrant(FirnFloats x, FirnInts *quadrant) {
    const FirnFloats shifted = madd(x, splat(0.63661977236758134f), splat(FIRN_ROUNDER));
    const FirnFloats whole = shifted - FIRN_ROUNDER;
    *quadrant = (FirnInts)shifted - (FirnInts)splat(FIRN_ROUNDER);
#if FIRN_HAS_FMA
    // π/2 in three parts (Cody and Waite); the first two steps are exact where digits cancel.
    FirnFloats r = madd(whole, splat(-0x1.921fb6p+0f), x);
    r = madd(whole, splat(0x1.777a5cp-25f), r);
    return madd(whole, splat(0x1.ee59dap-50f), r);
#else
    // Without a fused operation single precision needs five parts; double precision needs two.
    typedef double FirnDoubles __attribute__((ext_vector_type(FIRN_LANES)));
    const FirnDoubles n = __builtin_convertvector(whole, FirnDoubles);
    FirnDoubles r = __builtin_convertvector(x, FirnDoubles);
    r = r - n * 0x1.921fb544p+0;
    r = r - n * 0x1.0b4611a626331p-34;
    return __builtin_convertvector(r, FirnFloats);
#endif
}

FIRN_INLINE FirnFloats sin_of(FirnFloats x) {
    FirnInts quadrant;
    const FirnFloats r = reduce_quadrant(x, &quadrant);
    FirnFloats y = x == 0.0f ? x : sin_quadrant(r, quadrant);
    if (any(absolute(x) > FIRN_SINE_LIMIT)) {
        for (int i = 0; i < FIRN_LANES; i++) {
            if (fabsf(x[i]) > FIRN_SINE_LIMIT) y[i] = sinf(x[i]);
        }
    }
    return y;
}

FIRN_INLINE FirnFloats cos_of(FirnFloats x) {
    FirnInts quadrant;
    const FirnFloats r = reduce_quadrant(x, &quadrant);
    FirnFloats y = sin_quadrant(r, quadrant + 1);
    if (any(absolute(x) > FIRN_SINE_LIMIT)) {
        for (int i = 0; i < FIRN_LANES; i++) {
            if (fabsf(x[i]) > FIRN_SINE_LIMIT) y[i] = cosf(x[i]);
        }
    }
    return y;
}

FIRN_INLINE FirnFloats sign_of(FirnFloats x) {
    const FirnFloats one = with_sign(splat(1.0f), x);
    return absolute(x) > 0.0f ? one : x;
}

/// Nearest integer, halves to even, for any x.
FIRN_INLINE FirnFloats round_of(FirnFloats x) {
    const FirnFloats a = absolute(x);
    const FirnFloats whole = (a + 0x1p23f) - 0x1p23f;
    return a < 0x1p23f ? with_sign(whole, x) : x;
}

FIRN_INLINE FirnFloats floor_of(FirnFloats x) {
    const FirnFloats r = round_of(x);
    return r > x ? r - 1.0f : r;
}

FIRN_INLINE FirnFloats ceil_of(FirnFloats x) {
    const FirnFloats r = round_of(x);
    return r < x ? with_sign(absolute(r + 1.0f), x) : r;
}

/// v to the power of w. Powers that people write are products, in double precision where they would be rounded twice.
FIRN_INLINE FirnFloats power_of(FirnFloats v, FirnFloats w) {
    const FirnInts square = w == 2.0f, cube = w == 3.0f, same = w == 1.0f, inverse = w == -1.0f;
    const FirnInts known = square | cube | same | inverse;
    FirnFloats y = v;
    if (any(~known)) {
        float bases[FIRN_LANES], exponents[FIRN_LANES];
        store(bases, v);
        store(exponents, w);
        for (int i = 0; i < FIRN_LANES; i++) bases[i] = powf(bases[i], exponents[i]);
        y = load(bases);
    }
    if (any(known)) {
        typedef double FirnWideDoubles __attribute__((ext_vector_type(FIRN_LANES)));
        const FirnWideDoubles x = __builtin_convertvector(v, FirnWideDoubles);
        const FirnFloats third = __builtin_convertvector(x * x * x, FirnFloats);
        const FirnFloats product = square ? v * v : cube ? third : same ? v : 1.0f / v;
        y = known ? product : y;
    }
    return y;
}
