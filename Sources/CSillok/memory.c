#include "CSillok.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void sillok_return_freed_memory(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 2 << 20);
#endif
}
