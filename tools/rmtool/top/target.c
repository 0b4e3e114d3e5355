/* SPDX-License-Identifier: MIT */
#include "top/target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "top/corefile.h"
#include "top/freeze.h"
#include "base/say.h"

/* --- its memory --- */

static bool read_whole(struct target *target, uint64_t address, void *to, size_t size) {
    while (size > 0) {
        struct iovec here = {to, size}, there = {(void *)(uintptr_t)address, size};
        ssize_t n = process_vm_readv(target->pid, &here, 1, &there, 1, 0);
        if (n < 0 && (errno == EPERM || errno == EACCES)) target->refused = errno;
        if (n <= 0) return false;
        address += (uint64_t)n;
        to = (char *)to + n;
        size -= (size_t)n;
    }
    return true;
}

/* Is an address in a mapping of a file? *limit: so far that is as it is there. */
static bool is_of_file(const struct target *target, uint64_t address, uint64_t *limit) {
    *limit = UINT64_MAX;
    for (size_t i = 0; i < target->n_files; i++) {
        const struct target_range *file = &target->files[i];
        if (address >= file->limit) continue;
        *limit = address >= file->base ? file->limit : file->base;
        return address >= file->base;
    }
    return false;
}

/* Bits of an entry of /proc/PID/pagemap: there is a page, here or in swap space. */
#define PAGE_IS_THERE (UINT64_C(3) << 62)
enum { PAGES_AT_ONCE = 512 };

/* Pages that hold nothing are not touched: they would not be empty any more. */
static bool read_there(struct target *target, uint64_t address, void *to, size_t size) {
    uint64_t map[PAGES_AT_ONCE], page = (uint64_t)sysconf(_SC_PAGESIZE);

    while (size > 0) {
        uint64_t first = address / page, n = (address + size - 1) / page - first + 1;
        if (n > PAGES_AT_ONCE) n = PAGES_AT_ONCE;
        if (pread(target->pagemap, map, n * sizeof(*map),
                  (off_t)(first * sizeof(*map))) != (ssize_t)(n * sizeof(*map)))
            return false;
        for (uint64_t i = 0, same; i < n && size > 0; i += same) {
            bool there = (map[i] & PAGE_IS_THERE) != 0;
            for (same = 1; i + same < n; same++)
                if (((map[i + same] & PAGE_IS_THERE) != 0) != there) break;
            uint64_t end = (first + i + same) * page;
            size_t bytes = end - address < size ? end - address : size;
            if (there && !read_whole(target, address, to, bytes)) return false;
            address += bytes;
            to = (char *)to + bytes;
            size -= bytes;
        }
    }
    return true;
}

bool target_read(uint64_t address, void *to, size_t size, void *context) {
    struct target *target = context;
    uint64_t limit;

    if (target->core) return corefile_read(target, address, to, size);
    if (target->pagemap < 0) return read_whole(target, address, to, size);
    while (size > 0) {
        bool of_file = is_of_file(target, address, &limit);
        size_t bytes = limit - address < size ? limit - address : size;
        if (!(of_file ? read_whole : read_there)(target, address, to, bytes))
            return false;
        address += bytes;
        to = (char *)to + bytes;
        size -= bytes;
    }
    return true;
}

/* --- the registry --- */

/* A mapping that the registry may lie in: private, and may be written to. */
struct mapping {
    uint64_t base, limit;
    bool of_file;
};

/* An array with room for one more; NULL: there is no memory. */
static void *grow(void *array, size_t *room, size_t n, size_t size) {
    if (n < *room) return array;
    void *more = realloc(array, (2 * n + 32) * size);
    if (more) *room = 2 * n + 32;
    return more;
}

/* The mappings of files go to the target, in order, and those with a registry, maybe, to `mappings`. Returns 0, or
   an errno. */
static int read_maps(struct target *target, struct mapping **mappings, size_t *n) {
    char path[64], line[4400], mode[5];
    size_t room = 0;
    uint64_t base, limit, inode;
    int error = 0;

    *mappings = NULL;
    *n = 0;
    snprintf(path, sizeof(path), "/proc/%d/maps", (int)target->pid);
    FILE *file = fopen(path, "re");
    if (!file) return errno;
    target->n_files = 0;
    while (error == 0 && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %" SCNu64, &base, &limit,
                   mode, &inode) != 4)
            continue;
        if (inode != 0) {
            struct target_range *more = grow(target->files, &target->room_files,
                                             target->n_files, sizeof(*target->files));
            if (more) {
                target->files = more;
                target->files[target->n_files++] = (struct target_range){base, limit};
            } else {
                error = ENOMEM;
            }
        }
        if (strcmp(mode, "rw-p") != 0) continue;
        struct mapping *more = grow(*mappings, &room, *n, sizeof(**mappings));
        if (more) {
            *mappings = more;
            (*mappings)[(*n)++] = (struct mapping){base, limit, inode != 0};
        } else {
            error = ENOMEM;
        }
    }
    if (ferror(file)) error = EIO;
    fclose(file);
    return error == 0 && *n == 0 ? EACCES : error;
}

