#include "CSillok.h"

#include <string.h>

// SHA-256 as FIPS 180-4 defines it. The names of the standard are kept: W is the message schedule, K the constants.
static const uint32_t K[64] = {
    0x428a2f98u, 0x71374491u, 0xb5c0fbcfu, 0xe9b5dba5u, 0x3956c25bu, 0x59f111f1u, 0x923f82a4u, 0xab1c5ed5u,
    0xd807aa98u, 0x12835b01u, 0x243185beu, 0x550c7dc3u, 0x72be5d74u, 0x80deb1feu, 0x9bdc06a7u, 0xc19bf174u,
    0xe49b69c1u, 0xefbe4786u, 0x0fc19dc6u, 0x240ca1ccu, 0x2de92c6fu, 0x4a7484aau, 0x5cb0a9dcu, 0x76f988dau,
    0x983e5152u, 0xa831c66du, 0xb00327c8u, 0xbf597fc7u, 0xc6e00bf3u, 0xd5a79147u, 0x06ca6351u, 0x14292967u,
    0x27b70a85u, 0x2e1b2138u, 0x4d2c6dfcu, 0x53380d13u, 0x650a7354u, 0x766a0abbu, 0x81c2c92eu, 0x92722c85u,
    0xa2bfe8a1u, 0xa81a664bu, 0xc24b8b70u, 0xc76c51a3u, 0xd192e819u, 0xd6990624u, 0xf40e3585u, 0x106aa070u,
    0x19a4c116u, 0x1e376c08u, 0x2748774cu, 0x34b0bcb5u, 0x391c0cb3u, 0x4ed8aa4au, 0x5b9cca4fu, 0x682e6ff3u,
    0x748f82eeu, 0x78a5636fu, 0x84c87814u, 0x8cc70208u, 0x90befffau, 0xa4506cebu, 0xbef9a3f7u, 0xc67178f2u,
};

enum { BLOCK = 64 };

typedef void compress_function(uint32_t state[8], const uint8_t *bytes, size_t blocks);

static uint32_t rotate(uint32_t x, int by) { return x >> by | x << (32 - by); }

static void compress_portable(uint32_t state[8], const uint8_t *p, size_t blocks) {
    for (; blocks > 0; blocks--, p += BLOCK) {
        uint32_t W[64];
        for (int t = 0; t < 16; t++) {
            const uint8_t *q = p + 4 * t;
            W[t] = (uint32_t)q[0] << 24 | (uint32_t)q[1] << 16 | (uint32_t)q[2] << 8 | q[3];
        }
        for (int t = 16; t < 64; t++) {
            uint32_t s0 = rotate(W[t - 15], 7) ^ rotate(W[t - 15], 18) ^ W[t - 15] >> 3;
            uint32_t s1 = rotate(W[t - 2], 17) ^ rotate(W[t - 2], 19) ^ W[t - 2] >> 10;
            W[t] = W[t - 16] + s0 + W[t - 7] + s1;
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (int t = 0; t < 64; t++) {
            uint32_t S1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
            uint32_t T1 = h + S1 + ((e & f) ^ (~e & g)) + K[t] + W[t];
            uint32_t S0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
            uint32_t T2 = S0 + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + T1, d = c, c = b, b = a, a = T1 + T2;
        }
        state[0] += a, state[1] += b, state[2] += c, state[3] += d;
        state[4] += e, state[5] += f, state[6] += g, state[7] += h;
    }
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

static int has_instructions(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b >> 29 & 1)) return 0;
    return __get_cpuid(1, &a, &b, &c, &d) && c >> 19 & 1 && c >> 9 & 1;
}

// Each instruction does two rounds. It wants the state as A B E F and C D G H.
__attribute__((target("sha,sse4.1,ssse3"))) static void compress_fast(
    uint32_t state[8], const uint8_t *p, size_t blocks) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    __m128i *const halves = (__m128i *)(void *)state;
    const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(halves), 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(halves + 1), 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; blocks > 0; blocks--, p += BLOCK) {
        const __m128i abef0 = abef, cdgh0 = cdgh;
        __m128i W[4];
        for (int i = 0; i < 4; i++)
            W[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), order);
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            __m128i *w = &W[i & 3];
            __m128i sum = _mm_add_epi32(*w, _mm_loadu_si128((const __m128i *)(const void *)(K + 4 * i)));
            if (i < 12) {
                const __m128i w1 = W[(i + 1) & 3], w2 = W[(i + 2) & 3], w3 = W[(i + 3) & 3];
                *w = _mm_add_epi32(_mm_sha256msg1_epu32(*w, w1), _mm_alignr_epi8(w3, w2, 4));
                *w = _mm_sha256msg2_epu32(*w, w3);
            }
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
        }
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128(halves, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128(halves + 1, _mm_alignr_epi8(dchg, feba, 8));
}

