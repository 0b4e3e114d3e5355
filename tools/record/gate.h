/* SPDX-License-Identifier: MIT */
/*
 * The way into the log: a slot, then 16 bytes. What is rare (the log is not there yet,
 * has to grow, or must not) is behind gate_open.
 *
 * `slots` is memory of the process, `gate` a page that a fork gives to the child as
 * zeros, and the log is mapped so that children do not have it. So whatever way a child
 * is made, its first record finds a closed gate, and the counter as it was at the fork:
 * it begins a log of its own there. A child of vfork shares all of it with its parent,
 * and writes into the parent's log: it uses the parent's heap.
 *
 * A signal handler may interrupt any of this, and allocate: it takes slots of its own.
 */
#ifndef RMRECORD_GATE_H
#define RMRECORD_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/single_threaded.h>

#include "record_log.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* A slot of this many says the time besides. */
#define GATE_TIME_EVERY 256

struct gate {
    _Atomic uint64_t limit; /* slots below it are mapped, and fallocated */
    struct record *base;    /* where slot 0 is, or would be */
    _Atomic uint32_t lock;  /* of gate_open */
    uint64_t end;           /* slot for which there is no address any more, or no file */
    int end_error;          /* which of them: an errno */
    int n_refused;          /* how often in a row there was no descriptor */
    uint64_t inode;         /* of the file */
    struct record_header *header;
};

struct gate_slots {
    _Alignas(64) _Atomic uint64_t next;
    char rest[56]; /* nothing else in this line */
};

extern struct gate *_Atomic gate; /* never NULL */
extern struct gate_slots gate_slots;
extern _Thread_local uint32_t gate_thread __attribute__((tls_model("initial-exec")));

/* Makes the slot writable. false: nothing is to be recorded. errno stays as it was. */
bool gate_open(uint64_t slot);

/* The number of a thread that has none yet. */
uint32_t gate_number_thread(void);

/* Writes the time. */
void gate_time(void);

static inline uint64_t gate_slot(void) {
#ifdef __x86_64__
    /* One instruction, so a signal handler cannot come between: enough while there is one
       thread. */
    if (__libc_single_threaded) {
        uint64_t one = 1;
        __asm__ volatile("xaddq %0, %1"
                         : "+r"(one), "+m"(gate_slots.next)
                         :
                         : "memory", "cc");
        return one;
    }
#endif
    return atomic_fetch_add_explicit(&gate_slots.next, 1, memory_order_relaxed);
}

/* The place of a new record; NULL: nowhere. */
static inline struct record *gate_place(uint64_t *slot) {
    struct gate *g = atomic_load_explicit(&gate, memory_order_acquire);

    *slot = gate_slot();
    if (unlikely(*slot >= atomic_load_explicit(&g->limit, memory_order_acquire))) {
        if (!gate_open(*slot)) return NULL;
        g = atomic_load_explicit(&gate, memory_order_acquire);
    }
    return g->base + *slot;
}

/* Word 0 says that the record is there, so it comes last. */
static inline void gate_write(struct record *record, uint64_t word0, uint64_t word1) {
    __atomic_store_n(&record->word[1], word1, __ATOMIC_RELAXED);
    __atomic_store_n(&record->word[0], word0, __ATOMIC_RELEASE);
}

static inline void gate_note(enum record_op op, const void *address, uint64_t size,
                             unsigned alignment_log2) {
    uint32_t thread = gate_thread;
    uint64_t slot;
    struct record *record = gate_place(&slot);

    if (unlikely(!record)) return;
    if (unlikely(thread == 0)) thread = gate_number_thread();
    gate_write(record, record_word0(op, (uintptr_t)address, alignment_log2),
               record_word1(size, thread));
    if (unlikely(slot % GATE_TIME_EVERY == 0)) gate_time();
}

#endif
