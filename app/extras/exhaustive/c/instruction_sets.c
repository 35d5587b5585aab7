/* Which scans this processor can run. */
#include "scan.h"

static struct instruction_set supported[3];

const struct instruction_set *find_instruction_sets(size_t *n)
{
    size_t found = 0;
#ifdef SCAN_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vpopcntdq"))
        supported[found++] = (struct instruction_set){"avx512", LAYOUT_WORDS, scan_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("popcnt"))
        supported[found++] = (struct instruction_set){"avx2", LAYOUT_NIBBLES, scan_avx2};
#endif
    supported[found++] = (struct instruction_set){"portable", LAYOUT_WORDS, scan_portable};
    *n = found;
    return supported;
}
