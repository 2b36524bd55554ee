/*
 * A disk that remembers and a disk that fails, between a program and its kernel.
 *
 * Loaded before the C library, it stands in front of every call that changes a file below one folder. Each change is
 * appended, with its data, to one log that all processes share: what a power cut may leave behind is worked out from it
 * afterwards. The order of the log is the order of the world: a change is logged when it has been made and before the
 * program hears of it; a flush is logged when it begins and again when it has ended.
 *
 * A page of memory shared with the test makes calls fail, end short, or lie, and moves the wall clock.
 *
 * SEGEL_DISK_ROOT     the folder that is watched, absolute and without links
 * SEGEL_DISK_LOG      the log; absent: nothing is logged
 * SEGEL_DISK_CONTROL  the shared page; absent: nothing fails
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum operation { OPEN = 1, WRITE, TRUNCATE, RENAME, UNLINK, LINK, MKDIR, RMDIR, SYNC_BEGUN, SYNC_ENDED, SYNC_FAILED };
enum kind { NOTHING, SYNC_FAILS, WRITE_FAILS, READ_FAILS, WRITE_IS_SHORT, SYNC_LIES };
enum opened { CREATED = 1, TRUNCATED = 2, DIRECTORY = 4 };

/* The log's record: this, then both paths, then the data. All numbers little endian, as the machine has them. */
struct record {
    uint32_t magic, operation, path_bytes, other_bytes;
    uint64_t handle, argument, data_bytes;
};

/* One fault: from the `skip`-th matching call on, `times` calls. */
struct rule {
    uint32_t kind;
    int32_t error;
    int64_t skip, times, seen, hits;
    char match[88];
};

struct control {
    int64_t clock_offset_micros;
    char reserved[120];
    struct rule rules[8];
};

struct file {
    uint64_t handle;
    int is_directory;
    char path[];
};

#define FILES_MAX 65536
#define MAGIC 0x52444753u

static char root[PATH_MAX];
static size_t root_bytes;
static int log_fd = -1;
static struct control *control;
static struct file *files[FILES_MAX];
static uint64_t next_handle, next_sync;
static int (*real_clock_gettime)(clockid_t, struct timespec *);
static int (*real_closedir)(DIR *);

static void die(const char *what) {
    dprintf(2, "the simulated disk cannot go on: %s: %s\n", what, strerror(errno));
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
    real_clock_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real_closedir = (int (*)(DIR *))dlsym(RTLD_NEXT, "closedir");
    const char *folder = getenv("SEGEL_DISK_ROOT"), *log = getenv("SEGEL_DISK_LOG");
    const char *page = getenv("SEGEL_DISK_CONTROL");
    if (!folder || strlen(folder) >= sizeof root) return;
    strcpy(root, folder);
    root_bytes = strlen(root);
    if (log) {
        log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (log_fd < 0) die(log);
        /* Out of the way of programs that count on low numbers. */
        int high = (int)syscall(SYS_fcntl, log_fd, F_DUPFD_CLOEXEC, 900);
        if (high >= 0) {
            syscall(SYS_close, log_fd);
            log_fd = high;
        }
    }
    if (page) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, page, O_RDWR | O_CLOEXEC);
        if (fd < 0) die(page);
        control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (control == MAP_FAILED) die(page);
        syscall(SYS_close, fd);
    }
}

static int is_below(const char *path) {
    return root_bytes && !strncmp(path, root, root_bytes) && (path[root_bytes] == '/' || !path[root_bytes]);
}

/* The shared memory of SQLite's log is rebuilt by whoever opens it first; a power cut leaves nothing of it to rely on. */
static int is_watched(const char *path) {
    if (!is_below(path)) return 0;
    size_t bytes = strlen(path);
    return bytes < 4 || strcmp(path + bytes - 4, "-shm");
}

static struct file *file_of(int fd) {
    return fd >= 0 && fd < FILES_MAX ? __atomic_load_n(&files[fd], __ATOMIC_ACQUIRE) : NULL;
}

static void forget(int fd) {
    if (fd >= 0 && fd < FILES_MAX) free(__atomic_exchange_n(&files[fd], NULL, __ATOMIC_ACQ_REL));
}

static void remember(int fd, uint64_t handle, const char *path, int is_directory) {
    if (fd < 0 || fd >= FILES_MAX) return;
    struct file *file = malloc(sizeof *file + strlen(path) + 1);
    if (!file) die("memory");
    file->handle = handle;
    file->is_directory = is_directory;
    strcpy(file->path, path);
    free(__atomic_exchange_n(&files[fd], file, __ATOMIC_ACQ_REL));
}

