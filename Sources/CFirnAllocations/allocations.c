#include "CFirnAllocations.h"

#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define FIRN_SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(FIRN_SANITIZED)

#include <errno.h>
#include <stdatomic.h>

// glibc lets a program define these for itself; a thread's own counter needs no lock and sees no other test.
static _Thread_local long count;
static _Thread_local long byte_count;

// Of all threads, while someone wants to know: threads that allocate much would wait for each other.
static atomic_bool counts_process;
static atomic_long process_count;

static void note(size_t size) {
  count++;
  byte_count += (long)size;
  if (atomic_load_explicit(&counts_process, memory_order_relaxed)) {
    atomic_fetch_add_explicit(&process_count, 1, memory_order_relaxed);
  }
}

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t items, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

void *malloc(size_t size) {
  note(size);
  return __libc_malloc(size);
}

void *calloc(size_t items, size_t size) {
  note(items * size);
  return __libc_calloc(items, size);
}

void *realloc(void *old, size_t size) {
  note(size);
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  note(size);
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  void *block = memalign(alignment, size);
  if (!block && size) return ENOMEM;
  *result = block;
  return 0;
}

void free(void *old) { __libc_free(old); }

void firn_allocations_begin(void) {
  count = 0;
  byte_count = 0;
}

long firn_allocations_end(void) { return count; }

long firn_allocated_bytes(void) { return byte_count; }

void firn_process_allocations_begin(void) {
  atomic_store(&process_count, 0);
  atomic_store(&counts_process, 1);
}

long firn_process_allocations_end(void) {
  atomic_store(&counts_process, 0);
  return atomic_load(&process_count);
}

#else

void firn_allocations_begin(void) {}

long firn_allocations_end(void) { return -1; }

long firn_allocated_bytes(void) { return -1; }

void firn_process_allocations_begin(void) {}

long firn_process_allocations_end(void) { return -1; }

#endif
