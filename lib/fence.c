/* SPDX-License-Identifier: MIT */
#include "fence.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "block.h"
#include "bytes.h"
#include "class.h"
#include "many.h"
#include "motion.h"
#include "os.h"

enum {
    FILL = 0xef,
    SLOT_BYTES = 8, /* the least that a slot takes of its region */
    STEP = 1 << 13,
    PAGES_STEP = 1 << 12,
    SHARE = 8, /* of the arena, that one block may take */
    SWEEP = 1024
};
/* Pages of the arena, as many as address space allows. */
enum { ARENA_MOST = 1 << 20, ARENA_LEAST = 1 << 10 };

/* All of them, for the signal's handler; changed with the registry's mutex held. */
static struct fence *all;

/* --- memory --- */

static size_t whole(size_t bytes) { return round_up(bytes, os_page()); }

static size_t aside(const struct fence *f, size_t *ranges, size_t *owners,
                    size_t *blocks) {
    size_t slots = whole((size_t)f->most * sizeof *f->slots);
    *ranges = slots;
    *owners = *ranges + whole((size_t)f->n_pages * sizeof *f->ranges);
    *blocks = *owners + whole((size_t)f->n_pages * sizeof *f->owners);
    return *blocks + whole((size_t)f->most * sizeof *f->blocks);
}

/* Memory for what is indexed up to `n`, of which there is some up to `*known`. False: the system refuses. */
static bool reach(void *base, size_t each, uint32_t *known, uint32_t n) {
    if (n <= *known) return true;
    char *from = (char *)round_down((uintptr_t)base + *known * each, os_page());
    char *to = (char *)round_up((uintptr_t)base + n * each, os_page());
    if (!os_commit(from, (size_t)(to - from))) return false;
    *known = n;
    return true;
}

/* So many, or some more; not more than the region bounds. */
static uint32_t some_more(const struct fence *f, uint32_t n) {
    size_t more = round_up(n, STEP);
    return more < f->most ? (uint32_t)more : f->most;
}
static bool reach_slots(struct fence *f, uint32_t n) {
    return reach(f->slots, sizeof *f->slots, &f->n_slots, some_more(f, n));
}
static bool reach_blocks(struct fence *f, uint32_t n) {
    return reach(f->blocks, sizeof *f->blocks, &f->room, some_more(f, n));
}

static void *reserve_arena(uint32_t *pages) {
    for (*pages = ARENA_MOST; *pages >= ARENA_LEAST; *pages /= 2) {
        void *arena = os_reserve(*pages * os_page());
        if (arena != NULL) return arena;
    }
    return NULL;
}

/* --- which blocks --- */

static uint32_t random_below(struct fence *f, uint32_t n) {
    uint64_t x = f->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(((x ^ x >> 31) >> 32) * n >> 32);
}

/* So many blocks until the next one: on the mean every so many, and no program is in step with it. */
static uint32_t gap(struct fence *f) {
    uint32_t most = f->every < UINT32_MAX / 2 ? 2 * f->every - 1 : UINT32_MAX;
    return 1 + random_below(f, most);
}

static uint32_t stamp_of(uint64_t handle) { return entry_generation(handle) + 1; }

static struct fence_slot *of(const struct fence *f, const struct heap_block *b) {
    if (b->slot >= f->n_slots) return NULL;
    struct fence_slot *slot = &f->slots[b->slot];
    return slot->stamp == stamp_of(b->handle) ? slot : NULL;
}

/* An unlocked block becomes one with many locks, of which there are none. False: it is locked just now. */
static bool hide(struct store *s, uint32_t slot) {
    uint64_t e = table_entry(&s->table, slot);
    while (entry_locks(e) == LOCKS_NONE)
        if (many_begin(s, slot, &e)) return true;
    return entry_locks(e) == LOCKS_MANY;
}

/* Is it still that block's handle? */
static bool is_live(const struct store *s, uint64_t handle) {
    uint32_t slot = handle_slot(handle);
    return table_live(&s->table, slot) &&
           entry_generation(table_entry(&s->table, slot)) == entry_generation(handle);
}

/* The stale ones go when there are so many blocks: more than the live ones, and no more than there is room for. */
static void set_sweep(struct fence *f) {
    uint32_t n = 2 * f->n_blocks + SWEEP;
    f->sweep = n < f->most ? n : f->most;
}

