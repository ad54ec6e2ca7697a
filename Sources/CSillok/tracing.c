#include "CSillok.h"

#include <stdatomic.h>

static atomic_int tracing;

int sillok_is_tracing(void) { return atomic_load_explicit(&tracing, memory_order_acquire); }

void sillok_set_tracing(int is_on) { atomic_store_explicit(&tracing, is_on, memory_order_release); }
