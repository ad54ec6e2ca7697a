// Replaces the allocator's functions by ones that count on the way to glibc's own.
#define _GNU_SOURCE
#include "meter.h"

#include <errno.h>
#include <malloc.h>
#include <time.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static __thread int is_measuring;
static __thread int64_t live, peak;
static __thread struct timespec started;

static inline void add(int64_t bytes) {
    if (!is_measuring) return;
    live += bytes;
    if (live > peak) peak = live;
}

static inline void *counted(void *block) {
    if (block) add((int64_t)malloc_usable_size(block));
    return block;
}

void *malloc(size_t size) { return counted(__libc_malloc(size)); }

void *calloc(size_t count, size_t size) { return counted(__libc_calloc(count, size)); }

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    *block = counted(__libc_memalign(alignment, size));
    return *block ? 0 : ENOMEM;
}

void *realloc(void *block, size_t size) {
    int64_t before = block ? (int64_t)malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);
    if (moved || size == 0) add(-before);
    return counted(moved);
}

void free(void *block) {
    if (block) add(-(int64_t)malloc_usable_size(block));
    __libc_free(block);
}

void fuzz_meter_start(void) {
    live = peak = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &started);
    is_measuring = 1;
}

uint64_t fuzz_meter_stop(void) {
    struct timespec now;
    is_measuring = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)(now.tv_sec - started.tv_sec) * 1000000000u + (uint64_t)now.tv_nsec - (uint64_t)started.tv_nsec;
}

int64_t fuzz_meter_peak_bytes(void) { return peak; }
