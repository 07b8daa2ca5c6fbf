#ifndef FIRN_ALLOCATIONS_H
#define FIRN_ALLOCATIONS_H

/// Starts counting allocations of the calling thread.
void firn_allocations_begin(void);

/// The number of allocations since then; -1 where they cannot be counted.
long firn_allocations_end(void);

/// The bytes of these allocations together, freed or not; -1 where they cannot be counted.
long firn_allocated_bytes(void);

/// Starts counting allocations of all threads together; one caller at a time.
void firn_process_allocations_begin(void);

/// Stops, and gives the number since then; -1 where they cannot be counted.
long firn_process_allocations_end(void);

#endif
