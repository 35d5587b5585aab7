/* One comparison of two sorted, folded sets of encodings, and the scans that find its pairs.
 *
 * All scans do the same, each for one instruction set: they go over groups of SCAN_ROWS left rows
 * and blocks of SCAN_COLUMNS right rows, take the Hamming distances of the signatures, and count
 * the common bits of the pairs that these do not rule out. app/extras/exhaustive/fold.py says why no pair
 * is lost.
 */
#ifndef BLINDLINK_SCAN_H
#define BLINDLINK_SCAN_H

#include <stddef.h>
#include <stdint.h>

#define SCAN_ROWS 4
#define SCAN_COLUMNS 64

/* What one element of a signature is. WORDS: a uint32. NIBBLES: a byte for every 4 bits, shifted
 * left by 4 on the left side. */
enum layout { LAYOUT_WORDS, LAYOUT_NIBBLES };

struct comparison {
    const uint64_t *left_words;      /* [n_left][n_words] */
    const uint64_t *right_words;     /* [n_right][n_words] */
    const int32_t *left_counts;      /* [n_left], set bits, never decreasing */
    const int32_t *right_counts;     /* [n_right], set bits, never decreasing */
    const void *left_rows;           /* [n_left][width] elements */
    const void *right_blocks;        /* [n_right / SCAN_COLUMNS, rounded up][width][SCAN_COLUMNS]
                                        elements, aligned to 64 bytes */
    const int32_t *largest_distance; /* by an upper bound of |x| + |y| */
    const int32_t *smallest_common;  /* by |x| + |y| */
    const int32_t *smallest_partner; /* by |x| */
    const int32_t *largest_partner;  /* by |x| */
    size_t n_left, n_right, n_words, width;
    int is_triangle;                 /* only pairs whose right row comes after the left row */
};

/* Where a scan stands; all zero at the start. */
struct position {
    size_t block_of_tile, row, block;
};

/* Pairs found, n of at most `capacity`. With `left` null, survivors are counted, not verified. */
struct found {
    uint32_t *left, *right;
    uint16_t *common;
    size_t n, capacity;
};

/* Scan left rows start..stop from `at` on. Return 1 when done; return 0 when `found` might not hold
 * the pairs of the next block: empty it and call again. Its capacity must be at least
 * SCAN_ROWS * SCAN_COLUMNS. */
typedef int (*scan_function)(const struct comparison *, size_t start, size_t stop,
                             struct position *at, struct found *found);

int scan_portable(const struct comparison *, size_t, size_t, struct position *, struct found *);

#if defined(__x86_64__) && defined(__GNUC__)
#define SCAN_X86 1
int scan_avx512(const struct comparison *, size_t, size_t, struct position *, struct found *);
int scan_avx2(const struct comparison *, size_t, size_t, struct position *, struct found *);
#endif

struct instruction_set {
    const char *name;
    enum layout layout;
    scan_function scan;
};

/* Return the instruction sets that this processor has, fastest first; *n is their number. */
const struct instruction_set *find_instruction_sets(size_t *n);

#endif
