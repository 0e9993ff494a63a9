/* Fails the n-th call of one kind below one folder; loaded by LD_PRELOAD (see failing.py).

   Whatever Python, SQLite, Arrow and zlib ask of the C library passes here, not what the C library
   asks of itself (fopen's own open) and not the pages of a mapped file. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE = 1, SYNC = 2, OPEN = 4, RENAME = 8, UNLINK = 16, TRUNCATE = 32, READ = 64, ALLOCATE = 128 };

static int kinds, code, sticky, spared;
static long at;
static size_t least;
static char below[PATH_MAX];
static atomic_long *count; /* by kind, in a page that the process which started this one sees too */

__attribute__((constructor)) static void begin(void) {
    count = (atomic_long *)syscall(SYS_mmap, NULL, 4096L, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS, -1, 0L);
}

void nth_arm(int which, long n, int error, int stays, const char *folder, size_t smallest) {
    kinds = 0;
    at = n, code = error, sticky = stays, least = smallest;
    strncpy(below, folder, sizeof below - 1);
    memset((void *)count, 0, 4096);
    kinds = which;
}

void nth_disarm(void) { kinds = 0; }

void nth_spare(int memory) { spared = memory; }

long nth_count(int which) {
    long n = 0;
    for (int bit = 0; bit < 8; bit++) n += which >> bit & 1 ? atomic_load(&count[bit]) : 0;
    return n;
}

/* Whether this call is to fail; errno is set then. */
static int fails(int kind) {
    atomic_fetch_add(&count[__builtin_ctz(kind)], 1);
    long n = atomic_fetch_add(&count[8], 1) + 1;
    int failed = at && (n == at || (sticky && n > at));
    if (failed) errno = code;
    return failed;
}

static int is_below(const char *path) { return strncmp(path, below, strlen(below)) == 0; }

static int fd_is_below(int fd) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = syscall(SYS_readlink, link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    return is_below(path);
}

static int path_is_below(int dir, const char *path) {
    if (path[0] == '/') return is_below(path);
    if (dir != AT_FDCWD) return fd_is_below(dir);
    char here[PATH_MAX];
    return syscall(SYS_getcwd, here, sizeof here) > 0 && is_below(here);
}

#define FD_FAILS(kind, fd) ((kinds & (kind)) && fd_is_below(fd) && fails(kind))
#define PATH_FAILS(kind, dir, path) ((kinds & (kind)) && path_is_below(dir, path) && fails(kind))
#define NEXT(name) \
    static __typeof__(&name) next; \
    if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A full disk takes what is written in place, and a part of what does not fit. */
static int grows(int fd, off_t start, size_t n) {
    struct stat status;
    if (code != ENOSPC || fstat(fd, &status)) return 1;
    if (start < 0) start = fcntl(fd, F_GETFL) & O_APPEND ? status.st_size : lseek(fd, 0, SEEK_CUR);
    return start + (off_t)n > status.st_size;
}

#define WRITES(name, parameters, arguments, fd, start, size, half) \
    ssize_t name parameters { \
        NEXT(name); \
        if ((kinds & WRITE) && fd_is_below(fd) && grows(fd, start, size) && fails(WRITE)) { \
            if (code != ENOSPC || atomic_load(&count[8]) != at || (size) < 2) return -1; \
            return next half; \
        } \
        return next arguments; \
    }

WRITES(write, (int fd, const void *b, size_t n), (fd, b, n), fd, -1, n, (fd, b, n / 2))
WRITES(pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), fd, o, n, (fd, b, n / 2, o))
WRITES(pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), fd, o, n, (fd, b, n / 2, o))
WRITES(writev, (int fd, const struct iovec *v, int n), (fd, v, n), fd, -1, n, (fd, v, n / 2))
WRITES(sendfile, (int to, int from, off_t *o, size_t n), (to, from, o, n), to, -1, n, (to, from, o, n / 2))
WRITES(sendfile64, (int to, int from, off64_t *o, size_t n), (to, from, o, n), to, -1, n, (to, from, o, n / 2))
WRITES(copy_file_range, (int from, off64_t *o, int to, off64_t *p, size_t n, unsigned f),
       (from, o, to, p, n, f), to, p ? *p : -1, n, (from, o, to, p, n / 2, f))

#define CALLS(type, name, parameters, arguments, test, failed) \
    type name parameters { \
        NEXT(name); \
        return (test) ? (failed) : next arguments; \
    }

