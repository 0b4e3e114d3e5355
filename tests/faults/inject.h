/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of the system, refused. The test programs are linked with the library's objects and
 * with --wrap, so each such call comes here first (inject.c): it is counted, and answered, or refused.
 *
 * requests.txt lists all of them; requests.sh holds that against the objects.
 */
#ifndef INJECT_H
#define INJECT_H

#include <stdbool.h>
#include <stddef.h>

enum system_request {
    REQUEST_RESERVE, /* mmap */
    REQUEST_COMMIT,  /* mprotect to readable and writable */
    REQUEST_PROTECT, /* mprotect to anything else */
    REQUEST_RELEASE, /* madvise DONTNEED */
    REQUEST_ADVISE,  /* madvise, huge pages or not */
    REQUEST_UNMAP,   /* munmap */
    REQUEST_USERFAULTFD,
    REQUEST_UFFD_API,
    REQUEST_UFFD_REGISTER,
    REQUEST_UFFD_MOVE,
    REQUEST_CLOSE,
    REQUEST_BARRIER_OPEN, /* membarrier: register */
    REQUEST_BARRIER,      /* membarrier: pass one */
    REQUEST_SLEEP,        /* nanosleep */
    REQUEST_NICE,         /* setpriority */
    REQUEST_THREAD,       /* pthread_create */
    REQUEST_KEY,          /* pthread_key_create */
    REQUEST_SPECIFIC,     /* pthread_setspecific */
    REQUEST_ATFORK,       /* pthread_atfork */
    REQUEST_COND,         /* pthread_cond_init */
    REQUEST_CONDATTR,     /* pthread_condattr_init */
    REQUEST_CONDATTR_CLOCK,
    REQUEST_TRYLOCK, /* pthread_mutex_trylock: what is refused may be had by waiting */
    N_REQUESTS
};

/* Which of the requests is to be refused. */
struct fault {
    unsigned k;      /* the k-th, from 1; 0: none */
    bool forever;    /* and every later one */
    unsigned choice; /* which of the reasons that the call can give */
    unsigned kinds;  /* of these, a set of bits 1 << REQUEST_... */
};
#define REQUESTS_ALL (((1u << N_REQUESTS) - 1) & ~(1u << REQUEST_TRYLOCK))

/* What has come of it; in memory that a child shares with whoever has begun it. */
struct injected {
    unsigned n_asked;             /* requests that might have been refused */
    unsigned n_refused;           /* those that were */
    unsigned asked[N_REQUESTS];   /* by kind, all of them */
    unsigned refused[N_REQUESTS]; /* likewise */
    int reason;                   /* of the last refusal, and what was asked for */
    enum system_request first, last;
};
extern struct injected *injected;

const char *inject_name(enum system_request request);
/* How many reasons it can give. */
unsigned inject_choices(enum system_request request);

void inject_begin(const struct fault *fault);
void inject_end(void);
/* Has a request been refused with this reason since the last call of inject_mark? */
void inject_mark(void);
bool inject_gave(int reason);

/* The calls between these two are the test's own: neither counted nor refused. They nest; per thread. */
void inject_suspend(void);
void inject_resume(void);

/* One more request, for those that stand for the calls. Returns why it is refused; 0: it is not. */
int inject_refusal(enum system_request request);

/* Address space that the library has and has not given back, bytes; what it could not give back because of a
   refusal is not counted, but may hold no memory. */
size_t inject_kept(void);
/* The latter: pages in it that hold memory. */
size_t inject_stuck_pages(void);

#endif