// The same for two messages: the instructions of one wait for each other, and those of the other fill the gaps.
__attribute__((target("sha,sse4.1,ssse3"))) static void compress_two(
    uint32_t *const states[2], const uint8_t *const messages[2], size_t blocks) {
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
    const uint8_t *p[2] = {messages[0], messages[1]};
    __m128i abef[2], cdgh[2];
    for (int n = 0; n < 2; n++) {
        __m128i *const halves = (__m128i *)(void *)states[n];
        const __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128(halves), 0xb1);
        const __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(halves + 1), 0x1b);
        abef[n] = _mm_alignr_epi8(cdab, efgh, 8), cdgh[n] = _mm_blend_epi16(efgh, cdab, 0xf0);
    }
    for (; blocks > 0; blocks--, p[0] += BLOCK, p[1] += BLOCK) {
        const __m128i abef0[2] = {abef[0], abef[1]}, cdgh0[2] = {cdgh[0], cdgh[1]};
        __m128i W[2][4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 8; i++)
            W[i & 1][i / 2] =
                _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p[i & 1] + 16 * (i / 2))), order);
#pragma clang loop unroll(full)
        for (int i = 0; i < 32; i++) {
            const int n = i & 1, t = i / 2;
            __m128i *w = &W[n][t & 3];
            __m128i sum = _mm_add_epi32(*w, _mm_loadu_si128((const __m128i *)(const void *)(K + 4 * t)));
            if (t < 12) {
                const __m128i w1 = W[n][(t + 1) & 3], w2 = W[n][(t + 2) & 3], w3 = W[n][(t + 3) & 3];
                *w = _mm_add_epi32(_mm_sha256msg1_epu32(*w, w1), _mm_alignr_epi8(w3, w2, 4));
                *w = _mm_sha256msg2_epu32(*w, w3);
            }
            cdgh[n] = _mm_sha256rnds2_epu32(cdgh[n], abef[n], sum);
            abef[n] = _mm_sha256rnds2_epu32(abef[n], cdgh[n], _mm_shuffle_epi32(sum, 0x0e));
        }
        for (int n = 0; n < 2; n++) {
            abef[n] = _mm_add_epi32(abef[n], abef0[n]);
            cdgh[n] = _mm_add_epi32(cdgh[n], cdgh0[n]);
        }
    }
    for (int n = 0; n < 2; n++) {
        __m128i *const halves = (__m128i *)(void *)states[n];
        const __m128i feba = _mm_shuffle_epi32(abef[n], 0x1b), dchg = _mm_shuffle_epi32(cdgh[n], 0xb1);
        _mm_storeu_si128(halves, _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128(halves + 1, _mm_alignr_epi8(dchg, feba, 8));
    }
}

#define HAS_COMPRESS_TWO

#elif defined(__aarch64__) && defined(__ARM_FEATURE_SHA2)

#include <arm_neon.h>

static int has_instructions(void) { return 1; }

static void compress_fast(uint32_t state[8], const uint8_t *p, size_t blocks) {
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    for (; blocks > 0; blocks--, p += BLOCK) {
        const uint32x4_t abcd0 = abcd, efgh0 = efgh;
        uint32x4_t W[4];
        for (int i = 0; i < 4; i++) W[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(p + 16 * i)));
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            uint32x4_t *w = &W[i & 3];
            const uint32x4_t sum = vaddq_u32(*w, vld1q_u32(K + 4 * i)), before = abcd;
            if (i < 12) *w = vsha256su1q_u32(vsha256su0q_u32(*w, W[(i + 1) & 3]), W[(i + 2) & 3], W[(i + 3) & 3]);
            abcd = vsha256hq_u32(abcd, efgh, sum);
            efgh = vsha256h2q_u32(efgh, before, sum);
        }
        abcd = vaddq_u32(abcd, abcd0);
        efgh = vaddq_u32(efgh, efgh0);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

#else

static int has_instructions(void) { return 0; }

static void compress_fast(uint32_t state[8], const uint8_t *p, size_t blocks) { compress_portable(state, p, blocks); }

#endif

#if !defined(HAS_COMPRESS_TWO)
static void compress_two(uint32_t *const states[2], const uint8_t *const messages[2], size_t blocks) {
    for (int n = 0; n < 2; n++) compress_fast(states[n], messages[n], blocks);
}
#endif

static const uint32_t initial[8] = {
    0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u,
};