CALLS(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n), FD_FAILS(READ, fd), -1)
CALLS(ssize_t, pread, (int fd, void *b, size_t n, off_t o), (fd, b, n, o), FD_FAILS(READ, fd), -1)
CALLS(ssize_t, pread64, (int fd, void *b, size_t n, off64_t o), (fd, b, n, o), FD_FAILS(READ, fd), -1)
CALLS(int, fsync, (int fd), (fd), FD_FAILS(SYNC, fd), -1)
CALLS(int, fdatasync, (int fd), (fd), FD_FAILS(SYNC, fd), -1)
CALLS(int, ftruncate, (int fd, off_t n), (fd, n), FD_FAILS(TRUNCATE, fd), -1)
CALLS(int, ftruncate64, (int fd, off64_t n), (fd, n), FD_FAILS(TRUNCATE, fd), -1)
CALLS(int, rename, (const char *a, const char *b), (a, b), PATH_FAILS(RENAME, AT_FDCWD, b), -1)
CALLS(int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b), PATH_FAILS(RENAME, e, b), -1)
CALLS(int, link, (const char *a, const char *b), (a, b), PATH_FAILS(OPEN, AT_FDCWD, b), -1)
CALLS(int, linkat, (int d, const char *a, int e, const char *b, int f), (d, a, e, b, f), PATH_FAILS(OPEN, e, b), -1)
CALLS(int, unlink, (const char *p), (p), PATH_FAILS(UNLINK, AT_FDCWD, p), -1)
CALLS(int, unlinkat, (int d, const char *p, int f), (d, p, f), PATH_FAILS(UNLINK, d, p), -1)
CALLS(int, rmdir, (const char *p), (p), PATH_FAILS(UNLINK, AT_FDCWD, p), -1)
CALLS(int, mkdir, (const char *p, mode_t m), (p, m), PATH_FAILS(OPEN, AT_FDCWD, p), -1)
CALLS(int, mkdirat, (int d, const char *p, mode_t m), (d, p, m), PATH_FAILS(OPEN, d, p), -1)

/* Opening counts where it makes a file or empties one; opening to read counts as reading. */
static int open_fails(int dir, const char *path, int flags) {
    if (flags & (O_CREAT | O_TRUNC)) /* a full disk still opens what is there */
        return !(code == ENOSPC && !(flags & O_TRUNC) && !faccessat(dir, path, F_OK, 0)) &&
               PATH_FAILS(OPEN, dir, path);
    return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_DIRECTORY) && PATH_FAILS(READ, dir, path);
}

#define MODE(last) \
    va_list more; \
    va_start(more, last); \
    mode_t mode = va_arg(more, mode_t); \
    va_end(more)
#define OPENS(name) \
    int name(const char *path, int flags, ...) { \
        NEXT(name); \
        MODE(flags); \
        return open_fails(AT_FDCWD, path, flags) ? -1 : next(path, flags, mode); \
    }
#define OPENS_AT(name) \
    int name(int dir, const char *path, int flags, ...) { \
        NEXT(name); \
        MODE(flags); \
        return open_fails(dir, path, flags) ? -1 : next(dir, path, flags, mode); \
    }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)

#define STREAMS(name) \
    FILE *name(const char *path, const char *mode) { \
        NEXT(name); \
        int flags = mode[0] == 'r' ? O_RDONLY : O_CREAT; \
        return open_fails(AT_FDCWD, path, flags) ? NULL : next(path, mode); \
    }

STREAMS(fopen)
STREAMS(fopen64)

/* Memory: dlsym itself allocates, so the C library's own names are used. */
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

#define LACKS(n) ((kinds & ALLOCATE) && !spared && (n) >= least && fails(ALLOCATE))

void *malloc(size_t n) { return LACKS(n) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t m) { return LACKS(n * m) ? NULL : __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { return LACKS(n) ? NULL : __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { return LACKS(n) ? NULL : __libc_memalign(a, n); }
void *memalign(size_t a, size_t n) { return LACKS(n) ? NULL : __libc_memalign(a, n); }
int posix_memalign(void **p, size_t a, size_t n) {
    if (LACKS(n)) return ENOMEM;
    return (*p = __libc_memalign(a, n)) || !n ? 0 : ENOMEM;
}
void *mmap(void *a, size_t n, int p, int f, int fd, off_t o) {
    if ((f & MAP_ANONYMOUS) && LACKS(n)) return MAP_FAILED;
    return (void *)syscall(SYS_mmap, a, n, p, f, fd, o);
}
void *mmap64(void *a, size_t n, int p, int f, int fd, off64_t o) { return mmap(a, n, p, f, fd, o); }
