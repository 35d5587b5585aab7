/* app.extras.exhaustive._kernel: the scans for Python. Arrays in, arrays out; scanning releases the lock.
 *
 *   instruction_sets() -> ((name, layout), ...)   what this processor has, fastest first
 *   open(name, n_words, width, is_triangle, left_words, right_words, left_counts, right_counts,
 *        left_rows, right_blocks, largest_distance, smallest_common, smallest_partner,
 *        largest_partner) -> comparison            arrays as struct comparison says
 *   scan(comparison, start, stop, (block_of_tile, row, block), left, right, common)
 *        -> (is_done, n, position)                 fills the three arrays with n pairs
 *   count(comparison) -> n                         pairs that the signatures do not rule out
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

#include "scan.h"

#define CAPSULE "app.extras.exhaustive._kernel.comparison"

enum array {
    LEFT_WORDS, RIGHT_WORDS, LEFT_COUNTS, RIGHT_COUNTS, LEFT_ROWS, RIGHT_BLOCKS,
    LARGEST_DISTANCE, SMALLEST_COMMON, SMALLEST_PARTNER, LARGEST_PARTNER, N_ARRAYS
};

struct opened {
    struct comparison comparison;
    const struct instruction_set *set;
    Py_buffer arrays[N_ARRAYS];
};

static const struct instruction_set *sets;
static size_t n_sets;

static PyObject *instruction_sets(PyObject *self, PyObject *args)
{
    (void)self;
    (void)args;
    PyObject *all = PyTuple_New((Py_ssize_t)n_sets);
    for (size_t i = 0; all && i < n_sets; i++) {
        const char *layout = sets[i].layout == LAYOUT_NIBBLES ? "nibbles" : "words";
        PyObject *set = Py_BuildValue("(ss)", sets[i].name, layout);
        if (!set || PyTuple_SetItem(all, (Py_ssize_t)i, set) < 0)
            Py_CLEAR(all);
    }
    return all;
}

static const struct instruction_set *find_set(const char *name)
{
    for (size_t i = 0; i < n_sets; i++)
        if (strcmp(sets[i].name, name) == 0)
            return &sets[i];
    return NULL;
}

/* Return whether an array has n elements of this size, and begins at a multiple of it. */
static int has_length(const Py_buffer *array, size_t n, size_t size)
{
    return array->len == (Py_ssize_t)(n * size) && (n == 0 || (uintptr_t)array->buf % size == 0);
}

/* Return whether nibbles of the left side lead into the table that they are offsets of. */
static int are_nibbles(const Py_buffer *rows)
{
    uint8_t low = 0;
    for (Py_ssize_t i = 0; i < rows->len; i++)
        low |= ((const uint8_t *)rows->buf)[i] & 15;
    return low == 0;
}

/* Return whether the arrays have the lengths that the sizes imply, and lie as the scans read them. */
static int fits(const struct opened *o)
{
    const struct comparison *c = &o->comparison;
    const Py_buffer *a = o->arrays;
    size_t n_blocks = (c->n_right + SCAN_COLUMNS - 1) / SCAN_COLUMNS, n_bits = 64 * c->n_words;
    size_t element = o->set->layout == LAYOUT_NIBBLES ? 1 : 4;
    return c->n_words > 0 && c->n_words <= 64 && c->width > 0 && c->width <= 64 * 16 &&
           has_length(&a[LEFT_WORDS], c->n_left * c->n_words, 8) &&
           has_length(&a[RIGHT_WORDS], c->n_right * c->n_words, 8) &&
           has_length(&a[LEFT_COUNTS], c->n_left, 4) &&
           has_length(&a[RIGHT_COUNTS], c->n_right, 4) &&
           has_length(&a[LEFT_ROWS], c->n_left * c->width, element) &&
           has_length(&a[RIGHT_BLOCKS], n_blocks * c->width * SCAN_COLUMNS, element) &&
           (o->set->layout != LAYOUT_NIBBLES || are_nibbles(&a[LEFT_ROWS])) &&
           (n_blocks == 0 || (uintptr_t)c->right_blocks % 64 == 0) &&
           has_length(&a[LARGEST_DISTANCE], 2 * n_bits + 1, 4) &&
           has_length(&a[SMALLEST_COMMON], 2 * n_bits + 1, 4) &&
           has_length(&a[SMALLEST_PARTNER], n_bits + 1, 4) &&
           has_length(&a[LARGEST_PARTNER], n_bits + 1, 4);
}

/* Return whether no count is negative, above n_bits, or below the one before: tables are indexed
 * with them. */
static int is_ascending(const int32_t *counts, size_t n, size_t n_bits)
{
    int32_t before = 0;
    for (size_t i = 0; i < n; i++) {
        if (counts[i] < before || (size_t)counts[i] > n_bits)
            return 0;
        before = counts[i];
    }
    return 1;
}

static void free_opened(struct opened *o)
{
    for (int i = 0; i < N_ARRAYS; i++)
        PyBuffer_Release(&o->arrays[i]);
    PyMem_Free(o);
}

