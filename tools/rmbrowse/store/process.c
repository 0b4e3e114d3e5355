/* SPDX-License-Identifier: MIT */
#include "store/process.h"

#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ------------------------------------------------------------ malloc's memory */

/* Where the program's break was at first: malloc's main area begins there. 0: not known. */
static uintptr_t area_base(void) {
    static uintptr_t base;
    char line[256];
    FILE *maps = base ? NULL : fopen("/proc/self/maps", "re");

    while (maps && fgets(line, sizeof(line), maps)) {
        unsigned long long begins;

        if (strstr(line, "[heap]") && sscanf(line, "%llx-", &begins) == 1)
            base = (uintptr_t)begins;
    }
    if (maps) fclose(maps);
    return base;
}

/* Bytes of malloc's main area whose pages are not there: given back by malloc_trim, or not yet touched. What malloc
   tells counts them, as it does not know. */
static size_t area_absent(void) {
    static unsigned char present[4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), absent = 0;
    uintptr_t at = area_base(), limit = (uintptr_t)sbrk(0) & ~(uintptr_t)(page - 1);

    while (at && at < limit) {
        size_t pages = (limit - at) / page;

        if (pages > sizeof(present)) pages = sizeof(present);
        if (mincore((void *)at, pages * page, present) != 0) break;
        for (size_t i = 0; i < pages; i++) absent += !(present[i] & 1) * page;
        at += pages * page;
    }
    return absent;
}

static size_t held(const struct mallinfo2 *told) {
    size_t absent = area_absent(), counted = told->arena + told->hblkhd;

    return absent < counted ? counted - absent : 0;
}

size_t process_malloc_held(void) {
    struct mallinfo2 told = mallinfo2();

    return held(&told);
}

/*
 * The largest free block of malloc's: of each bin, malloc_info says how long the longest is,
 *      <size from="1041" to="1999" total="10" count="2"/>      <unsorted from= ... />
 * and beside them there is the one at the top. What is written of other forms is not looked at.
 */
static size_t largest_free(const struct mallinfo2 *told) {
    static char text
        [1
         << 16]; /* some 100 bytes a bin, and 128 bins for each thread that uses malloc */
    static char buffer[4096];
    size_t largest = told->keepcost;
    FILE *file = fmemopen(text, sizeof(text), "w");

    if (!file) return largest;
    setvbuf(file, buffer, _IOFBF, sizeof(buffer));
    text[0] = '\0';
    malloc_info(0, file);
    fclose(file);
    text[sizeof(text) - 1] = '\0';
    for (char *line = text; line && *line; line = strchr(line, '\n')) {
        size_t from, to, total, count;

        line += strspn(line, "\n ");
        if ((sscanf(line, "<size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"",
                    &from, &to, &total, &count) == 4 ||
             sscanf(line, "<unsorted from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"",
                    &from, &to, &total, &count) == 4) &&
            count > 0 && to <= total && to > largest)
            largest = to;
    }
    return largest;
}

void process_malloc(struct malloc_figures *figures) {
    struct mallinfo2 told = mallinfo2();

    *figures = (struct malloc_figures){.held = held(&told),
                                       .used = told.uordblks + told.hblkhd,
                                       .free = told.fordblks,
                                       .largest_free = largest_free(&told)};
    if (figures->largest_free > figures->free) figures->largest_free = figures->free;
}

/* --------------------------------------------------------------- the kernel */

/* statm and not smaps_rollup, for which the kernel walks all pages: a frame asks for it. */
size_t process_resident(void) {
    FILE *file = fopen("/proc/self/statm", "re");
    size_t all, resident, shared;
    bool known = file && fscanf(file, "%zu %zu %zu", &all, &resident, &shared) == 3;

    if (file) fclose(file);
    return known && resident > shared
               ? (resident - shared) * (size_t)sysconf(_SC_PAGESIZE)
               : 0;
}
