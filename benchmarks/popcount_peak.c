/* What load, AND, population count and add alone reach: the ceiling of any full-width comparison. */
#include <immintrin.h>
#include <stdint.h>

/* Return the sum over `turns` passes of 4 rows against 256 vectors that stay in the first-level cache. */
long popcount_peak(const uint64_t *vectors, const uint64_t *rows, long turns)
{
    __m512i row[4], sum[4][4];
    for (int r = 0; r < 4; r++) {
        row[r] = _mm512_set1_epi64((long long)rows[r]);
        for (int v = 0; v < 4; v++)
            sum[r][v] = _mm512_setzero_si512();
    }
    for (long turn = 0; turn < turns; turn++) {
        for (int j = 0; j < 256; j += 4)
            for (int v = 0; v < 4; v++) {
                __m512i column = _mm512_load_si512(vectors + 8 * (j + v));
                for (int r = 0; r < 4; r++)
                    sum[r][v] = _mm512_add_epi64(
                        sum[r][v], _mm512_popcnt_epi64(_mm512_and_si512(row[r], column)));
            }
        __asm__ volatile("" ::: "memory");
    }
    __m512i all = _mm512_setzero_si512();
    for (int r = 0; r < 4; r++)
        for (int v = 0; v < 4; v++)
            all = _mm512_add_epi64(all, sum[r][v]);
    return (long)_mm512_reduce_add_epi64(all);
}
