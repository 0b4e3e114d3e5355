/* SPDX-License-Identifier: MIT */
#include "guarded.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

#define CANARY 0xA5
#define GARBAGE 0xDB

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

void guarded_init(struct guarded *region, size_t size, enum guarded_place place,
                  size_t shift) {
    size_t inside = (size + shift + page() - 1) / page() * page();
    void *mapping;

    if (inside == 0) inside = page();
    region->mapped = inside + 2 * page();
    mapping = mmap(NULL, region->mapped, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) give_up("mmap of a region failed");
    region->mapping = mapping;
    if (mprotect(region->mapping + page(), inside, PROT_READ | PROT_WRITE) != 0)
        give_up("mprotect of a region failed");
    region->size = size;
    region->memory = place == GUARDED_LOW
                         ? region->mapping + page() + shift
                         : region->mapping + page() + inside - shift - size;
    memset(region->mapping + page(), CANARY, inside);
    memset(region->memory, GARBAGE, size);
}

const char *guarded_fault(const struct guarded *region) {
    const unsigned char *base = region->mapping + page();
    const unsigned char *limit = region->mapping + region->mapped - page();

    for (const unsigned char *p = base; p < region->memory; p++)
        if (*p != CANARY)
            return fault("%zu bytes below the region there is 0x%02x",
                         (size_t)(region->memory - p), *p);
    for (const unsigned char *p = region->memory + region->size; p < limit; p++)
        if (*p != CANARY)
            return fault("%zu bytes above the region's end there is 0x%02x",
                         (size_t)(p - region->memory) - region->size, *p);
    return NULL;
}

void guarded_forbid(struct guarded *region) {
    if (mprotect(region->mapping, region->mapped, PROT_NONE) != 0)
        give_up("mprotect of a region failed");
}

void guarded_finish(struct guarded *region) {
    if (munmap(region->mapping, region->mapped) != 0)
        give_up("munmap of a region failed");
    memset(region, 0, sizeof(*region));
}
