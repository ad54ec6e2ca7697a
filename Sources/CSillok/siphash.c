#include "CSillok.h"

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
