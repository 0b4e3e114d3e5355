/* SPDX-License-Identifier: MIT */
/* Blocks used after they are free, and heaps after they are gone. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stage.h"

/* Written, locked and unlocked; its address is kept, and the block is freed. */
static unsigned char *freed_block(rm_heap_t *in, size_t size, memory_t **h) {
    *h = block_in(in, size);
    unsigned char *at = lock(*h);
    memset(at, 'f', size);
    WRONG(unlock(*h));
    WRONG(drop(*h));
    return at;
}

static void freed_close(memory_t *h) {
    (void)h;
    RIGHT(unlock(h));
    RIGHT(drop(h));
}

CASE(freed_read, "a block of 40 read after rmfree") {
    memory_t *h;
    const unsigned char *at = freed_block(heap, 40, &h);
    unsigned char byte;
    GUILTY(byte = at[12]);
    freed_close(h);
    expect(byte == 'f', "the byte is another");
}

CASE(freed_write, "a block of 40 written after rmfree") {
    memory_t *h;
    unsigned char *at = freed_block(heap, 40, &h);
    GUILTY(at[12] = 1);
    freed_close(h);
}

CASE(freed_write_medium, "a block of 2,000 written after rmfree") {
    memory_t *h;
    unsigned char *at = freed_block(heap, 2000, &h);
    GUILTY(at[1200] = 1);
    freed_close(h);
}

CASE(freed_write_large, "a block of 60,000 written after rmfree") {
    memory_t *h;
    unsigned char *at = freed_block(heap, 60000, &h);
    GUILTY(at[1200] = 1);
    freed_close(h);
}

CASE(freed_write_reused, "written after rmfree, with another block there by then") {
    memory_t *h;
    unsigned char *at = freed_block(heap, 40, &h);
    memory_t *other = bytes_block(40, 'o');
    GUILTY(at[12] = 1);
    freed_close(h);
    expect(bytes_are(other, 40, 'o'), "another block's content has changed");
}

CASE(freed_read_reused, "read after rmfree, with another block there by then") {
    memory_t *h;
    const unsigned char *at = freed_block(heap, 200, &h);
    bytes_block(200, 'o');
    unsigned char byte;
    GUILTY(byte = at[99]);
    freed_close(h);
    expect(byte == 'f', "the byte is another");
}

CASE(freed_next, "a list freed by reading each link from the freed node") {
    struct node {
        memory_t *next;
        int value;
    } * n;
    memory_t *list = NULL;
    for (int i = 0; i < 20; i++) {
        memory_t *h = block(sizeof *n);
        *(n = lock(h)) = (struct node){list, i};
        unlock(h);
        list = h;
    }
    for (int i = 0; i < 20; i++) {
        n = lock(list);
        memory_t *next = n->next;
        unlock(list);
        drop(list);
        WRONG(GUILTY(next = n->next));
        list = next;
    }
    expect(list == NULL, "the list does not end");
}

CASE(freed_pages, "1 MiB in a growing heap, written after rmfree and rm_heap_trim") {
    rm_heap_t *growing = open_growing(RM_THREADS_NONE);
    memory_t *h;
    unsigned char *at = freed_block(growing, 1 << 20, &h);
    must(rm_heap_trim(growing));
    GUILTY(at[1 << 19] = 1);
    freed_close(h);
}

#ifndef MISUSE_TWIN
static void *drop_there(void *h) {
    drop(h);
    return NULL;
}
#endif

CASE(freed_elsewhere, "freed by another thread while it is read here") {
    rm_heap_t *shared = open_growing(RM_THREADS_SAFE);
    memory_t *h = block_in(shared, 64);
    unsigned char *at = lock(h), byte;
    memset(at, 's', 64);
    WRONG(unlock(h));
    WRONG(in_thread(drop_there, h));
    GUILTY(byte = at[8]);
    RIGHT(unlock(h));
    expect(byte == 's', "the byte is another");
}

/* --- heaps --- */

CASE(gone_growing, "an address of a block whose heap, which grows, has been destroyed") {
    rm_heap_t *growing = open_growing(RM_THREADS_NONE);
    memory_t *h = block_in(growing, 100);
    char *at = lock(h);
    WRONG(close_heap(growing));
    GUILTY(at[5] = 1);
}

static char other_region[65536] __attribute__((aligned(4096)));

