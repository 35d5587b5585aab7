/* The scan for processors with AVX-512 and its vector population count. */
#include "scan.h"

#ifdef SCAN_X86
#include <immintrin.h>

#define SCAN_NAME scan_avx512
#define SCAN_TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vpopcntdq,popcnt")))
#define ELEMENT uint32_t
#include "scan_loop.h"

#define OR3(x, y, z) _mm512_ternarylogic_epi32(x, y, z, 0xfe)

/* 4 rows by 4 vectors of 16 columns: 16 sums in registers, so that every load serves 4 counts. */
SCAN_TARGET static inline int scan_group(const uint32_t *const rows[SCAN_ROWS],
                                         const uint32_t *block, size_t width,
                                         const int32_t bounds[SCAN_ROWS],
                                         uint64_t survivors[SCAN_ROWS])
{
    __m512i sum[SCAN_ROWS][4];
    /* Starting at -(bound + 1), a sum is negative if and only if the distance is within bounds. */
    UNROLL for (int r = 0; r < SCAN_ROWS; r++)
        UNROLL for (int v = 0; v < 4; v++)
            sum[r][v] = _mm512_set1_epi32(~bounds[r]);
    UNROLL for (size_t w = 0; w < width; w++, block += SCAN_COLUMNS) {
        __m512i column[4];
        UNROLL for (int v = 0; v < 4; v++)
            column[v] = _mm512_load_si512(block + 16 * v);
        UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
            __m512i row = _mm512_set1_epi32((int)rows[r][w]);
            UNROLL for (int v = 0; v < 4; v++) {
                __m512i bits = _mm512_popcnt_epi32(_mm512_xor_si512(row, column[v]));
                sum[r][v] = _mm512_add_epi32(sum[r][v], bits);
            }
        }
    }
    __m512i any = _mm512_setzero_si512();
    UNROLL for (int r = 0; r < SCAN_ROWS; r++)
        any = OR3(OR3(any, sum[r][0], sum[r][1]), sum[r][2], sum[r][3]);
    if (!_mm512_movepi32_mask(any))
        return 0;
    UNROLL for (int r = 0; r < SCAN_ROWS; r++) {
        survivors[r] = 0;
        UNROLL for (int v = 0; v < 4; v++)
            survivors[r] |= (uint64_t)_mm512_movepi32_mask(sum[r][v]) << (16 * v);
    }
    return 1;
}

SCAN_TARGET static inline uint32_t count_common(const uint64_t *x, const uint64_t *y,
                                                size_t n_words)
{
    __m512i sum = _mm512_setzero_si512();
    size_t w = 0;
    for (; w + 8 <= n_words; w += 8) {
        __m512i both = _mm512_and_si512(_mm512_loadu_si512(x + w), _mm512_loadu_si512(y + w));
        sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(both));
    }
    __mmask8 rest = (__mmask8)((1u << (n_words - w)) - 1);
    __m512i both = _mm512_and_si512(_mm512_maskz_loadu_epi64(rest, x + w),
                                    _mm512_maskz_loadu_epi64(rest, y + w));
    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(both));
    return (uint32_t)_mm512_reduce_add_epi64(sum);
}
#else
typedef int scan_avx512_is_not_built_here;
#endif
