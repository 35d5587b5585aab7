// While the file named by FULL_DISK_WHILE exists, nothing can be written to any file: the disk is full at 0 bytes.
// While READ_ONLY_WHILE exists, nothing can be opened to write, made, renamed or removed either, as after a fault of
// a drive, on which a system mounts it again to read only. A library for LD_PRELOAD. Sockets, pipes and terminals go on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_while(const char *variable) {
    const char *flag = getenv(variable);
    return flag && access(flag, F_OK) == 0;
}

static int is_full(int descriptor) {
    struct stat status;
    int full = is_while("FULL_DISK_WHILE");
    if (!full && !is_while("READ_ONLY_WHILE")) return 0;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    errno = full ? ENOSPC : EROFS;
    return 1;
}

static int is_read_only(void) {
    if (!is_while("READ_ONLY_WHILE")) return 0;
    errno = EROFS;
    return 1;
}

// What is there already is said first, as Linux does.
static int may_not_open(const char *path, int flags) {
    struct stat status;
    if ((flags & O_ACCMODE) == O_RDONLY && !(flags & O_CREAT)) return 0;
    if (stat(path, &status) == 0 && (!S_ISREG(status.st_mode) || (flags & O_EXCL))) return 0;
    return is_read_only();
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

#define OPEN(name)                                          \
    int name(const char *path, int flags, ...) {            \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = va_arg(rest, mode_t);                 \
        va_end(rest);                                       \
        if (may_not_open(path, flags)) return -1;           \
        return REAL(name)(path, flags, mode);               \
    }
OPEN(open)
OPEN(open64)

int rename(const char *from, const char *to) { return is_read_only() ? -1 : REAL(rename)(from, to); }

int unlink(const char *path) {
    return access(path, F_OK) == 0 && is_read_only() ? -1 : REAL(unlink)(path);
}

int mkdir(const char *path, mode_t mode) {
    return access(path, F_OK) != 0 && is_read_only() ? -1 : REAL(mkdir)(path, mode);
}