/* The absolute path of a name beside an open folder; 0 if it cannot be told. */
static int resolve(int folder, const char *path, char out[PATH_MAX]) {
    if (path[0] == '/') {
        if (strlen(path) >= PATH_MAX) return 0;
        strcpy(out, path);
        return 1;
    }
    struct file *file = file_of(folder);
    if (folder == AT_FDCWD || !file) return 0;
    return snprintf(out, PATH_MAX, "%s/%s", file->path, path) < PATH_MAX;
}

/* One append is one write: the kernel keeps those of all processes apart and in order. */
static void append(enum operation operation, uint64_t handle, uint64_t argument, const char *path, const char *other,
                   const void *data, size_t data_bytes) {
    if (log_fd < 0) return;
    struct record record = {MAGIC, operation, path ? (uint32_t)strlen(path) : 0, other ? (uint32_t)strlen(other) : 0,
                            handle, argument, data_bytes};
    struct iovec parts[4] = {{&record, sizeof record},
                             {(void *)path, record.path_bytes},
                             {(void *)other, record.other_bytes},
                             {(void *)data, data_bytes}};
    ssize_t all = (ssize_t)(sizeof record + record.path_bytes + record.other_bytes + data_bytes);
    int before = errno;
    if (syscall(SYS_writev, log_fd, parts, 4) != all) die("its log");
    errno = before;
}

/* The error of a call that is to fail, -1 for one that is to lie or end short, 0 for one that is left alone. */
static int fault(enum kind kind, const char *path) {
    if (!control) return 0;
    for (int i = 0; i < 8; i++) {
        struct rule *rule = &control->rules[i];
        if (__atomic_load_n(&rule->kind, __ATOMIC_ACQUIRE) != kind) continue;
        if (rule->match[0] && !strstr(path, rule->match)) continue;
        int64_t nth = __atomic_fetch_add(&rule->seen, 1, __ATOMIC_ACQ_REL);
        if (nth < rule->skip || nth - rule->skip >= rule->times) continue;
        __atomic_fetch_add(&rule->hits, 1, __ATOMIC_ACQ_REL);
        return rule->error ? rule->error : -1;
    }
    return 0;
}

static int fails(enum kind kind, const char *path) {
    int error = fault(kind, path);
    if (error > 0) errno = error;
    return error > 0;
}

static int open_at(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    int known = resolve(folder, name, path) && is_below(path);
    int creates = known && (flags & O_CREAT) && syscall(SYS_faccessat, AT_FDCWD, path, F_OK);
    if (creates && fails(WRITE_FAILS, path)) return -1;
    int fd = (int)syscall(SYS_openat, folder, name, flags, mode);
    if (fd < 0) return fd;
    forget(fd);
    if (!known) return fd;
    struct stat found;
    if (fstat(fd, &found)) return fd;
    int is_directory = S_ISDIR(found.st_mode);
    if (!is_directory && !S_ISREG(found.st_mode)) return fd;
    uint64_t handle = (uint64_t)getpid() << 32 | __atomic_fetch_add(&next_handle, 1, __ATOMIC_RELAXED);
    remember(fd, handle, path, is_directory);
    if (is_watched(path)) {
        uint64_t how = (creates ? CREATED : 0) | (flags & O_TRUNC ? TRUNCATED : 0) | (is_directory ? DIRECTORY : 0);
        append(OPEN, handle, how, path, NULL, NULL, 0);
    }
    return fd;
}

#define OPENS(flags) ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE)
#define MODE(flags, last)                                                                                              \
    mode_t mode = 0;                                                                                                   \
    if (OPENS(flags)) {                                                                                                \
        va_list rest;                                                                                                  \
        va_start(rest, last);                                                                                          \
        mode = va_arg(rest, mode_t);                                                                                   \
        va_end(rest);                                                                                                  \
    }

int open(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}
int openat(int folder, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(folder, path, flags, mode);
}
int openat64(int folder, const char *path, int flags, ...) {
    MODE(flags, flags)
    return open_at(folder, path, flags | O_LARGEFILE, mode);
}
int creat(const char *path, mode_t mode) { return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    forget(fd);
    return (int)syscall(SYS_close, fd);
}

int closedir(DIR *folder) {
    forget(dirfd(folder));
    return real_closedir(folder);
}

