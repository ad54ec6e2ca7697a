// For statx.
#define _GNU_SOURCE
#include "CSillok.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

int sillok_file_identity(const char *path, uint64_t *device, uint64_t *number) {
#if defined(__linux__) && defined(STATX_INO)
    // Without the times: since Linux 6.13 a file whose times were read gets new ones at the next write, and then each
    // fdatasync writes the inode too. That takes a third of an append.
    struct statx facts;
    if (statx(AT_FDCWD, path, 0, STATX_TYPE | STATX_INO, &facts) == 0) {
        *device = (uint64_t)makedev(facts.stx_dev_major, facts.stx_dev_minor);
        *number = facts.stx_ino;
        return 0;
    }
    if (errno != ENOSYS && errno != EPERM) return -1;
#endif
    struct stat status;
    if (stat(path, &status) != 0) return -1;
    *device = (uint64_t)status.st_dev;
    *number = (uint64_t)status.st_ino;
    return 0;
}

const char *sillok_network_file_system(const char *path) {
    struct statfs facts;
    if (statfs(path, &facts) != 0) return NULL;
#ifdef __linux__
    // The values of linux/magic.h, which not every system has.
    switch ((uint32_t)facts.f_type) {
    case 0x6969: return "NFS";
    case 0x517B:
    case 0xFE534D42:
    case 0xFF534D42: return "SMB";
    case 0x564C: return "NCP";
    case 0x5346414F:
    case 0x6B414653: return "AFS";
    case 0x73757245: return "Coda";
    default: return NULL;
    }
#else
    static const char *const names[][2] = {
        {"nfs", "NFS"}, {"smbfs", "SMB"}, {"cifs", "SMB"}, {"afpfs", "AFP"}, {"webdav", "WebDAV"}, {"ftp", "FTP"},
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        if (strcmp(facts.f_fstypename, names[index][0]) == 0) return names[index][1];
    }
    return NULL;
#endif
}

const char *sillok_doubtful_file_system(const char *path) {
#ifdef __linux__
    struct statfs facts;
    if (statfs(path, &facts) != 0) return NULL;
    switch ((uint32_t)facts.f_type) {
    case 0x01021994: return "tmpfs, which is memory: the store is lost when the machine restarts";
    case 0x794C7630: return "overlayfs: the store is lost with the container, and syncs may do nothing";
    case 0x65735546:
    case 0x01021997: return "FUSE or 9P: locks and syncs may not reach the disk behind it";
    default: return NULL;
    }
#else
    (void)path;
    return NULL;
#endif
}
