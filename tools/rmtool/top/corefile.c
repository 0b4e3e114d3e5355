/* SPDX-License-Identifier: MIT */
#include "top/corefile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/say.h"

/* A part of memory that is in the file: `in_file` bytes of it, the others are zero. */
struct core_segment {
    uint64_t base, limit, in_file, offset;
    bool writable;
};

/* --- which there are: nothing that the file says is believed --- */

static int by_base(const void *a, const void *b) {
    const struct core_segment *x = a, *y = b;
    return (x->base > y->base) - (x->base < y->base);
}

/* The i-th one; false: it is not one of memory, or lies outside of the file. */
static bool read_segment(const struct target *target, const Elf64_Ehdr *header, size_t i,
                         struct core_segment *is) {
    Elf64_Phdr s;
    uint64_t at = header->e_phoff + i * sizeof(s);

    if (at > target->core_bytes || target->core_bytes - at < sizeof(s)) return false;
    memcpy(&s, target->core + at, sizeof(s));
    *is = (struct core_segment){s.p_vaddr, s.p_vaddr + s.p_memsz, s.p_filesz, s.p_offset,
                                s.p_flags & PF_W};
    return s.p_type == PT_LOAD && s.p_offset <= target->core_bytes &&
           s.p_filesz <= target->core_bytes - s.p_offset && s.p_filesz <= s.p_memsz &&
           s.p_memsz > 0 && s.p_vaddr <= UINT64_MAX - s.p_memsz;
}

/* In order. No address is in two of them, and they are not more than the file, or to read them could take for ever. */
static int read_segments(struct target *target) {
    Elf64_Ehdr header;
    uint64_t bytes = 0;

    memcpy(&header, target->core, sizeof(header));
    target->segments = calloc((size_t)header.e_phnum + 1, sizeof(*target->segments));
    if (!target->segments) return complain(STATUS_IO, "no memory for a list of segments");
    for (size_t i = 0; i < header.e_phnum; i++) {
        struct core_segment *s = &target->segments[target->n_segments];
        if (!read_segment(target, &header, i, s)) continue;
        bytes += s->in_file;
        target->n_segments++;
    }
    qsort(target->segments, target->n_segments, sizeof(*target->segments), by_base);
    bool sound = bytes <= target->core_bytes;
    for (size_t i = 1; i < target->n_segments; i++)
        if (target->segments[i].base < target->segments[i - 1].limit) sound = false;
    if (sound) return STATUS_OK;
    return complain(STATUS_MALFORMED, "%s: segments of this core file overlap",
                    target->name);
}

/* --- its memory --- */

static const struct core_segment *segment_of(const struct target *target,
                                             uint64_t address) {
    size_t low = 0, high = target->n_segments;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (target->segments[middle].limit <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == target->n_segments || target->segments[low].base > address) return NULL;
    return &target->segments[low];
}

bool corefile_read(const struct target *target, uint64_t address, void *to, size_t size) {
    while (size > 0) {
        const struct core_segment *s = segment_of(target, address);
        if (!s) return false;
        uint64_t offset = address - s->base, there = s->limit - address;
        size_t bytes = there < size ? there : size;
        if (offset < s->in_file) {
            uint64_t rest = s->in_file - offset;
            memcpy(to, target->core + s->offset + offset, rest < bytes ? rest : bytes);
        }
        address += bytes;
        to = (char *)to + bytes;
        size -= bytes;
    }
    return true;
}

/* --- the file --- */

static int map_file(struct target *target, const char *path) {
    struct stat is;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0 || fstat(descriptor, &is) != 0) {
        int error = errno;
        if (descriptor >= 0) close(descriptor);
        return complain(STATUS_IO, "%s: %s", path, strerror(error));
    }
    if (!S_ISREG(is.st_mode)) {
        close(descriptor);
        return complain(STATUS_IO, "%s: it is not a regular file", path);
    }
    target->core_bytes = (size_t)is.st_size;
    if (target->core_bytes < sizeof(Elf64_Ehdr)) {
        close(descriptor);
        return complain(STATUS_MALFORMED, "%s: it is too short for a core file", path);
    }
    void *memory = mmap(NULL, target->core_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    int error = errno;
    close(descriptor);
    if (memory == MAP_FAILED) return complain(STATUS_IO, "%s: %s", path, strerror(error));
    target->core = memory;
    return STATUS_OK;
}

/* As far as it can be told from the header. */
static bool is_core(const struct target *target) {
    Elf64_Ehdr header;

    memcpy(&header, target->core, sizeof(header));
    return memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
           header.e_ident[EI_CLASS] == ELFCLASS64 &&
           header.e_ident[EI_DATA] == ELFDATA2LSB && header.e_type == ET_CORE &&
           header.e_phentsize == sizeof(Elf64_Phdr);
}

int target_open_core(struct target *target, const char *path) {
    size_t most = 0;
    rm_view_status_t worst = RM_VIEW_NONE;

    *target = (struct target){.name = path, .program = "core file", .pagemap = -1};
    int status = map_file(target, path);
    if (status) return status;
    if (!is_core(target))
        return complain(STATUS_MALFORMED,
                        "%s: it is not a core file of a 64-bit little-endian machine",
                        path);
    status = read_segments(target);
    if (status) return status;
    for (size_t i = 0; i < target->n_segments; i++) {
        const struct core_segment *s = &target->segments[i];
        if (s->writable)
            target_search(target, s->base, target->core + s->offset, s->in_file, &most,
                          &worst);
    }
    return target_found(target, worst);
}