static void free_capsule(PyObject *capsule)
{
    free_opened(PyCapsule_GetPointer(capsule, CAPSULE));
}

static PyObject *open_comparison(PyObject *self, PyObject *args)
{
    (void)self;
    const char *name;
    Py_ssize_t n_words, width;
    struct opened *o = PyMem_Calloc(1, sizeof *o);
    if (!o)
        return PyErr_NoMemory();
    struct comparison *c = &o->comparison;
    Py_buffer *a = o->arrays;
    if (!PyArg_ParseTuple(args, "snnpy*y*y*y*y*y*y*y*y*y*", &name, &n_words, &width,
                          &c->is_triangle, &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], &a[6], &a[7],
                          &a[8], &a[9])) {
        /* A failed parse has released what it had filled. */
        PyMem_Free(o);
        return NULL;
    }
    o->set = find_set(name);
    c->n_words = (size_t)n_words;
    c->width = (size_t)width;
    c->n_left = (size_t)a[LEFT_COUNTS].len / 4;
    c->n_right = (size_t)a[RIGHT_COUNTS].len / 4;
    c->left_words = a[LEFT_WORDS].buf;
    c->right_words = a[RIGHT_WORDS].buf;
    c->left_counts = a[LEFT_COUNTS].buf;
    c->right_counts = a[RIGHT_COUNTS].buf;
    c->left_rows = a[LEFT_ROWS].buf;
    c->right_blocks = a[RIGHT_BLOCKS].buf;
    c->largest_distance = a[LARGEST_DISTANCE].buf;
    c->smallest_common = a[SMALLEST_COMMON].buf;
    c->smallest_partner = a[SMALLEST_PARTNER].buf;
    c->largest_partner = a[LARGEST_PARTNER].buf;
    if (!o->set || !fits(o) || !is_ascending(c->left_counts, c->n_left, 64 * c->n_words) ||
        !is_ascending(c->right_counts, c->n_right, 64 * c->n_words)) {
        free_opened(o);
        PyErr_SetString(PyExc_ValueError, "the arrays of a comparison contradict each other");
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(o, CAPSULE, free_capsule);
    if (!capsule)
        free_opened(o);
    return capsule;
}

static PyObject *scan(PyObject *self, PyObject *args)
{
    (void)self;
    PyObject *capsule, *result = NULL;
    Py_ssize_t start, stop, block_of_tile, row, block;
    Py_buffer left, right, common;
    if (!PyArg_ParseTuple(args, "Onn(nnn)w*w*w*", &capsule, &start, &stop, &block_of_tile, &row,
                          &block, &left, &right, &common))
        return NULL;
    const struct opened *o = PyCapsule_GetPointer(capsule, CAPSULE);
    struct position at = {(size_t)block_of_tile, (size_t)row, (size_t)block};
    struct found found = {left.buf, right.buf, common.buf, 0, (size_t)common.len / 2};
    if (o && (start < 0 || start > stop || (size_t)stop > o->comparison.n_left ||
              found.capacity < SCAN_ROWS * SCAN_COLUMNS || !has_length(&left, found.capacity, 4) ||
              !has_length(&right, found.capacity, 4) ||
              !has_length(&common, found.capacity, 2) || block_of_tile < 0 || row < 0 ||
              block < 0)) {
        PyErr_SetString(PyExc_ValueError, "a scan is out of range, or its arrays do not fit");
    } else if (o) {
        int is_done;
        Py_BEGIN_ALLOW_THREADS
        is_done = o->set->scan(&o->comparison, (size_t)start, (size_t)stop, &at, &found);
        Py_END_ALLOW_THREADS
        result = Py_BuildValue("(Nn(nnn))", PyBool_FromLong(is_done), (Py_ssize_t)found.n,
                               (Py_ssize_t)at.block_of_tile, (Py_ssize_t)at.row,
                               (Py_ssize_t)at.block);
    }
    PyBuffer_Release(&left);
    PyBuffer_Release(&right);
    PyBuffer_Release(&common);
    return result;
}

static PyObject *count(PyObject *self, PyObject *capsule)
{
    (void)self;
    const struct opened *o = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!o)
        return NULL;
    struct position at = {0, 0, 0};
    struct found found = {NULL, NULL, NULL, 0, 0};
    Py_BEGIN_ALLOW_THREADS
    o->set->scan(&o->comparison, 0, o->comparison.n_left, &at, &found);
    Py_END_ALLOW_THREADS
    return PyLong_FromSize_t(found.n);
}

static PyMethodDef methods[] = {
    {"instruction_sets", instruction_sets, METH_NOARGS, "Names and layouts, fastest first."},
    {"open", open_comparison, METH_VARARGS, "Return a comparison of the given arrays."},
    {"scan", scan, METH_VARARGS, "Find pairs until done or the arrays are full."},
    {"count", count, METH_O, "Count the pairs that the signatures do not rule out."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "app.extras.exhaustive._kernel",
    .m_doc = "Scans for pairs of similar encodings, one for each instruction set.",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC PyInit__kernel(void)
{
    sets = find_instruction_sets(&n_sets);
    return PyModule_Create(&module);
}