static int duplicated(int fd, int copy) {
    if (copy < 0 || copy == fd) return copy;
    forget(copy);
    struct file *file = file_of(fd);
    if (file) remember(copy, file->handle, file->path, file->is_directory);
    return copy;
}

int dup(int fd) { return duplicated(fd, (int)syscall(SYS_dup, fd)); }
int dup2(int fd, int copy) {
    return fd == copy ? (int)syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : copy
                      : duplicated(fd, (int)syscall(SYS_dup3, fd, copy, 0));
}
int dup3(int fd, int copy, int flags) { return duplicated(fd, (int)syscall(SYS_dup3, fd, copy, flags)); }

static int control_fd(int fd, int command, long argument) {
    int result = (int)syscall(SYS_fcntl, fd, command, argument);
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicated(fd, result) : result;
}
int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return control_fd(fd, command, argument);
}
int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return control_fd(fd, command, argument);
}

/* Every write: `at` is -1 where the file's own position holds. */
static ssize_t written(int fd, const struct iovec *parts, int count, off_t at) {
    struct file *file = file_of(fd);
    if (file && !file->is_directory && fails(WRITE_FAILS, file->path)) return -1;
    size_t wanted = 0;
    for (int i = 0; i < count; i++) wanted += parts[i].iov_len;
    struct iovec half;
    if (file && !file->is_directory && wanted > 1 && parts[0].iov_len > 1 && fault(WRITE_IS_SHORT, file->path)) {
        half.iov_base = parts[0].iov_base;
        half.iov_len = parts[0].iov_len / 2;
        parts = &half;
        count = 1;
    }
    ssize_t bytes;
    if (at < 0)
        bytes = count == 1 ? syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len)
                           : syscall(SYS_writev, fd, parts, count);
    else
        bytes = count == 1 ? syscall(SYS_pwrite64, fd, parts[0].iov_base, parts[0].iov_len, at)
                           : syscall(SYS_pwritev, fd, parts, count, at, 0);
    if (bytes <= 0 || log_fd < 0 || !file || file->is_directory || !is_watched(file->path)) return bytes;
    if (at < 0) at = syscall(SYS_lseek, fd, 0, SEEK_CUR) - bytes;
    if (count == 1) {
        append(WRITE, file->handle, (uint64_t)at, NULL, NULL, parts[0].iov_base, (size_t)bytes);
        return bytes;
    }
    char *whole = malloc((size_t)bytes);
    if (!whole) die("memory");
    size_t filled = 0;
    for (int i = 0; i < count && filled < (size_t)bytes; i++) {
        size_t part = parts[i].iov_len < (size_t)bytes - filled ? parts[i].iov_len : (size_t)bytes - filled;
        memcpy(whole + filled, parts[i].iov_base, part);
        filled += part;
    }
    append(WRITE, file->handle, (uint64_t)at, NULL, NULL, whole, filled);
    free(whole);
    return bytes;
}

ssize_t write(int fd, const void *data, size_t bytes) {
    struct iovec part = {(void *)data, bytes};
    return written(fd, &part, 1, -1);
}
ssize_t pwrite(int fd, const void *data, size_t bytes, off_t at) {
    struct iovec part = {(void *)data, bytes};
    return written(fd, &part, 1, at);
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t at) {
    struct iovec part = {(void *)data, bytes};
    return written(fd, &part, 1, at);
}
ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) { return written(fd, parts, count, at); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) { return written(fd, parts, count, at); }

ssize_t read(int fd, void *data, size_t bytes) {
    struct file *file = file_of(fd);
    if (file && !file->is_directory && fails(READ_FAILS, file->path)) return -1;
    return syscall(SYS_read, fd, data, bytes);
}
ssize_t pread(int fd, void *data, size_t bytes, off_t at) {
    struct file *file = file_of(fd);
    if (file && !file->is_directory && fails(READ_FAILS, file->path)) return -1;
    return syscall(SYS_pread64, fd, data, bytes, at);
}
ssize_t pread64(int fd, void *data, size_t bytes, off64_t at) { return pread(fd, data, bytes, at); }

int ftruncate(int fd, off_t bytes) {
    struct file *file = file_of(fd);
    struct stat before;
    if (file && !fstat(fd, &before) && bytes > before.st_size && fails(WRITE_FAILS, file->path)) return -1;
    int result = (int)syscall(SYS_ftruncate, fd, bytes);
    if (!result && file && is_watched(file->path)) append(TRUNCATE, file->handle, (uint64_t)bytes, NULL, NULL, NULL, 0);
    return result;
}
int ftruncate64(int fd, off64_t bytes) { return ftruncate(fd, bytes); }

