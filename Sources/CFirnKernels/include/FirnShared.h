#ifndef FIRN_SHARED_H
#define FIRN_SHARED_H

#include <stddef.h>

/// A Swift function `(Range<Int>, Int) -> Void` that does not escape whoever passed it, as the two words that Swift
/// passes: what others call while its caller waits.
///
/// In Swift a function that another thread is to call has to escape, which takes an allocation and five references for
/// each call; this is for the workers that wait for all pieces before they return.
typedef struct {
    const void *function;
    const void *context;
} FirnShared;

/// Calls the function with `lower..<upper` and `worker`; counts no reference. It must be alive: whoever shared it has
/// not returned.
void firn_call_shared(const FirnShared *shared, ptrdiff_t lower, ptrdiff_t upper, ptrdiff_t worker);

#endif