CASE(gone_region, "an address of a block whose heap, in a region, has been destroyed") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 100);
    char *at = lock(h);
    WRONG(close_heap(other));
    GUILTY(at[5] = 1);
}

CASE(gone_region_reused, "the same, with another heap in the region by then") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 100);
    char *at = lock(h);
    WRONG(close_heap(other));
    WRONG(other = open_region(other_region, sizeof other_region));
    memory_t *next = block_in(other, 100);
    memset(lock(next), 'n', 100);
    unlock(next);
    GUILTY(at[5] = 1);
    expect(bytes_are(next, 100, 'n'), "another block's content has changed");
}

CASE(region_unmapped, "the region unmapped under its heap") {
    void *memory =
        mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(memory != MAP_FAILED, "no memory");
    rm_heap_t *other = open_region(memory, 65536);
    memory_t *h = block_in(other, 100);
    WRONG(munmap(memory, 65536));
    GUILTY(lock(h));
    unlock(h);
    RIGHT(close_heap(other));
    RIGHT(munmap(memory, 65536));
}

CASE(region_read_only, "the region made read-only under its heap") {
    void *memory =
        mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect(memory != MAP_FAILED, "no memory");
    rm_heap_t *other = open_region(memory, 65536);
    memory_t *h = block_in(other, 100);
    WRONG(mprotect(memory, 65536, PROT_READ));
    GUILTY(lock(h));
    unlock(h);
}

CASE(region_freed,
     "the region given to free() under its heap, and used for something else") {
    char *memory = malloc(65536);
    expect(memory != NULL, "no memory");
    rm_heap_t *other = open_region(memory, 65536);
    memory_t *h = block_in(other, 100);
    WRONG(free(memory));
    char *next = malloc(65536);
    expect(next != NULL, "no memory");
    memset(next, 0x11, 65536);
    GUILTY(must(rm_heap_check(other, NULL)));
    drop(h);
    free(next);
}

#ifndef MISUSE_TWIN
static rm_heap_t *open_on_stack(memory_t **h) {
    char memory[16384];
    rm_heap_t *other = open_region(memory, sizeof memory);
    *h = block_in(other, 100);
    return other;
}
#endif

static unsigned use_stack(void) {
    volatile char frames[20000];
    GUILTY(memset((char *)frames, 0x22, sizeof frames));
    return (unsigned)frames[77];
}

CASE(region_on_stack, "the region is a variable of a function that has returned") {
    memory_t *h;
    rm_heap_t *other = NULL;
    WRONG(other = open_on_stack(&h));
    RIGHT(other = open_region(other_region, sizeof other_region));
    RIGHT(h = block_in(other, 100));
    use_stack();
    GUILTY(must(rm_heap_check(other, NULL)));
    drop(h);
}

CASE(region_shared, "two heaps in one region") {
    rm_heap_t *other = open_region(other_region, sizeof other_region), *twice = other;
    memory_t *h = block_in(other, 100);
    memset(lock(h), 'a', 100);
    unlock(h);
    WRONG(GUILTY(twice = open_region(other_region, sizeof other_region)));
    memory_t *next = block_in(twice, 100);
    memset(lock(next), 'b', 100);
    unlock(next);
    WRONG(abandon_heap(twice));
    expect(bytes_are(h, 100, 'a'), "another block's content has changed");
}

CASE(region_overlap, "two regions that overlap") {
    rm_heap_t *low = open_region(other_region, 40000);
    memory_t *h = block_in(low, 35000);
    memset(lock(h), 'a', 35000);
    unlock(h);
    WRONG(open_region(other_region + 32768, 32768));
    RIGHT(open_region(other_region + 40960, 24576));
    GUILTY(expect(bytes_are(h, 35000, 'a'), "a block's content has changed"));
}

CASE(region_cleared, "the region cleared under its heap") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 100);
    WRONG(GUILTY(memset(other_region, 0, sizeof other_region)));
    size_t size;
    must(rmsize(h, &size));
}

CASE(region_partly_written, "the second half of the region used for something else") {
    rm_heap_t *other = open_region(other_region, sizeof other_region);
    memory_t *h = block_in(other, 40000);
    memset(lock(h), 'a', 40000);
    unlock(h);
    WRONG(GUILTY(memset(other_region + 30000, 7, 5000)));
    expect(bytes_are(h, 40000, 'a'), "a block's content has changed");
}
