/* The scan for processors with AVX2.
 *
 * AVX2 has no population count. It can look up 32 bytes in a table of 16 at once: for a fixed left
 * nibble x the table of popcount(x ^ y) over all y is 16 bytes, so one look-up gives the distance
 * of 32 right nibbles, without an exclusive or, a mask or a shift.
 */
#include "scan.h"

#ifdef SCAN_X86
#include <immintrin.h>

#define SCAN_NAME scan_avx2
#define SCAN_TARGET __attribute__((target("avx2,bmi,popcnt")))
#define ELEMENT uint8_t
#include "scan_loop.h"

/* A nibble adds at most 4 to a byte, so 63 of them cannot overflow it. */
#define BYTE_NIBBLES 63

/* DISTANCES[16 * x + y] = popcount(x ^ y) */
static const uint8_t DISTANCES[256] __attribute__((aligned(64))) = {
    0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,
    1, 0, 2, 1, 2, 1, 3, 2, 2, 1, 3, 2, 3, 2, 4, 3,
    1, 2, 0, 1, 2, 3, 1, 2, 2, 3, 1, 2, 3, 4, 2, 3,
    2, 1, 1, 0, 3, 2, 2, 1, 3, 2, 2, 1, 4, 3, 3, 2,
    1, 2, 2, 3, 0, 1, 1, 2, 2, 3, 3, 4, 1, 2, 2, 3,
    2, 1, 3, 2, 1, 0, 2, 1, 3, 2, 4, 3, 2, 1, 3, 2,
    2, 3, 1, 2, 1, 2, 0, 1, 3, 4, 2, 3, 2, 3, 1, 2,
    3, 2, 2, 1, 2, 1, 1, 0, 4, 3, 3, 2, 3, 2, 2, 1,
    1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3,
    2, 1, 3, 2, 3, 2, 4, 3, 1, 0, 2, 1, 2, 1, 3, 2,
    2, 3, 1, 2, 3, 4, 2, 3, 1, 2, 0, 1, 2, 3, 1, 2,
    3, 2, 2, 1, 4, 3, 3, 2, 2, 1, 1, 0, 3, 2, 2, 1,
    2, 3, 3, 4, 1, 2, 2, 3, 1, 2, 2, 3, 0, 1, 1, 2,
    3, 2, 4, 3, 2, 1, 3, 2, 2, 1, 3, 2, 1, 0, 2, 1,
    3, 4, 2, 3, 2, 3, 1, 2, 2, 3, 1, 2, 1, 2, 0, 1,
    4, 3, 3, 2, 3, 2, 2, 1, 3, 2, 2, 1, 2, 1, 1, 0,
};

typedef __m256i sums[SCAN_ROWS][2];

/* Add bytes, saturating at 255. The intrinsic is the same instruction, but GCC then copies every sum
 * to another register and back, which costs a third of the speed. */
SCAN_TARGET static inline void add_in_place(__m256i *sum, __m256i bytes)
{
    __asm__("vpaddusb %1, %0, %0" : "+x"(*sum) : "x"(bytes));
}

/* Add the distances of n nibbles to one byte for each row and column, saturating at 255. */
SCAN_TARGET static inline void add_nibbles(const uint8_t *const rows[SCAN_ROWS], size_t first,
                                           const uint8_t *block, size_t n, sums sum)
{
    block += first * SCAN_COLUMNS;
    for (size_t k = first; k < first + n; k++, block += SCAN_COLUMNS) {
        __m256i low = _mm256_load_si256((const __m256i *)block);
        __m256i high = _mm256_load_si256((const __m256i *)(block + 32));
        UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
            const __m128i *entry = (const __m128i *)(DISTANCES + rows[r][k]);
            __m256i table = _mm256_broadcastsi128_si256(_mm_load_si128(entry));
            add_in_place(&sum[r][0], _mm256_shuffle_epi8(table, low));
            add_in_place(&sum[r][1], _mm256_shuffle_epi8(table, high));
        }
    }
}

SCAN_TARGET static inline void clear(sums sum)
{
    UNROLL for (int r = 0; r < SCAN_ROWS; r++)
        sum[r][0] = sum[r][1] = _mm256_setzero_si256();
}

SCAN_TARGET static inline uint64_t nonzero_bytes(__m256i low, __m256i high)
{
    __m256i zero = _mm256_setzero_si256();
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, zero));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, zero));
    return ~((uint64_t)b << 32 | a);
}

