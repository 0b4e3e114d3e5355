/* SPDX-License-Identifier: MIT */
/*
 * Files and pages, fetched by libcurl beside each other, without threads. What comes is put into an object of the
 * store named, which grows with it; it is nobody's but the fetch's until the fetch is done.
 */
#ifndef RMBROWSE_FETCH_H
#define RMBROWSE_FETCH_H

#include "store/store.h"

struct fetch_limits {
    size_t most_bytes;         /* of one body; longer ones fail */
    long connect_ms, total_ms; /* after which a fetch fails */
    long idle_ms;              /* without a byte: likewise */
    unsigned most_at_once;     /* connections; others wait */
};
/* An initialiser. */
#define FETCH_LIMITS_DEFAULT                                                             \
    {                                                                                    \
        .most_bytes = 16 << 20, .connect_ms = 5000, .total_ms = 30000, .idle_ms = 10000, \
        .most_at_once = 6                                                                \
    }

/* How it went. Texts are good during the call of fetch_done_fn. */
struct fetch_result {
    const char *
        error; /* a sentence; NULL: fine. HTTP statuses of 400 and above are errors that have a body */
    long status;         /* HTTP's; 0 for files */
    const char *url;     /* where it was in the end, after redirections */
    const char *type;    /* media type in lower case, "text/html"; "" where nobody says */
    const char *charset; /* "utf-8", as the server says; "" where it does not */
    ref_t
        body; /* the receiver's from now on; NO_REF where there is none, or nothing in it */
    size_t size; /* bytes of it */
};
typedef void fetch_done_fn(void *context, const struct fetch_result *result);

typedef struct fetcher fetcher_t;
typedef struct fetch fetch_t;

/* Returns: NULL where libcurl cannot begin. limits: NULL for those above. */
fetcher_t *fetcher_create(const struct fetch_limits *limits);
/* What is still going on is cancelled. NULL does nothing. */
void fetcher_destroy(fetcher_t *fetcher);

/*
 * Begins a fetch of `url`, which is copied. `done` is called once, from within fetcher_poll, never from here.
 * Returns: NULL where there is no memory.
 */
fetch_t *fetch_begin(fetcher_t *fetcher, store_t *store, const char *url,
                     fetch_done_fn *done, void *context);
/* Ends it without a word; `done` will not be called. Not from within `done` of the same fetch. */
void fetch_cancel(fetch_t *fetch);
/* Bytes that have come so far. */
size_t fetch_received(const fetch_t *fetch);

/* Lets what goes on go on, for at most so many milliseconds where there is nothing to do yet. Returns: how many
   fetches are not done. */
unsigned fetcher_poll(fetcher_t *fetcher, int wait_ms);

#endif
