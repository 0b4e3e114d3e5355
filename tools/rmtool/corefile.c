/* SPDX-License-Identifier: MIT */
#include "corefile.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"

/* Nothing that the file says is believed: each segment is looked at when it is used. */
static const Elf64_Ehdr *header_of(const struct target *target) {
    return (const Elf64_Ehdr *)(const void *)target->core;
}

/* The i-th segment; false: it is not one of memory, or lies outside of the file. */
static bool segment(const struct target *target, size_t i, Elf64_Phdr *is) {
    const Elf64_Ehdr *header = header_of(target);
    uint64_t at = header->e_phoff + i * sizeof(*is);

    if (at > target->core_bytes || target->core_bytes - at < sizeof(*is)) return false;
    memcpy(is, target->core + at, sizeof(*is));
    return is->p_type == PT_LOAD && is->p_offset <= target->core_bytes &&
           is->p_filesz <= target->core_bytes - is->p_offset &&
           is->p_filesz <= is->p_memsz && is->p_vaddr <= UINT64_MAX - is->p_memsz;
}

bool corefile_read(const struct target *target, uint64_t address, void *to, size_t size) {
    while (size > 0) {
        Elf64_Phdr s;
        size_t i, n = header_of(target)->e_phnum;
        for (i = 0; i < n; i++)
            if (segment(target, i, &s) && address >= s.p_vaddr &&
                address - s.p_vaddr < s.p_memsz)
                break;
        if (i == n) return false;
        uint64_t offset = address - s.p_vaddr, there = s.p_memsz - offset;
        size_t bytes = there < size ? there : size, copied = 0;
        if (offset < s.p_filesz) {
            copied = s.p_filesz - offset < bytes ? s.p_filesz - offset : bytes;
            memcpy(to, target->core + s.p_offset + offset, copied);
        }
        memset((char *)to + copied, 0, bytes - copied);
        address += bytes;
        to = (char *)to + bytes;
        size -= bytes;
    }
    return true;
}

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

int target_open_core(struct target *target, const char *path) {
    size_t most = 0;
    rm_view_status_t worst = RM_VIEW_NONE;
    Elf64_Phdr s;

    *target = (struct target){.name = path, .program = "core file", .pagemap = -1};
    int status = map_file(target, path);
    if (status) return status;
    const Elf64_Ehdr *header = header_of(target);
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_ident[EI_CLASS] != ELFCLASS64 ||
        header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_CORE ||
        header->e_phentsize != sizeof(Elf64_Phdr))
        return complain(STATUS_MALFORMED,
                        "%s: it is not a core file of a 64-bit little-endian machine",
                        path);
    for (size_t i = 0; i < header->e_phnum; i++)
        if (segment(target, i, &s) && (s.p_flags & PF_W))
            target_search(target, s.p_vaddr, target->core + s.p_offset, s.p_filesz, &most,
                          &worst);
    return target_found(target, worst);
}
