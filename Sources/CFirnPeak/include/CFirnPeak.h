#ifndef FIRN_PEAK_H
#define FIRN_PEAK_H

/// Multiplies and adds in registers alone, in the widest vectors of the processor: as many chains as hide the latency of its units.
///
/// Gives the floating-point operations done in `rounds` rounds, a multiplication and an addition counting one each.
double firn_multiply_and_add(long rounds);

/// Floats in one of these vectors.
int firn_widest_vector(void);

#endif