/* Those that have been moved, or had another size, are hidden again; the stale ones go. */
static void hide_all(struct fence *f) {
    struct store *s = &f->heap->store;
    uint32_t n = 0;
    f->bared = false;
    s->bared = false;
    for (uint32_t i = 0; i < f->n_blocks; i++) {
        uint64_t handle = f->blocks[i];
        if (!is_live(s, handle)) continue;
        f->blocks[n++] = handle;
        if (!hide(s, handle_slot(handle))) f->bared = true;
    }
    f->n_blocks = n;
    set_sweep(f);
}

/* --- pages --- */

static char *page_at(const struct fence *f, uint32_t page) {
    return f->arena + (size_t)page * os_page();
}

/* The range that a page is, or was last, in; 0: none that is known. One that began there may have been shorter since. */
static uint32_t owner_of(const struct fence *f, uint32_t page) {
    uint32_t owner = page < f->n_known ? f->owners[page] : 0;
    return owner != 0 && page < owner + f->ranges[owner].pages ? owner : 0;
}

/* So many pages that nothing open is in, from the cursor on, or round; the first of them, 0: there are none. */
static uint32_t find_pages(struct fence *f, uint32_t n) {
    bool round = false;
    for (uint32_t first = f->cursor, i = 0;;) {
        if (first + n > f->n_pages) {
            if (round) return 0;
            round = true;
            first =
                1; /* so that 0 is no range, and what lies below the first is protected */
            i = 0;
        }
        uint32_t owner = owner_of(f, first + i);
        if (owner != 0 && f->ranges[owner].open) {
            first = owner + f->ranges[owner].pages;
            i = 0;
        } else if (++i == n) {
            f->cursor = first + n;
            return first;
        }
    }
}

static bool know_pages(struct fence *f, uint32_t end) {
    uint32_t known = f->n_known, n = (uint32_t)round_up(end, PAGES_STEP);
    if (n > f->n_pages) n = f->n_pages;
    if (!reach(f->ranges, sizeof *f->ranges, &known, n)) return false;
    return reach(f->owners, sizeof *f->owners, &f->n_known, n);
}

/* The protected page of a range. */
static char *end_of(const struct fence *f, uint32_t range) {
    return page_at(f, range + f->ranges[range].pages - 1);
}

/* What is promised of a block's address: by its class, which is that of its size or of one that it had before, or
   asked for. Up to the end of its block it is the same whether size or class is asked. */
static size_t alignment_of(const struct store *s, const struct heap_block *b) {
    unit_t span = entry_span(s, table_entry(&s->table, b->slot));
    uint64_t h = area_header(&s->area, span);
    if (header_kind(h) == SPAN_ALIGNED) {
        size_t alignment = block_alignment(s, span);
        return alignment > UNIT ? alignment : UNIT;
    }
    unsigned class_id = header_kind(h) == SPAN_RUN ? run_class(h) : 0;
    return size_classes[class_id].stride % UNIT == 0 ? UNIT : 8; /* 0 without a run */
}

static uint32_t pages_of(const struct fence *f, size_t bytes) {
    size_t pages = (bytes + os_page() - 1) / os_page() + 1;
    return pages <= f->n_pages / SHARE ? (uint32_t)pages : 0;
}

/* Open pages for a block; 0: it is used where it is. As near to their end as its alignment allows. */
static uint32_t open_for(struct fence *f, const struct heap_block *b) {
    size_t back = round_up(b->size, alignment_of(&f->heap->store, b));
    uint32_t pages = pages_of(f, back), first = pages != 0 ? find_pages(f, pages) : 0;
    if (first == 0 || !know_pages(f, first + pages)) return 0;
    size_t bytes = (pages - 1) * os_page();
    if (bytes > 0 && !os_commit(page_at(f, first), bytes)) return 0;
    f->ranges[first] = (struct fence_range){.handle = b->handle,
                                            .size = b->size,
                                            .back = back,
                                            .pages = pages,
                                            .made = origin_of(f->origins, b->slot),
                                            .open = true};
    for (uint32_t i = 0; i < pages; i++) f->owners[first + i] = first;
    f->n_fenced++;
    return first;
}

/* Where its block begins. */
static char *address_of(const struct fence *f, uint32_t range) {
    return end_of(f, range) - f->ranges[range].back;
}

