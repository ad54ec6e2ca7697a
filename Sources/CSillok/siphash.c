#include "CSillok.h"

#include <string.h>

#define ROTATE(x, bits) (((x) << (bits)) | ((x) >> (64 - (bits))))
#define ROUND                                                                                                          \
    v0 += v1, v1 = ROTATE(v1, 13), v1 ^= v0, v0 = ROTATE(v0, 32);                                                      \
    v2 += v3, v3 = ROTATE(v3, 16), v3 ^= v2;                                                                           \
    v0 += v3, v3 = ROTATE(v3, 21), v3 ^= v0;                                                                           \
    v2 += v1, v1 = ROTATE(v1, 17), v1 ^= v2, v2 = ROTATE(v2, 32)

uint64_t sillok_siphash(uint64_t key0, uint64_t key1, uint64_t high, uint64_t low) {
    // The message is read as little-endian words, the last word carries its length in the highest byte.
    const uint64_t words[3] = {__builtin_bswap64(high), __builtin_bswap64(low), 16ull << 56};
    uint64_t v0 = key0 ^ 0x736f6d6570736575ull, v1 = key1 ^ 0x646f72616e646f6dull;
    uint64_t v2 = key0 ^ 0x6c7967656e657261ull, v3 = key1 ^ 0x7465646279746573ull;
    for (int i = 0; i < 3; i++) {
        v3 ^= words[i];
        ROUND;
        ROUND;
        v0 ^= words[i];
    }
    v2 ^= 0xff;
    ROUND;
    ROUND;
    ROUND;
    ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}

uint64_t sillok_siphash_text(uint64_t key0, uint64_t key1, uint8_t kind, const void *text, size_t count) {
    const uint8_t *bytes = text;
    uint64_t v0 = key0 ^ 0x736f6d6570736575ull, v1 = key1 ^ 0x646f72616e646f6dull;
    uint64_t v2 = key0 ^ 0x6c7967656e657261ull, v3 = key1 ^ 0x7465646279746573ull;
    // The message is the text and then its kind, in words of eight bytes.
    const size_t length = count + 1, whole = length / 8;
    for (size_t i = 0; i <= whole; i++) {
        uint64_t word = 0;
        uint8_t *const part = (uint8_t *)&word;
        const size_t start = 8 * i, left = start < count ? count - start : 0;
        if (left > 0) memcpy(part, bytes + start, left < 8 ? left : 8);
        if (count >= start && count < start + 8) part[count - start] = kind;
        if (i == whole) word |= (uint64_t)length << 56;
        v3 ^= word;
        ROUND;
        ROUND;
        v0 ^= word;
    }
    v2 ^= 0xff;
    ROUND;
    ROUND;
    ROUND;
    ROUND;
    return v0 ^ v1 ^ v2 ^ v3;
}