/* All bounds are at most 254, so sums that saturate at 255 are out. */
SCAN_TARGET static inline int scan_bytes(const uint8_t *const rows[SCAN_ROWS],
                                         const uint8_t *block, size_t width,
                                         const int32_t bounds[SCAN_ROWS],
                                         uint64_t survivors[SCAN_ROWS])
{
    sums sum;
    clear(sum);
    add_nibbles(rows, 0, block, width, sum);
    __m256i any = _mm256_setzero_si256();
    UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
        /* (bound + 1) - sum, saturating at 0, is not 0 if and only if sum <= bound. */
        __m256i limit = _mm256_set1_epi8((char)(bounds[r] < 0 ? 0 : bounds[r] + 1));
        sum[r][0] = _mm256_subs_epu8(limit, sum[r][0]);
        sum[r][1] = _mm256_subs_epu8(limit, sum[r][1]);
        any = _mm256_or_si256(any, _mm256_or_si256(sum[r][0], sum[r][1]));
    }
    if (_mm256_testz_si256(any, any))
        return 0;
    UNROLL for (int r = 0; r < SCAN_ROWS; r++)
        survivors[r] = nonzero_bytes(sum[r][0], sum[r][1]);
    return 1;
}

/* Any bounds: sums of bytes are moved to 16 bits before they can overflow. */
SCAN_TARGET static inline int scan_wide(const uint8_t *const rows[SCAN_ROWS], const uint8_t *block,
                                        size_t width, const int32_t bounds[SCAN_ROWS],
                                        uint64_t survivors[SCAN_ROWS])
{
    __m256i zero = _mm256_setzero_si256(), wide[SCAN_ROWS][4];
    sums sum;
    UNROLL for (int r = 0; r < SCAN_ROWS; r++)
        UNROLL for (int v = 0; v < 4; v++)
            wide[r][v] = zero;
    for (size_t k = 0; k < width; k += BYTE_NIBBLES) {
        clear(sum);
        add_nibbles(rows, k, block, width - k < BYTE_NIBBLES ? width - k : BYTE_NIBBLES, sum);
        UNROLL for (int r = 0; r < SCAN_ROWS; r++)
            UNROLL for (int v = 0; v < 2; v++) {
                __m256i low = _mm256_unpacklo_epi8(sum[r][v], zero);
                __m256i high = _mm256_unpackhi_epi8(sum[r][v], zero);
                wide[r][2 * v] = _mm256_add_epi16(wide[r][2 * v], low);
                wide[r][2 * v + 1] = _mm256_add_epi16(wide[r][2 * v + 1], high);
            }
    }
    uint64_t any = 0;
    UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
        __m256i limit = _mm256_set1_epi16((short)(bounds[r] < 0 ? 0 : bounds[r] + 1));
        UNROLL for (int v = 0; v < 4; v++)
            wide[r][v] = _mm256_cmpgt_epi16(limit, wide[r][v]);
        /* Packing undoes the order of unpacking within each half of a vector. */
        survivors[r] = nonzero_bytes(_mm256_packs_epi16(wide[r][0], wide[r][1]),
                                     _mm256_packs_epi16(wide[r][2], wide[r][3]));
        any |= survivors[r];
    }
    return any != 0;
}

SCAN_TARGET static inline int scan_group(const uint8_t *const rows[SCAN_ROWS], const uint8_t *block,
                                         size_t width, const int32_t bounds[SCAN_ROWS],
                                         uint64_t survivors[SCAN_ROWS])
{
    int is_narrow = 1;
    UNROLL for (int r = 0; r < SCAN_ROWS; r++)
        is_narrow &= bounds[r] <= 254;
    if (is_narrow)
        return scan_bytes(rows, block, width, bounds, survivors);
    return scan_wide(rows, block, width, bounds, survivors);
}

SCAN_TARGET static inline uint32_t count_common(const uint64_t *x, const uint64_t *y,
                                                size_t n_words)
{
    uint64_t n = 0;
    for (size_t w = 0; w < n_words; w++)
        n += (uint64_t)_mm_popcnt_u64(x[w] & y[w]);
    return (uint32_t)n;
}
#else
typedef int scan_avx2_is_not_built_here;
#endif