/* What lies around it is filled; the first byte of that which is not any more; NULL: all is. */
static void fill_around(const struct fence *f, uint32_t range) {
    char *at = address_of(f, range), *behind = at + f->ranges[range].size;
    memset(page_at(f, range), FILL, (size_t)(at - page_at(f, range)));
    memset(behind, FILL, (size_t)(end_of(f, range) - behind));
}
static const char *written_around(const struct fence *f, uint32_t range) {
    const char *at = address_of(f, range), *end = end_of(f, range);
    for (const char *p = page_at(f, range); p < end; p++) {
        if (p == at) p += f->ranges[range].size;
        if (p < end && (unsigned char)*p != FILL) return p;
    }
    return NULL;
}

static void shut(struct fence *f, struct fence_slot *slot) {
    struct fence_range *r = &f->ranges[slot->range];
    int saved = errno;
    size_t bytes = (r->pages - 1) * os_page();
    r->open = false;
    r->unlocked = origin_here(f->origins);
    if (bytes > 0)
        os_uncommit(page_at(f, slot->range), bytes); /* refused: it is not found, then */
    slot->range = 0;
    errno = saved;
}

/* --- telling --- */

static void tell(const struct fence *f, const char *how, const char *address,
                 uint32_t range) {
    const struct fence_range *r = &f->ranges[range];
    ptrdiff_t offset = address - address_of(f, range);
    origin_say("rmalloc: %s at %p, offset %td of a block of %zu bytes, handle %p%s", how,
               (const void *)address, offset, r->size, (void *)(uintptr_t)r->handle,
               r->open ? "" : ", which is not locked any more");
    origin_say("  made at");
    origin_print(f->origins, r->made);
    if (r->open) return;
    origin_say("  unlocked at");
    origin_print(f->origins, r->unlocked);
}

static struct sigaction handler_before;

/* Somebody has touched what nobody may: if it is a fence it is told. Then the fault has its way, as if nobody had
   been asked. */
static void on_fault(int signal, siginfo_t *info, void *context) {
    const char *address = info->si_addr;
    (void)signal, (void)context;
    for (const struct fence *f = all; f != NULL; f = f->next) {
        if (address < f->arena || address >= page_at(f, f->n_pages)) continue;
        uint32_t page = (uint32_t)((size_t)(address - f->arena) / os_page());
        uint32_t owner = owner_of(f, page);
        if (owner != 0)
            tell(f, "a fence stopped an access", address, owner);
        else
            origin_say("rmalloc: a fence stopped an access at %p", (const void *)address);
        origin_say("  found by RMALLOC_FENCE, in");
        origin_print_here();
    }
    sigaction(SIGSEGV, &handler_before, NULL);
}

static void listen(void) {
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static bool listening;
    if (listening) return;
    sigemptyset(&action.sa_mask);
    listening = sigaction(SIGSEGV, &action, &handler_before) == 0;
}

/* --- one heap's --- */

bool fence_init(struct fence *f, struct heap *h, size_t bytes, uint32_t every,
                struct origins *origins, bool tells) {
    size_t slots = bytes / SLOT_BYTES + 1, ranges, owners, blocks;
    *f = (struct fence){.heap = h, .origins = origins, .every = every, .tells = tells};
    f->most = slots < 1u << SLOT_BITS ? (uint32_t)slots : 1u << SLOT_BITS;
    f->arena = reserve_arena(&f->n_pages);
    if (f->arena == NULL) return false;
    char *memory = os_reserve(aside(f, &ranges, &owners, &blocks));
    if (memory == NULL) {
        os_unreserve(f->arena, f->n_pages * os_page());
        return false;
    }
    f->slots = (struct fence_slot *)memory;
    f->ranges = (struct fence_range *)(memory + ranges);
    f->owners = (uint32_t *)(memory + owners);
    f->blocks = (uint64_t *)(memory + blocks);
    f->cursor = 1;
    set_sweep(f);
    f->random = os_now_ns() ^ (uintptr_t)f->arena;
    f->left = gap(f);
    h->store.fenced = true;
    quick_disable(&h->store);
    f->next = all;
    all = f;
    if (tells) listen();
    return true;
}

void fence_finish(struct fence *f) {
    size_t ranges, owners, blocks;
    struct fence **link = &all;
    while (*link != f) link = &(*link)->next;
    *link = f->next;
    f->heap->store.fenced = f->heap->store.quick.off = false;
    os_unreserve(f->slots, aside(f, &ranges, &owners, &blocks));
    os_unreserve(f->arena, f->n_pages * os_page());
}

/* --- calls --- */

