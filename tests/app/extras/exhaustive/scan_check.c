/* Runs every scan of this processor under sanitizers, against counting every pair bit by bit.
 *
 * All arrays are allocated to their exact size, so that a read or write beyond one is seen.
 * Usage: scan_check [rounds]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

static uint64_t state = 88172645463325252ull;

static uint64_t random_bits(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t below(size_t n) { return (size_t)(random_bits() % n); }

static void *exactly(size_t n, size_t size) { return malloc(n * size); }

static int ones(uint64_t x)
{
    int n = 0;
    for (; x; x &= x - 1)
        n++;
    return n;
}

struct side {
    uint64_t *words;
    int32_t *counts;
    uint32_t *folded;
    size_t n;
};

static int count_row(const uint64_t *row, size_t n_words)
{
    int n = 0;
    for (size_t w = 0; w < n_words; w++)
        n += ones(row[w]);
    return n;
}

/* Random rows, many of them near others, sorted by set bits. */
static struct side random_side(size_t n, size_t n_words, size_t width, const uint64_t *prototypes)
{
    struct side s = {exactly(n * n_words, 8), exactly(n, 4), exactly(n * width, 4), n};
    for (size_t i = 0; i < n; i++) {
        uint64_t *row = s.words + i * n_words;
        memcpy(row, prototypes + below(4) * n_words, 8 * n_words);
        for (size_t flips = below(1 + 8 * n_words); flips; flips--)
            row[below(n_words)] ^= 1ull << below(64);
        if (below(20) == 0)
            memset(row, below(2) ? 0xff : 0, 8 * n_words);
        s.counts[i] = count_row(row, n_words);
        for (size_t j = i; j && s.counts[j - 1] > s.counts[j]; j--) {
            uint64_t *a = s.words + (j - 1) * n_words, *b = s.words + j * n_words;
            for (size_t w = 0; w < n_words; w++) {
                uint64_t t = a[w];
                a[w] = b[w];
                b[w] = t;
            }
            int32_t t = s.counts[j - 1];
            s.counts[j - 1] = s.counts[j];
            s.counts[j] = t;
        }
    }
    memset(s.folded, 0, n * width * 4);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 2 * n_words; k++)
            s.folded[i * width + k % width] ^=
                (uint32_t)(s.words[i * n_words + k / 2] >> 32 * (k % 2));
    return s;
}

static void *left_rows(const struct side *s, size_t width, enum layout layout)
{
    size_t n = s->n * width;
    if (layout == LAYOUT_WORDS) {
        void *rows = exactly(n, 4);
        memcpy(rows, s->folded, n * 4);
        return rows;
    }
    uint8_t *rows = exactly(n * 8, 1);
    for (size_t i = 0; i < n * 8; i++)
        rows[i] = (uint8_t)((s->folded[i / 8] >> 4 * (i % 8) & 15) << 4);
    return rows;
}

static void *right_blocks(const struct side *s, size_t width, enum layout layout)
{
    size_t n_blocks = (s->n + SCAN_COLUMNS - 1) / SCAN_COLUMNS;
    size_t elements = layout == LAYOUT_WORDS ? width : 8 * width;
    size_t size = layout == LAYOUT_WORDS ? 4 : 1;
    uint8_t *blocks = aligned_alloc(64, n_blocks * elements * SCAN_COLUMNS * size);
    memset(blocks, 0, n_blocks * elements * SCAN_COLUMNS * size);
    for (size_t j = 0; j < s->n; j++)
        for (size_t e = 0; e < elements; e++) {
            size_t at = (j / SCAN_COLUMNS * elements + e) * SCAN_COLUMNS + j % SCAN_COLUMNS;
            if (layout == LAYOUT_WORDS)
                ((uint32_t *)blocks)[at] = s->folded[j * width + e];
            else
                blocks[at] = (uint8_t)(s->folded[j * width + e / 8] >> 4 * (e % 8) & 15);
        }
    return blocks;
}

struct tables {
    int32_t *common, *distance, *fewest, *most;
};

/* The tables of app/extras/exhaustive/limits.py, by trying every count. */
static struct tables make_tables(size_t n_bits, size_t num, size_t den)
{
    struct tables t = {exactly(2 * n_bits + 1, 4), exactly(2 * n_bits + 1, 4),
                       exactly(n_bits + 1, 4), exactly(n_bits + 1, 4)};
    int32_t largest = -2;
    for (size_t s = 0; s <= 2 * n_bits; s++) {
        t.common[s] = s ? (int32_t)((num * s + 2 * den - 1) / (2 * den)) : 1;
        if ((int32_t)s - 2 * t.common[s] > largest)
            largest = (int32_t)s - 2 * t.common[s];
        t.distance[s] = largest;
    }
    for (size_t x = 0; x <= n_bits; x++) {
        t.fewest[x] = (int32_t)((num * x + 2 * den - num - 1) / (2 * den - num));
        size_t most = (2 * den - num) * x / num;
        t.most[x] = x ? (int32_t)(most < n_bits ? most : n_bits) : -1;
    }
    return t;
}

