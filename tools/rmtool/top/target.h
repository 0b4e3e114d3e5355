/* SPDX-License-Identifier: MIT */
/*
 * A running program that has heaps of rmalloc, or the core file of one: found, stopped for
 * a moment, read. Whatever it does meanwhile, nothing of it is changed.
 *
 * Stopped is who runs. A thread that sleeps in a system call is left asleep, since being
 * stopped would end some of these calls with EINTR; if it has been awake until the end
 * of the copying, the copy is void.
 */
#ifndef RMTOOL_TARGET_H
#define RMTOOL_TARGET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rmalloc_view.h"

struct target_range {
    uint64_t base, limit;
};

struct target_thread {
    pid_t id;
    enum { THREAD_ASLEEP, THREAD_ASKED, THREAD_STOPPED, THREAD_GONE } state;
    uint64_t switches; /* of one asleep: it has been given a processor so often */
    int signal;        /* of one stopped: what was being delivered to it */
};

struct target {
    const char *name; /* what the user called it: a process, or a file */
    pid_t pid;        /* 0: a core file */
    char program[64];
    uint64_t started;  /* when it was, so that another of the same number is told */
    uint64_t file;     /* what it runs, so that another program is told */
    rm_view_t *view;   /* NULL: not found yet */
    uint64_t registry; /* its address */
    char version[20];  /* of its library */
    int pagemap;       /* -1: it cannot be asked where there are pages */
    int refused;       /* the system has not let us read some of it: its errno */
    struct target_range *files; /* n_files mappings of files: pages there are elsewhere */
    size_t n_files, room_files;
    struct target_thread *threads; /* while it stands still */
    size_t n_threads, room_threads;
    uint64_t stopped_at;
    sigset_t signals; /* that are blocked otherwise */
    /* a core file */
    const unsigned char *core;
    size_t core_bytes;
    struct core_segment *segments; /* n_segments of them (corefile.c) */
    size_t n_segments;
    unsigned n_registries; /* what looks like one */
};

/*
 * Finds the heaps of a process, or in a core file. Complains where it cannot; whatever it
 * returns, target_close is to be called.
 */
int target_open(struct target *target, const char *name, pid_t pid);
int target_open_core(struct target *target, const char *path); /* corefile.c */
void target_close(struct target *target);

/* Looks again which of its mappings are of files, where it has been found. */
void target_refresh(struct target *target);

/* Whether it still runs the same program, as far as can be told without stopping it. */
bool target_lives(const struct target *target);

/*
 * Stops it, and lets it go again. (freeze.c)
 *  stop: STATUS_OK; STATUS_FOUND: it has ended; STATUS_IO: not possible, complained about.
 *      *stands: receives whether it stands still: it may be that not all of it could be stopped
 *      in time. Then it has been let go again.
 *  go: STATUS_OK; STATUS_IO: a thread will not, complained about.
 *      *stopped_ns: receives for how long. *still: whether it has stood still in all that time.
 */
int target_stop(struct target *target, bool *stands);
int target_go(struct target *target, uint64_t *stopped_ns, bool *still);

/* For the search: looks for a registry among bytes of an address; of several the one with `most` heaps
   is taken. And what is said where none has been found, but maybe one of another layout. */
void target_search(struct target *target, uint64_t address, const unsigned char *bytes,
                   size_t size, size_t *most, rm_view_status_t *worst);
int target_found(const struct target *target, rm_view_status_t worst);

/* What a program says of itself, on its way to a terminal: bytes that are commands there become '?'. */
void target_printable(char *text);

/* The reader of its memory, for rm_view_open; context is the target. */
bool target_read(uint64_t address, void *to, size_t size, void *context);

#endif
