// Work for several threads: a Swift function that they call while its caller waits.

#include "include/FirnShared.h"

#include <stdint.h>

// As Swift passes a function of three words that returns nothing.
typedef __attribute__((swiftcall)) void firn_function(
    ptrdiff_t lower, ptrdiff_t upper, ptrdiff_t worker, __attribute__((swift_context)) const void *context);

// Swift declares this as taking the function itself, which it passes as these two words.
__attribute__((swiftcall)) void firn_share(const void *function, const void *context, FirnShared *shared) {
    shared->function = function;
    shared->context = context;
}

void firn_call_shared(const FirnShared *shared, ptrdiff_t lower, ptrdiff_t upper, ptrdiff_t worker) {
    ((firn_function *)(uintptr_t)shared->function)(lower, upper, worker, shared->context);
}