/* Who read has ended: what was unlocked meanwhile is protected. */
static void close_late(struct fence *f) {
    for (uint32_t i = 0; i < f->n_blocks; i++) {
        struct fence_slot *slot = &f->slots[handle_slot(f->blocks[i])];
        if (slot->range == 0 || !f->ranges[slot->range].late) continue;
        f->n_late--;
        shut(f, slot);
    }
}

bool fence_end(struct fence *f) {
    struct store *s = &f->heap->store;
    bool bared = s->bared || f->bared;
    if (unlikely(f->n_late > 0) && !motion_is_held(s)) close_late(f);
    if (unlikely(bared)) hide_all(f);
    return bared;
}

bool fence_made(struct fence *f, const struct heap_block *b) {
    struct store *s = &f->heap->store;
    if (b->slot < f->n_slots) f->slots[b->slot] = (struct fence_slot){0, 0};
    if (--f->left > 0) return false;
    f->left = gap(f);
    int saved = errno;
    bool known = reach_slots(f, b->slot + 1) && reach_blocks(f, f->n_blocks + 1);
    errno = saved;
    if (!known) return false;
    f->slots[b->slot] = (struct fence_slot){0, stamp_of(b->handle)};
    f->blocks[f->n_blocks++] = b->handle;
    hide(s, b->slot); /* nobody else knows it yet */
    if (f->n_blocks >= f->sweep) f->bared = true;
    return true;
}

void fence_freed(struct fence *f, const struct heap_block *b) {
    struct fence_slot *slot = of(f, b);
    if (slot == NULL) return;
    f->heap->store.bared = false; /* it was, to be freed, and no other */
    if (slot->range != 0) {
        f->n_late--;
        shut(f, slot);
    }
    slot->stamp = 0;
}

/* Will its last unlock come through here? One that was half moved looks like any other when it is locked. False: so it
   does, and others are at it. */
static bool stays_hidden(struct fence *f, uint32_t slot) {
    struct store *s = &f->heap->store;
    uint64_t e = table_entry(&s->table, slot);
    if (likely(entry_locks(e) == LOCKS_MANY)) return true;
    f->bared = true;
    return entry_count(e) == 1 && many_begin(s, slot, &e);
}

void fence_locked(struct fence *f, const struct heap_block *b) {
    struct fence_slot *slot = of(f, b);
    bool held = motion_is_held(&f->heap->store);
    int saved = errno;
    if (slot == NULL) return;
    if (f->n_late > 0 && !held) close_late(f);
    if (slot->range != 0) { /* whoever reads goes on with it */
        f->n_late--;
        f->ranges[slot->range].late = false;
        return;
    }
    if (held || !stays_hidden(f, b->slot)) return;
    slot->range = open_for(f, b);
    errno = saved;
    if (slot->range == 0) return;
    bytes_move(address_of(f, slot->range), b->address, b->size);
    fill_around(f, slot->range);
}

void fence_unlocked(struct fence *f, const struct heap_block *b) {
    struct fence_slot *slot = of(f, b);
    if (slot == NULL || slot->range == 0) return;
    const char *wrong = written_around(f, slot->range);
    if (wrong != NULL && f->tells) {
        tell(f, "bytes have been written beside a block", wrong, slot->range);
        origin_say("  found by RMALLOC_FENCE, at the last unlock");
        abort();
    }
    bytes_move(b->address, address_of(f, slot->range), b->size);
    if (motion_is_held(&f->heap->store)) {
        f->ranges[slot->range].late = true;
        f->n_late++;
    } else {
        shut(f, slot);
    }
}

bool fence_may_resize(const struct fence *f, const struct heap_block *b, size_t size) {
    const struct fence_slot *slot = of(f, b);
    return slot == NULL || slot->range == 0 || size <= f->ranges[slot->range].back;
}

void fence_resized(struct fence *f, const struct heap_block *before,
                   const struct heap_block *after) {
    const struct fence_slot *slot = of(f, before);
    if (slot == NULL || slot->range == 0) return;
    f->ranges[slot->range].size = after->size;
    char *behind = address_of(f, slot->range) + after->size;
    memset(behind, FILL, (size_t)(end_of(f, slot->range) - behind));
}

char *fence_pointer(const struct fence *f, const struct heap_block *b) {
    const struct fence_slot *slot = of(f, b);
    return slot == NULL || slot->range == 0 ? NULL : address_of(f, slot->range);
}