void target_refresh(struct target *target) {
    struct mapping *mappings;
    size_t n;

    if (target->core) return;
    read_maps(target, &mappings, &n); /* where it has ended that will be seen */
    free(mappings);
}

/* A program has one; who has made up thousands is not to keep us. */
enum { REGISTRIES_MOST = 64 };

/* Is there a registry among these bytes? Of several the one with most heaps is taken. */
void target_search(struct target *target, uint64_t address, const unsigned char *bytes,
                   size_t size, size_t *most, rm_view_status_t *worst) {
    const unsigned char *at = bytes, *end = bytes + size;

    while ((at = memmem(at, (size_t)(end - at), RM_VIEW_MAGIC, RM_VIEW_MAGIC_BYTES))) {
        uint64_t found = address + (uint64_t)(at++ - bytes);
        char version[20];
        rm_view_t *view;
        size_t n = 0;
        rm_view_status_t status =
            found % 8 ? RM_VIEW_NONE
                      : rm_view_open(&view, found, target_read, target, version);
        if (status == RM_VIEW_FOREIGN || status == RM_VIEW_OK) {
            memcpy(target->version, version, sizeof(version));
            target_printable(target->version);
        }
        if (status == RM_VIEW_FOREIGN) *worst = status;
        if (status != RM_VIEW_OK) continue;
        if (target->n_registries == REGISTRIES_MOST) {
            rm_view_close(view);
            return;
        }
        target->n_registries++;
        rm_view_heaps(view, NULL, 0, &n);
        if (target->view && n <= *most) {
            rm_view_close(view);
            continue;
        }
        rm_view_close(target->view);
        target->view = view;
        target->registry = found;
        *most = n;
    }
}

enum { SEARCH_AT_ONCE = 1 << 20, SEARCH_MOST = 64 << 20 };

static void search_mapping(struct target *target, const struct mapping *mapping,
                           unsigned char *buffer, size_t *most, rm_view_status_t *worst) {
    for (uint64_t at = mapping->base; at < mapping->limit;) {
        uint64_t size = mapping->limit - at;
        if (size > SEARCH_AT_ONCE) size = SEARCH_AT_ONCE;
        memset(buffer, 0, size);
        if (target_read(at, buffer, size, target))
            target_search(target, at, buffer, size, most, worst);
        if (at + size == mapping->limit) break;
        at += size - RM_VIEW_MAGIC_BYTES; /* it may lie on the border */
    }
}

/* Data of files first: elsewhere it can only be where something unusual has loaded the program. */
static int search(struct target *target) {
    struct mapping *mappings;
    size_t n, most = 0;
    rm_view_status_t worst = RM_VIEW_NONE;
    int status = STATUS_OK, error = read_maps(target, &mappings, &n);
    unsigned char *buffer = malloc(SEARCH_AT_ONCE);

    if (error != 0)
        status = freeze_refused(target, error, "its memory map");
    else if (!buffer)
        status = complain(STATUS_IO, "no memory");
    for (int rest = 0; status == STATUS_OK && !target->view && rest < 2; rest++)
        for (size_t i = 0; i < n; i++)
            if (mappings[i].of_file != rest &&
                mappings[i].limit - mappings[i].base <= SEARCH_MOST)
                search_mapping(target, &mappings[i], buffer, &most, &worst);
    free(buffer);
    free(mappings);
    return status == STATUS_OK ? target_found(target, worst) : status;
}

int target_found(const struct target *target, rm_view_status_t worst) {
    if (target->view) return STATUS_OK;
    if (target->refused != 0 && worst != RM_VIEW_FOREIGN)
        return freeze_refused(target, target->refused, "its memory");
    if (worst == RM_VIEW_FOREIGN)
        return complain(STATUS_MALFORMED,
                        "%s: its rmalloc is %s, and its data is laid out in another way "
                        "than this rmtool's: use the rmtool that was built with it",
                        target->name, target->version);
    return complain(STATUS_IO, "%s (%s): no heaps of rmalloc are in this program",
                    target->name, target->program);
}

/* --- opening and closing --- */

void target_printable(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) c[0] = c[1] = '?'; /* UTF-8 */
        if (*c < ' ' || *c == 0x7f) *c = '?';
    }
}

int target_open(struct target *target, const char *name, pid_t pid) {
    char path[64];

    *target = (struct target){.name = name, .pid = pid, .pagemap = -1};
    int status = freeze_identify(target);
    if (status) return status;
    snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
    target->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    return search(target);
}

void target_close(struct target *target) {
    rm_view_close(target->view);
    if (target->pagemap >= 0) close(target->pagemap);
    if (target->core) munmap((void *)(uintptr_t)target->core, target->core_bytes);
    free(target->segments);
    free(target->files);
    free(target->threads);
    *target = (struct target){.pagemap = -1};
}
