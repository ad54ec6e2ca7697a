// The C that Sillok uses: a checksum, a keyed hash, a digest, the identity of a file, a setting of the allocator, and a flag
// that is read without a lock.
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

/// The same of the `count` bytes of a text and then of its kind, so that equal texts of two kinds have two hashes.
uint64_t sillok_siphash_text(uint64_t key0, uint64_t key1, uint8_t kind, const void *text, size_t count);

/// SHA-256 of `count` bytes, written to the 32 bytes of `digest`. Uses the processor's own instructions where there are
/// some. Its time depends on `count` alone. It is for digests of events and ids; code that handles keys uses swift-crypto.
void sillok_sha256(const void *bytes, size_t count, uint8_t *digest);

/// SHA-256 of two messages. It is faster than two calls if they have about the same number of bytes.
void sillok_sha256_two(
    const void *first, size_t first_count, uint8_t *first_digest,
    const void *second, size_t second_count, uint8_t *second_digest);

/// The same without those instructions: what `sillok_sha256` is tested against.
void sillok_sha256_portable(const void *bytes, size_t count, uint8_t *digest);

/// The device of the file at a path, and its number there: 0, or -1 with `errno`. Unlike `stat` it does not read the
/// times of the file, which would make the next `fdatasync` of the file slower.
int sillok_file_identity(const char *path, uint64_t *device, uint64_t *number);

/// The name of the network file system that a path is on; `NULL` if it is on a local one, or if that is unknown.
const char *sillok_network_file_system(const char *path);

/// What may be lost on the file system of a path although it is synced; `NULL` if nothing, or if that is unknown.
const char *sillok_doubtful_file_system(const char *path);

/// Has freed memory given back to the system: a block of 1 MiB or more at once, and the end of a heap when more than 2 MiB
/// of it are free. Without this, glibc raises these limits up to 32 and 64 MiB each time that a larger block is freed, and
/// the process keeps that memory. Does nothing with another C library.
void sillok_return_freed_memory(void);

/// Whether spans are traced: 0 or 1. It costs a load.
int sillok_is_tracing(void);

/// Sets whether spans are traced.
void sillok_set_tracing(int is_on);

#endif