static int is_pair(const struct comparison *c, size_t i, size_t j, int *common)
{
    if (c->is_triangle && j <= i)
        return 0;
    *common = 0;
    for (size_t w = 0; w < c->n_words; w++)
        *common += ones(c->left_words[i * c->n_words + w] & c->right_words[j * c->n_words + w]);
    return *common >= c->smallest_common[c->left_counts[i] + c->right_counts[j]];
}

/* Return whether a scan finds exactly the pairs of left rows start..stop. */
static int check(const struct comparison *c, scan_function scan, size_t start, size_t stop)
{
    size_t capacity = SCAN_ROWS * SCAN_COLUMNS + below(300), n_found = 0, n_expected = 0;
    uint8_t *seen = calloc(c->n_left * c->n_right + 1, 1);
    struct found found = {exactly(capacity, 4), exactly(capacity, 4), exactly(capacity, 2), 0,
                          capacity};
    struct position at = {0, 0, 0};
    int is_done = 0, common, good = 1;
    while (!is_done) {
        found.n = 0;
        is_done = scan(c, start, stop, &at, &found);
        for (size_t k = 0; k < found.n; k++, n_found++) {
            size_t i = found.left[k], j = found.right[k];
            good &= i >= start && i < stop && j < c->n_right && !seen[i * c->n_right + j] &&
                    is_pair(c, i, j, &common) && common == found.common[k];
            seen[i * c->n_right + j] = 1;
        }
    }
    for (size_t i = start; i < stop; i++)
        for (size_t j = 0; j < c->n_right; j++)
            n_expected += (size_t)is_pair(c, i, j, &common);
    struct found counted = {NULL, NULL, NULL, 0, 0};
    at = (struct position){0, 0, 0};
    good &= scan(c, start, stop, &at, &counted) && counted.n >= n_expected;
    free(seen);
    free(found.left);
    free(found.right);
    free(found.common);
    return good && n_found == n_expected;
}

static int run_round(void)
{
    static const size_t thresholds[][2] = {{1, 100}, {1, 2}, {59, 100}, {3, 4},
                                           {17, 20}, {19, 20}, {1, 1}};
    size_t n_words = 1 + below(below(4) ? 4 : 64), width = 1 + below(2 * n_words);
    const size_t *threshold = thresholds[below(7)];
    struct comparison c = {.n_words = n_words, .is_triangle = below(3) == 0};
    uint64_t prototypes[4 * 64];
    for (size_t w = 0; w < 4 * n_words; w++)
        prototypes[w] = random_bits() & random_bits();
    struct side left = random_side(1 + below(150), n_words, width, prototypes), right = left;
    if (!c.is_triangle)
        right = random_side(1 + below(300), n_words, width, prototypes);
    struct tables tables = make_tables(64 * n_words, threshold[0], threshold[1]);
    c.left_words = left.words, c.right_words = right.words;
    c.left_counts = left.counts, c.right_counts = right.counts;
    c.n_left = left.n, c.n_right = right.n;
    c.smallest_common = tables.common, c.largest_distance = tables.distance;
    c.smallest_partner = tables.fewest, c.largest_partner = tables.most;
    size_t n_sets, start = below(left.n), stop = start + below(left.n - start + 1);
    const struct instruction_set *sets = find_instruction_sets(&n_sets);
    int good = 1;
    for (size_t k = 0; k < n_sets; k++) {
        void *rows = left_rows(&left, width, sets[k].layout);
        void *blocks = right_blocks(&right, width, sets[k].layout);
        c.width = sets[k].layout == LAYOUT_WORDS ? width : 8 * width;
        c.left_rows = rows, c.right_blocks = blocks;
        if (!check(&c, sets[k].scan, 0, left.n) || !check(&c, sets[k].scan, start, stop)) {
            printf("%s differs: %zu words, %zu folded, threshold %zu/%zu\n", sets[k].name, n_words,
                   width, threshold[0], threshold[1]);
            good = 0;
        }
        free(rows);
        free(blocks);
    }
    free(left.words), free(left.counts), free(left.folded);
    if (!c.is_triangle)
        free(right.words), free(right.counts), free(right.folded);
    free(tables.common), free(tables.distance), free(tables.fewest), free(tables.most);
    return good;
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 200, failures = 0;
    size_t n_sets;
    const struct instruction_set *sets = find_instruction_sets(&n_sets);
    for (int i = 0; i < rounds; i++)
        failures += !run_round();
    for (size_t k = 0; k < n_sets; k++)
        printf("%s ", sets[k].name);
    printf("in %d rounds: %d failed\n", rounds, failures);
    return failures != 0;
}
