#include "CSillok.h"

#include <string.h>

// Reflected Castagnoli polynomial, one nibble at a time: small table, correct everywhere, the oracle of the fast path.
static const uint32_t nibbles[16] = {
    0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u, 0x61c69362u, 0x7198540du,
    0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u, 0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
};

uint32_t sillok_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= p[i];
        crc = (crc >> 4) ^ nibbles[crc & 15];
        crc = (crc >> 4) ^ nibbles[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)

#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse(uint32_t crc, const uint8_t *p, size_t count) {
    uint64_t value = ~crc;
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        value = _mm_crc32_u64(value, word);
    }
    for (; count > 0; p++, count--) value = _mm_crc32_u8((uint32_t)value, *p);
    return ~(uint32_t)value;
}

uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse(crc, bytes, count)
                                            : sillok_crc32c_portable(crc, bytes, count);
}

#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)

#include <arm_acle.h>

uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    uint32_t value = ~crc;
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        value = __crc32cd(value, word);
    }
    for (; count > 0; p++, count--) value = __crc32cb(value, *p);
    return ~value;
}

#elif defined(__aarch64__) && defined(__linux__) && defined(__clang__)

#include <sys/auxv.h>

// HWCAP_CRC32. Compilers for Linux do not assume the instruction, which almost every processor has.
#define HAS_CRC32 (1u << 7)

__attribute__((target("crc"))) static uint32_t crc32c_arm(uint32_t value, const uint8_t *p, size_t count) {
    for (; count >= 8; p += 8, count -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        value = __builtin_arm_crc32cd(value, word);
    }
    for (; count > 0; p++, count--) value = __builtin_arm_crc32cb(value, *p);
    return value;
}

uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return getauxval(AT_HWCAP) & HAS_CRC32 ? ~crc32c_arm(~crc, bytes, count)
                                           : sillok_crc32c_portable(crc, bytes, count);
}

#else

uint32_t sillok_crc32c(uint32_t crc, const void *bytes, size_t count) {
    return sillok_crc32c_portable(crc, bytes, count);
}

#endif