int fallocate(int fd, int mode, off_t at, off_t bytes) {
    struct file *file = file_of(fd);
    if (file && fails(WRITE_FAILS, file->path)) return -1;
    int result = (int)syscall(SYS_fallocate, fd, mode, at, bytes);
    struct stat after;
    if (!result && !mode && file && is_watched(file->path) && !fstat(fd, &after))
        append(TRUNCATE, file->handle, (uint64_t)after.st_size, NULL, NULL, NULL, 0);
    return result;
}
int fallocate64(int fd, int mode, off64_t at, off64_t bytes) { return fallocate(fd, mode, at, bytes); }
int posix_fallocate(int fd, off_t at, off_t bytes) { return fallocate(fd, 0, at, bytes) ? errno : 0; }
int posix_fallocate64(int fd, off64_t at, off64_t bytes) { return posix_fallocate(fd, at, bytes); }

static int synced(int fd, long call) {
    struct file *file = file_of(fd);
    if (!file) return (int)syscall(call, fd);
    int error = fault(SYNC_FAILS, file->path);
    if (error) {
        /* As kernels do: the pages are dropped or held for clean, and the next flush knows nothing of them. */
        if (is_watched(file->path)) append(SYNC_FAILED, file->handle, 0, NULL, NULL, NULL, 0);
        errno = error > 0 ? error : EIO;
        return -1;
    }
    if (fault(SYNC_LIES, file->path)) return 0;
    uint64_t number = (uint64_t)getpid() << 32 | __atomic_fetch_add(&next_sync, 1, __ATOMIC_RELAXED);
    int is_logged = is_watched(file->path);
    if (is_logged) append(SYNC_BEGUN, file->handle, number, NULL, NULL, NULL, 0);
    int result = (int)syscall(call, fd);
    if (is_logged && !result) append(SYNC_ENDED, file->handle, number, NULL, NULL, NULL, 0);
    return result;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

static int renamed(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    char source[PATH_MAX], target[PATH_MAX];
    int known = resolve(from_folder, from, source) && resolve(to_folder, to, target);
    if (known && is_below(target) && fails(WRITE_FAILS, target)) return -1;
    int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (!result && known && is_watched(source) && is_watched(target)) append(RENAME, 0, 0, source, target, NULL, 0);
    return result;
}
int rename(const char *from, const char *to) { return renamed(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    return renamed(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
    return renamed(from_folder, from, to_folder, to, flags);
}

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    int known = resolve(folder, name, path) && is_watched(path);
    int result = (int)syscall(SYS_unlinkat, folder, name, flags);
    if (!result && known) append(flags & AT_REMOVEDIR ? RMDIR : UNLINK, 0, 0, path, NULL, NULL, 0);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    char source[PATH_MAX], target[PATH_MAX];
    int known = resolve(from_folder, from, source) && resolve(to_folder, to, target);
    int result = (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
    if (!result && known && is_watched(source) && is_watched(target)) append(LINK, 0, 0, source, target, NULL, 0);
    return result;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    int known = resolve(folder, name, path) && is_watched(path);
    if (known && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) && fails(WRITE_FAILS, path)) return -1;
    int result = (int)syscall(SYS_mkdirat, folder, name, mode);
    if (!result && known) append(MKDIR, 0, 0, path, NULL, NULL, 0);
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

/* The wall clock, moved. The clocks that only go forward are left alone. */
int clock_gettime(clockid_t clock, struct timespec *time) {
    int result = real_clock_gettime ? real_clock_gettime(clock, time) : (int)syscall(SYS_clock_gettime, clock, time);
    if (!result && control && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t offset = __atomic_load_n(&control->clock_offset_micros, __ATOMIC_ACQUIRE);
        int64_t nanos = time->tv_nsec + offset % 1000000 * 1000;
        time->tv_sec += offset / 1000000 + (nanos < 0 ? -1 : nanos / 1000000000);
        time->tv_nsec = nanos < 0 ? nanos + 1000000000 : nanos % 1000000000;
    }
    return result;
}
int gettimeofday(struct timeval *time, void *zone) {
    (void)zone;
    struct timespec now;
    int result = clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return result;
}
time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
