// Makes calls to the disk fail, for tests: build with `cc -shared -fPIC -o shim.so shim.c -ldl`, load with LD_PRELOAD.
//
//   FAULT_PATH   only files whose path begins with this count
//   FAULT_CLASS  write | sync | truncate: which calls count
//   FAULT_NTH    the call that fails, counted from 1; 0 or none: no call
//   FAULT_KIND   EIO | ENOSPC | EINTR, SHORT (half is written, the call says so), TORN (half is written, the call fails).
//   FAULT_FULL   instead of the above: the files together may grow by this many bytes; then ENOSPC ...
//   FAULT_FREE   ... until this file is removed.
//   FAULT_LOG    the file of the log. Its lines: "S wal|main µs" a sync that worked, "X class file error µs" a fault.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static const char *path_prefix, *fault_class, *fault_kind, *free_path;
static size_t path_length;
static long nth, calls;
static long long room = -1;
static int log_file = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, #name))
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off64_t);
typedef int (*sync_call)(int);
typedef int (*truncate_call)(int, off64_t);
typedef int (*fallocate_call)(int, off64_t, off64_t);

static write_call real_write;
static pwrite_call real_pwrite;
static sync_call real_fsync, real_fdatasync;
static truncate_call real_truncate;
static fallocate_call real_fallocate;

__attribute__((constructor)) static void start(void) {
    real_write = REAL(write_call, write);
    real_pwrite = REAL(pwrite_call, pwrite64);
    real_fsync = REAL(sync_call, fsync);
    real_fdatasync = REAL(sync_call, fdatasync);
    real_truncate = REAL(truncate_call, ftruncate64);
    real_fallocate = REAL(fallocate_call, posix_fallocate64);
    path_prefix = getenv("FAULT_PATH");
    path_length = path_prefix ? strlen(path_prefix) : 0;
    fault_class = getenv("FAULT_CLASS") ? getenv("FAULT_CLASS") : "";
    fault_kind = getenv("FAULT_KIND") ? getenv("FAULT_KIND") : "EIO";
    nth = getenv("FAULT_NTH") ? atol(getenv("FAULT_NTH")) : 0;
    free_path = getenv("FAULT_FREE");
    if (getenv("FAULT_FULL")) room = atoll(getenv("FAULT_FULL"));
    if (getenv("FAULT_LOG")) log_file = open(getenv("FAULT_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    // What this process starts is not its concern.
    unsetenv("LD_PRELOAD");
}

static void note(const char *text) {
    char line[200];
    struct timespec now;
    if (log_file < 0 || !real_write) return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int count = snprintf(line, sizeof line, "%s %lld\n", text, (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    if (real_write(log_file, line, (size_t)count) != count) abort();
}

// The ending of the file's name if it counts ("main" for the database itself, "folder" for the folder of a log), or null.
static const char *counted(int file) {
    static __thread char target[4096];
    char link[40];
    if (!path_prefix) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t count = readlink(link, target, sizeof target - 1);
    if (count < (ssize_t)path_length || strncmp(target, path_prefix, path_length) != 0) return NULL;
    target[count] = 0;
    struct stat64 status;
    if (count != (ssize_t)path_length) return target + path_length + 1;
    return fstat64(file, &status) == 0 && S_ISDIR(status.st_mode) ? "folder" : "main";
}

// The error of a call that is to fail now: 0 for none, -1 for a short write that works, -2 for one that fails.
static int fault(const char *class, const char *file) {
    if (strcmp(class, fault_class) != 0) return 0;
    pthread_mutex_lock(&mutex);
    int is_now = ++calls == nth;
    pthread_mutex_unlock(&mutex);
    if (!is_now) return 0;
    char text[160];
    snprintf(text, sizeof text, "X %s %.60s %s", class, file, fault_kind);
    note(text);
    if (strcmp(fault_kind, "SHORT") == 0) return -1;
    if (strcmp(fault_kind, "TORN") == 0) return -2;
    if (strcmp(fault_kind, "ENOSPC") == 0) return ENOSPC;
    return strcmp(fault_kind, "EINTR") == 0 ? EINTR : EIO;
}

// Whether a write up to `end` finds room, if room is limited.
static int has_room(int file, off64_t end) {
    struct stat64 status;
    if (room < 0 || (free_path && access(free_path, F_OK) != 0)) return 1;
    if (fstat64(file, &status) != 0 || end <= status.st_size) return 1;
    pthread_mutex_lock(&mutex);
    int fits = end - status.st_size <= room;
    if (fits) room -= end - status.st_size;
    pthread_mutex_unlock(&mutex);
    return fits;
}

static ssize_t write_at(int file, const void *bytes, size_t count, off64_t offset, int has_offset) {
    const char *name = counted(file);
    int error = name ? fault("write", name) : 0;
    if (error == 0 && name && has_offset && !has_room(file, offset + (off64_t)count)) error = ENOSPC;
    if (error > 0) {
        errno = error;
        return -1;
    }
    size_t part = error < 0 && count > 1 ? count / 2 : count;
    ssize_t result = has_offset ? real_pwrite(file, bytes, part, offset) : real_write(file, bytes, part);
    if (error != -2) return result;
    errno = EIO;
    return -1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (!real_write) real_write = REAL(write_call, write);
    return path_prefix ? write_at(file, bytes, count, 0, 0) : real_write(file, bytes, count);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
    return write_at(file, bytes, count, offset, 1);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
    return write_at(file, bytes, count, offset, 1);
}

static int synchronize(int file, sync_call real) {
    const char *name = counted(file);
    if (!name) return real(file);
    int error = fault("sync", name);
    if (error != 0) {
        errno = error > 0 ? error : EIO;
        return -1;
    }
    int result = real(file);
    char text[100];
    snprintf(text, sizeof text, "S %.60s", name);
    if (result == 0) note(text);
    return result;
}
int fsync(int file) { return synchronize(file, real_fsync); }
int fdatasync(int file) { return synchronize(file, real_fdatasync); }

static int truncate_to(int file, off64_t size) {
    const char *name = counted(file);
    int error = name ? fault("truncate", name) : 0;
    if (error == 0) return real_truncate(file, size);
    errno = error > 0 ? error : EIO;
    return -1;
}
int ftruncate64(int file, off64_t size) { return truncate_to(file, size); }
int ftruncate(int file, off_t size) { return truncate_to(file, size); }

int posix_fallocate64(int file, off64_t offset, off64_t count) {
    const char *name = counted(file);
    int error = name ? fault("write", name) : 0;
    if (error == 0 && name && !has_room(file, offset + count)) error = ENOSPC;
    return error != 0 ? (error > 0 ? error : EIO) : real_fallocate(file, offset, count);
}
int posix_fallocate(int file, off_t offset, off_t count) { return posix_fallocate64(file, offset, count); }
