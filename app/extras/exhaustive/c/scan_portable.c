/* The scan in plain C, for every processor; compilers turn its inner loops into vector code. */
#include "scan.h"

#define SCAN_NAME scan_portable
#define SCAN_TARGET
#define ELEMENT uint32_t
#include "scan_loop.h"

/* A word adds at most 8 to each of its bytes, so 31 of them cannot overflow one. */
#define BYTE_WORDS 31

/* Return the number of set bits of each byte of x, each in its byte. */
static inline uint32_t count_in_bytes(uint32_t x)
{
    x -= x >> 1 & 0x55555555u;
    x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
    return (x + (x >> 4)) & 0x0f0f0f0fu;
}

static inline int scan_group(const uint32_t *const rows[SCAN_ROWS], const uint32_t *block,
                             size_t width, const int32_t bounds[SCAN_ROWS],
                             uint64_t survivors[SCAN_ROWS])
{
    uint64_t any = 0;
    for (int r = 0; r < SCAN_ROWS; r++) {
        uint32_t sum[SCAN_COLUMNS] = {0};
        for (size_t first = 0; first < width; first += BYTE_WORDS) {
            uint32_t bytes[SCAN_COLUMNS] = {0};
            size_t end = width - first < BYTE_WORDS ? width : first + BYTE_WORDS;
            for (size_t w = first; w < end; w++)
                for (int j = 0; j < SCAN_COLUMNS; j++)
                    bytes[j] += count_in_bytes(rows[r][w] ^ block[w * SCAN_COLUMNS + j]);
            for (int j = 0; j < SCAN_COLUMNS; j++) {
                uint32_t pairs = (bytes[j] & 0x00ff00ffu) + (bytes[j] >> 8 & 0x00ff00ffu);
                sum[j] += (pairs & 0xffffu) + (pairs >> 16);
            }
        }
        survivors[r] = 0;
        for (int j = 0; j < SCAN_COLUMNS; j++)
            survivors[r] |= (uint64_t)((int32_t)sum[j] <= bounds[r]) << j;
        any |= survivors[r];
    }
    return any != 0;
}

static inline uint32_t count_common(const uint64_t *x, const uint64_t *y, size_t n_words)
{
    uint32_t n = 0;
    for (size_t w = 0; w < n_words; w++) {
        uint64_t both = x[w] & y[w];
        uint32_t bytes = count_in_bytes((uint32_t)both) + count_in_bytes((uint32_t)(both >> 32));
        n += (bytes * 0x01010101u) >> 24;
    }
    return n;
}
