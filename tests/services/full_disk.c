// While the file named by FULL_DISK_WHILE exists, nothing can be written to any file: the disk is full at 0 bytes.
// A library for LD_PRELOAD. Sockets, pipes and terminals go on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_full(int descriptor) {
    struct stat status;
    const char *flag = getenv("FULL_DISK_WHILE");
    if (!flag || access(flag, F_OK) != 0) return 0;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    errno = ENOSPC;
    return 1;
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int descriptor, const void *bytes, size_t n) {
    return is_full(descriptor) ? -1 : REAL(write)(descriptor, bytes, n);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t n, off_t at) {
    return is_full(descriptor) ? -1 : REAL(pwrite)(descriptor, bytes, n, at);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t n, off64_t at) {
    return is_full(descriptor) ? -1 : REAL(pwrite64)(descriptor, bytes, n, at);
}

ssize_t writev(int descriptor, const struct iovec *parts, int n) {
    return is_full(descriptor) ? -1 : REAL(writev)(descriptor, parts, n);
}
