// The C that Sillok's stores use: a checksum, a keyed hash, and the identity of a file.
#ifndef SILLOK_C_H
#define SILLOK_C_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, continued from `crc` (0 at the start). Uses the processor's own
/// instruction where there is one.
uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table alone: what `sillok_crc32c` is tested against.
uint32_t sillok_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

/// SipHash-2-4 of the 16 bytes of an id, given as two halves with the most significant byte first. Without the key
/// (`key0` holds its first eight bytes in little-endian order, `key1` the others) no caller can choose ids that collide.
uint64_t sillok_siphash(uint64_t key0, uint64_t key1, uint64_t high, uint64_t low);

/// The device of the file at a path, and its number there: 0, or -1 with `errno`. Unlike `stat` it does not read the
/// times of the file, which would make the next `fdatasync` of the file slower.
int sillok_file_identity(const char *path, uint64_t *device, uint64_t *number);

#endif
