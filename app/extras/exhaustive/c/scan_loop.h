/* The loop that all scans share. A scan includes this once, after defining
 *
 *   SCAN_NAME      the name of its scan_function,
 *   SCAN_TARGET    its function attribute, or nothing,
 *   ELEMENT        the type of an element of a signature,
 *   scan_group     the distances of SCAN_ROWS left rows from a block: see below,
 *   count_common   the number of common bits of two encodings: see below.
 */
#include "scan.h"

#if defined(__GNUC__)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#else
#define UNLIKELY(x) (x)
#endif

/* Loops over rows and vectors must vanish, so that sums stay in registers; left to -O3, GCC copies
 * them between registers on every turn. The loop over words is predicted better when shorter. */
#if defined(__GNUC__) && !defined(__clang__)
#define UNROLL _Pragma("GCC unroll 4")
#else
#define UNROLL
#endif

/* Right signatures to scan before the next ones: half of the smallest first-level cache in use. */
#define TILE_BYTES 24576

/* Set survivors[r] to one bit for each column whose distance from rows[r] is at most bounds[r];
 * return 0 if there is none at all, and then leave survivors as they are. */
SCAN_TARGET static inline int scan_group(const ELEMENT *const rows[SCAN_ROWS], const ELEMENT *block,
                                         size_t width, const int32_t bounds[SCAN_ROWS],
                                         uint64_t survivors[SCAN_ROWS]);

SCAN_TARGET static inline uint32_t count_common(const uint64_t *x, const uint64_t *y,
                                                size_t n_words);

static inline unsigned lowest_bit(uint64_t mask)
{
#if defined(__GNUC__)
    return (unsigned)__builtin_ctzll(mask);
#else
    unsigned bit = 0;
    for (; !(mask & 1); mask >>= 1)
        bit++;
    return bit;
#endif
}

/* Count the common bits of each surviving pair of one left row and one block; keep the pairs that
 * reach the threshold. */
SCAN_TARGET static inline void verify(const struct comparison *c, size_t row, size_t block,
                                      uint64_t survivors, struct found *found)
{
    size_t first = block * SCAN_COLUMNS;
    const uint64_t *x = c->left_words + row * c->n_words;
    const int32_t *needed = c->smallest_common + c->left_counts[row];
    for (; survivors; survivors &= survivors - 1) {
        size_t column = first + lowest_bit(survivors);
        if (column >= c->n_right || (c->is_triangle && column <= row))
            continue;
        if (!found->left) {
            found->n++;
            continue;
        }
        uint32_t common = count_common(x, c->right_words + column * c->n_words, c->n_words);
        if ((int32_t)common < needed[c->right_counts[column]])
            continue;
        found->left[found->n] = (uint32_t)row;
        found->right[found->n] = (uint32_t)column;
        found->common[found->n] = (uint16_t)common;
        found->n++;
    }
}

static inline size_t last_of_block(const struct comparison *c, size_t block)
{
    size_t last = block * SCAN_COLUMNS + SCAN_COLUMNS - 1;
    return last < c->n_right ? last : c->n_right - 1;
}

/* Compare left rows row..row_stop, at most SCAN_ROWS, with the blocks block..block_stop. Return the
 * block to go on with if `found` is too full for it, else block_stop. */
SCAN_TARGET static inline size_t scan_rows(const struct comparison *c, size_t row, size_t row_stop,
                                           size_t block, size_t block_stop, struct found *found)
{
    const ELEMENT *rows[SCAN_ROWS];
    const int32_t *allowed[SCAN_ROWS];
    UNROLL for (size_t r = 0; r < SCAN_ROWS; r++) {
        /* A last group that is not full repeats its last row, and drops what that finds. */
        size_t which = row + r < row_stop ? row + r : row_stop - 1;
        rows[r] = (const ELEMENT *)c->left_rows + which * c->width;
        allowed[r] = c->largest_distance + c->left_counts[which];
    }
    for (; block < block_stop; block++) {
        /* Sorted by set bits, so the last column of a block allows the largest distance. */
        int32_t most = c->right_counts[last_of_block(c, block)];
        int32_t bounds[SCAN_ROWS];
        uint64_t survivors[SCAN_ROWS];
        UNROLL for (size_t r = 0; r < SCAN_ROWS; r++)
            bounds[r] = allowed[r][most];
        const ELEMENT *columns = (const ELEMENT *)c->right_blocks + block * c->width * SCAN_COLUMNS;
        if (UNLIKELY(scan_group(rows, columns, c->width, bounds, survivors))) {
            if (found->left && found->capacity - found->n < SCAN_ROWS * SCAN_COLUMNS)
                return block;
            for (size_t r = 0; row + r < row_stop && r < SCAN_ROWS; r++)
                verify(c, row + r, block, survivors[r], found);
        }
    }
    return block_stop;
}

SCAN_TARGET int SCAN_NAME(const struct comparison *c, size_t start, size_t stop,
                          struct position *at, struct found *found)
{
    size_t n_blocks = (c->n_right + SCAN_COLUMNS - 1) / SCAN_COLUMNS;
    size_t block_bytes = c->width * SCAN_COLUMNS * sizeof(ELEMENT);
    size_t tile_blocks = block_bytes < TILE_BYTES ? TILE_BYTES / block_bytes : 1;
    for (; at->block_of_tile < n_blocks; at->block_of_tile += tile_blocks, at->row = 0) {
        for (; start + at->row < stop; at->row += SCAN_ROWS, at->block = 0) {
            size_t row = start + at->row;
            size_t row_stop = row + SCAN_ROWS < stop ? row + SCAN_ROWS : stop;
            size_t block = at->block_of_tile, block_stop = block + tile_blocks;
            if (block_stop > n_blocks)
                block_stop = n_blocks;
            if (c->is_triangle && block < (row + 1) / SCAN_COLUMNS)
                block = (row + 1) / SCAN_COLUMNS;
            /* Skip what has too few or too many set bits to pair with any of these rows. */
            int32_t fewest = c->smallest_partner[c->left_counts[row]];
            int32_t most = c->largest_partner[c->left_counts[row_stop - 1]];
            while (block < block_stop && c->right_counts[last_of_block(c, block)] < fewest)
                block++;
            while (block < block_stop && c->right_counts[(block_stop - 1) * SCAN_COLUMNS] > most)
                block_stop--;
            if (block < at->block)
                block = at->block;
            at->block = scan_rows(c, row, row_stop, block, block_stop, found);
            if (at->block < block_stop)
                return 0;
        }
    }
    return 1;
}
