// The C that Sillok's stores stand on: a checksum.
#ifndef SILLOK_C_H
#define SILLOK_C_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, continued from `crc` (0 at the start). Uses the processor's own
/// instruction where there is one.
uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table alone: what `sillok_crc32c` is tested against.
uint32_t sillok_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
