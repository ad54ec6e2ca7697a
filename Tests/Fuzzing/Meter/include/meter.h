// Measures one call: the processor time of the thread, and the memory that it held at most. And the entry of libFuzzer.
#ifndef SILLOK_FUZZ_METER_H
#define SILLOK_FUZZ_METER_H

#include <stddef.h>
#include <stdint.h>

/// Starts to measure on this thread.
void fuzz_meter_start(void);

/// Stops, and returns the nanoseconds of processor time since the start.
uint64_t fuzz_meter_stop(void);

/// The bytes that were allocated and not freed since the start, at the highest point.
int64_t fuzz_meter_peak_bytes(void);

/// Runs libFuzzer with arguments as of `main`.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*callback)(const uint8_t *data, size_t size));

/// Changes an input in one of libFuzzer's own ways, in place; returns its new size.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);

#endif