// The compiler makes one instruction of such stores.
static void store32(uint8_t *p, uint32_t x) {
    p[0] = (uint8_t)(x >> 24), p[1] = (uint8_t)(x >> 16), p[2] = (uint8_t)(x >> 8), p[3] = (uint8_t)x;
}

// Writes the blocks behind the whole ones, and returns their number: the rest, a one bit, zeros, and the number of bits
// in the last eight bytes.
static size_t pad(const uint8_t *p, size_t count, uint8_t end[2 * BLOCK]) {
    const size_t rest = count % BLOCK, size = rest < BLOCK - 8 ? BLOCK : 2 * BLOCK;
    if (rest > 0) memcpy(end, p + count - rest, rest);
    end[rest] = 0x80;
    memset(end + rest + 1, 0, size - rest - 9);
    const uint64_t bits = (uint64_t)count * 8;
    store32(end + size - 8, (uint32_t)(bits >> 32));
    store32(end + size - 4, (uint32_t)bits);
    return size / BLOCK;
}

static void hash(const uint8_t *p, size_t count, uint8_t *digest, compress_function *compress) {
    uint32_t state[8];
    uint8_t end[2 * BLOCK];
    memcpy(state, initial, sizeof state);
    if (count >= BLOCK) compress(state, p, count / BLOCK);
    compress(state, end, pad(p, count, end));
    for (int i = 0; i < 8; i++) store32(digest + 4 * i, state[i]);
}

// Two messages that have the same number of blocks.
static void hash_two(const uint8_t *const p[2], const size_t count[2], uint8_t *const digests[2]) {
    uint32_t first[8], second[8];
    uint8_t ends[2][2 * BLOCK];
    memcpy(first, initial, sizeof first);
    memcpy(second, initial, sizeof second);
    uint32_t *const states[2] = {first, second};
    const uint8_t *const rests[2] = {ends[0], ends[1]};
    if (count[0] >= BLOCK) compress_two(states, p, count[0] / BLOCK);
    const size_t blocks = pad(p[0], count[0], ends[0]);
    pad(p[1], count[1], ends[1]);
    compress_two(states, rests, blocks);
    for (int i = 0; i < 8; i++) {
        store32(digests[0] + 4 * i, first[i]);
        store32(digests[1] + 4 * i, second[i]);
    }
}

void sillok_sha256_portable(const void *bytes, size_t count, uint8_t *digest) {
    hash(bytes, count, digest, compress_portable);
}

// Whether to use the processor's instructions: 0 before the first call, then 1 for no and 2 for yes. The question costs
// more than a digest, so the answer is kept. They are used only if they give the digest of the portable code.
static _Atomic int choice;

static int choose(void) {
    int found = 1;
    if (has_instructions()) {
        uint8_t sample[3 * BLOCK + 7], expected[2][32], actual[32], both[2][32];
        for (size_t i = 0; i < sizeof sample; i++) sample[i] = (uint8_t)(i * 37 + 11);
        const size_t counts[2] = {sizeof sample - 1, sizeof sample - 1};
        const uint8_t *const samples[2] = {sample, sample + 1};
        uint8_t *const digests[2] = {both[0], both[1]};
        for (int n = 0; n < 2; n++) hash(samples[n], counts[n], expected[n], compress_portable);
        hash(samples[0], counts[0], actual, compress_fast);
        hash_two(samples, counts, digests);
        if (memcmp(expected[0], actual, sizeof actual) == 0 && memcmp(expected, both, sizeof both) == 0) found = 2;
    }
    __c11_atomic_store(&choice, found, __ATOMIC_RELAXED);
    return found;
}

void sillok_sha256(const void *bytes, size_t count, uint8_t *digest) {
    int known = __c11_atomic_load(&choice, __ATOMIC_RELAXED);
    if (known == 0) known = choose();
    hash(bytes, count, digest, known == 2 ? compress_fast : compress_portable);
}

void sillok_sha256_two(
    const void *first, size_t first_count, uint8_t *first_digest,
    const void *second, size_t second_count, uint8_t *second_digest) {
    int known = __c11_atomic_load(&choice, __ATOMIC_RELAXED);
    if (known == 0) known = choose();
    const int is_same = first_count / BLOCK == second_count / BLOCK
        && (first_count % BLOCK < BLOCK - 8) == (second_count % BLOCK < BLOCK - 8);
    if (known == 2 && is_same) {
        const uint8_t *const messages[2] = {first, second};
        const size_t counts[2] = {first_count, second_count};
        uint8_t *const digests[2] = {first_digest, second_digest};
        hash_two(messages, counts, digests);
    } else {
        sillok_sha256(first, first_count, first_digest);
        sillok_sha256(second, second_count, second_digest);
    }
}
