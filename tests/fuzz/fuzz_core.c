/* SPDX-License-Identifier: MIT */
/*
 * Core files with heaps in them, as `rmtool top --core` reads them; and so what is read of a
 * running program, since that goes the same way.
 *
 *      0 BYTES...                  the bytes are the file
 *      1 (OFFSET:24 XOR:8)...      the file is made here, of this program's own memory, as far as it
 *                                  is of its heaps; then some bytes of it are changed
 *
 * So what is kept of the second kind is good for any layout of the library's data.
 */
#include "fuzz.h"

#include <elf.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rmalloc_view.h>

#include "top/look.h"
#include "registry.h"

enum { SEGMENTS_MOST = 32, CELLS = 64, HEAPS_MOST = 4 };

static struct {
    unsigned char *bytes;
    size_t n, n_segments;
    Elf64_Phdr segments[SEGMENTS_MOST];
} made;

/* --- heaps of this program's own --- */

static unsigned char region[8192];
static int parked[2];

static rm_heap_t *make(void *memory, size_t size, rm_compaction_t compaction) {
    rm_heap_options_t options = RM_HEAP_OPTIONS_INIT;
    rm_heap_t *heap;

    options.memory = memory;
    options.size = size;
    options.compaction = compaction;
    if (rm_heap_create(&heap, &options) != RM_OK) abort();
    return heap;
}

static void fill(rm_heap_t *heap, unsigned n) {
    rm_memory_t *blocks[64];
    void *pointer;

    for (unsigned i = 0; i < n && i < 64; i++)
        if (rm_heap_alloc(heap, &blocks[i], i * 37 % 900, i % 9 == 8 ? 64 : 0, 0) !=
            RM_OK)
            n = i;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; i % 4 == 1 && k <= i % 6; k++) rmlock(blocks[i], &pointer);
        if (i % 4 == 2) rmfree(blocks[i]);
    }
}

/* Its cache stays. */
static void *work(void *heap) {
    fill(heap, 40);
    if (write(parked[1], "", 1) != 1) abort();
    for (;;) pause();
    return NULL;
}

/* --- a core file of what is needed --- */

static void add(const void *from, size_t size) {
    if (made.n_segments == SEGMENTS_MOST) abort();
    made.segments[made.n_segments++] = (Elf64_Phdr){.p_type = PT_LOAD,
                                                    .p_flags = PF_R | PF_W,
                                                    .p_vaddr = (uintptr_t)from,
                                                    .p_filesz = size,
                                                    .p_memsz = size};
}

static void add_heap(unsigned i) {
    const struct place *place = &registry_sign.places[i];
    const struct heap *h = (const struct heap *)place->gate.heap;

    if (h->region.pages) {
        add(h->region.low, (size_t)(h->region.area_end - h->region.low));
        add(h->region.table_end, (size_t)(h->region.zones_end - h->region.table_end));
    } else {
        add(place->low, place->bytes);
    }
    for (const struct cache *c = place->crowd.caches; c; c = c->next) add(c, sizeof(*c));
    if (place->watch) add(place->watch, sizeof(*place->watch));
}

static void make_core(void) {
    Elf64_Ehdr header = {.e_type = ET_CORE,
                         .e_machine = EM_X86_64,
                         .e_phoff = sizeof(header),
                         .e_phentsize = sizeof(Elf64_Phdr)};
    const unsigned n = registry_sign.n_fresh;

    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    add(&registry_sign, sizeof(registry_sign));
    add(registry_sign.default_state, sizeof(*registry_sign.default_state));
    add(registry_sign.places, n * sizeof(*registry_sign.places));
    for (unsigned i = 0; i < n; i++) add_heap(i);

    header.e_phnum = (Elf64_Half)made.n_segments;
    made.n = sizeof(header) + made.n_segments * sizeof(Elf64_Phdr);
    for (size_t i = 0; i < made.n_segments; i++) {
        made.segments[i].p_offset = made.n;
        made.n += made.segments[i].p_filesz;
    }
    made.bytes = malloc(made.n);
    if (!made.bytes) abort();
    memcpy(made.bytes, &header, sizeof(header));
    memcpy(made.bytes + sizeof(header), made.segments,
           made.n_segments * sizeof(Elf64_Phdr));
    for (size_t i = 0; i < made.n_segments; i++)
        memcpy(made.bytes + made.segments[i].p_offset,
               (const void *)(uintptr_t)made.segments[i].p_vaddr,
               made.segments[i].p_filesz);
}

static void prepare(void) {
    pthread_t thread;
    char byte;
    rm_heap_t *growing = make(NULL, 4 << 20, RM_COMPACT_ON_DEMAND);

    if (pipe(parked) != 0 || pthread_create(&thread, NULL, work, growing) != 0 ||
        read(parked[0], &byte, 1) != 1)
        abort();
    fill(growing, 30);
    fill(make(region, sizeof(region), RM_COMPACT_STEADY), 40);
    make_core();
}

/* --- the target --- */

/* What is told of a heap adds up. */
static void look_at(struct target *target, const rm_view_heap_t *heap) {
    struct look look = {0};
    bool ended;
    uint64_t used = 0, free_bytes = 0, metadata = 0;

    if (look_take(&look, target, heap, CELLS, &ended) == 0 && look.taken) {
        const rm_stats_t *s = &look.stats;
        FUZZ_HOLDS(s->used + s->free + s->metadata == s->capacity);
        FUZZ_HOLDS(look.n_cells <= CELLS);
        for (size_t i = 0; i < look.n_cells; i++) {
            used += look.cells[i].used + look.cells[i].locked;
            free_bytes += look.cells[i].free;
            metadata += look.cells[i].metadata;
        }
        FUZZ_HOLDS(used == s->used && free_bytes == s->free && metadata == s->metadata);
    }
    look_finish(&look);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static unsigned char *core;
    const char *path;
    struct target target;
    rm_view_heap_t *heaps = NULL;
    size_t n = 0;

    if (!made.bytes) prepare();
    if (size == 0) return 0;
    if (data[0] % 2 == 0) {
        path = fuzz_file(data + 1, size - 1);
    } else {
        if (!core) core = malloc(made.n);
        if (!core) return 0;
        memcpy(core, made.bytes, made.n);
        for (size_t i = 1; i + 4 <= size; i += 4) {
            size_t at = data[i] | (size_t)data[i + 1] << 8 | (size_t)data[i + 2] << 16;
            core[at % made.n] ^= data[i + 3];
        }
        path = fuzz_file(core, made.n);
    }
    if (target_open_core(&target, path) == 0 &&
        look_heaps(&target, true, &heaps, &n) == 0)
        for (size_t i = 0; i < n && i < HEAPS_MOST; i++) look_at(&target, &heaps[i]);
    if (size == 1 && data[0] == 1) FUZZ_HOLDS(n == 2); /* nothing has been changed */
    free(heaps);
    target_close(&target);
    return 0;
}
