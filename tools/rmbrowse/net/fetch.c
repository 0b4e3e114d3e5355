/* SPDX-License-Identifier: MIT */
/*
 *              fetch_begin            fetcher_poll, while fewer than most_at_once go
 *      (none) ------------> waiting ------------------------------------------------> going
 *                              |                                                        |
 *                              | about:, a file that cannot be read                     | libcurl is done, or silence
 *                              +----------------------> over <--------------------------+
 *                                         taken off the list, `done`, freed
 *
 * A fetch that is over is on no list when `done` is called, and no list is walked meanwhile: `done` may begin and
 * cancel others as it likes. libcurl's callbacks call no one.
 */
#include "net/fetch.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "net/media.h"
#include "net/sentence.h"
#include "net/url.h"

enum { HEADERS_MOST = 256 << 10, REDIRECTIONS_MOST = 10, FIRST_ROOM = 16 << 10 };

struct fetcher {
    CURLM *multi;
    struct fetch_limits limits;
    fetch_t *first, *last; /* waiting and going ones, oldest first */
    unsigned n, n_going;
    uint64_t serial; /* of the one begun last */
    uint64_t n_over; /* since the beginning */
};

struct fetch {
    fetcher_t *fetcher;
    fetch_t *previous, *next;
    uint64_t serial;
    store_t *store;
    char *url;
    fetch_done_fn *done;
    void *context;

    CURL *easy; /* NULL while it waits */
    ref_t body;
    size_t size, room; /* of the body: what has come, and for how much there is room */
    size_t header_size;
    uint64_t begun_ms, heard_ms; /* heard: when the last byte came */
    enum trouble trouble;
    char reason[64]; /* HTTP's "Not Found" */
    char detail[CURL_ERROR_SIZE];
    char sentence[SENTENCE_MOST];
};

static uint64_t now_ms(void) { return clock_wall_ns() / 1000000; }

/* ------------------------------------------------------------------- the body */

/* How much room there has to be at once for `n` bytes more. */
static size_t wanted_room(const fetch_t *fetch, size_t n) {
    size_t need = fetch->size + n, most = fetch->fetcher->limits.most_bytes;
    size_t room = fetch->room + fetch->room / 2;
    curl_off_t expected = -1;

    if (fetch->room == 0) {
        curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
        if (expected > (curl_off_t)most) expected = (curl_off_t)most;
        room = expected > 0 ? (size_t)expected : FIRST_ROOM;
    }
    if (room > most) room = most;
    return room < need ? need : room;
}

static bool make_room(fetch_t *fetch, size_t n) {
    size_t room = wanted_room(fetch, n);

    if (fetch->body == NO_REF)
        fetch->body = store_new(fetch->store, room);
    else if (!store_resize(fetch->store, &fetch->body, room))
        return false;
    if (fetch->body == NO_REF) return false;
    fetch->room = room;
    return true;
}

/* CURLOPT_WRITEFUNCTION. */
static size_t take_body(char *bytes, size_t one, size_t n, void *context) {
    fetch_t *fetch = context;

    n *= one;
    fetch->heard_ms = now_ms();
    if (n == 0)
        return 0; /* libcurl may say so of what is empty, and there is no object then */
    if (n > fetch->fetcher->limits.most_bytes - fetch->size) {
        fetch->trouble = TROUBLE_LARGE;
        return 0;
    }
    if (n > fetch->room - fetch->size && !make_room(fetch, n)) {
        fetch->trouble = TROUBLE_MEMORY;
        return 0;
    }
    memcpy((char *)store_lock(fetch->body) + fetch->size, bytes, n);
    store_unlock(fetch->body);
    fetch->size += n;
    return n;
}

/* What follows the status in "HTTP/1.1 404 Not Found", printable and short. */
static void take_reason(fetch_t *fetch, const char *line, size_t n) {
    size_t kept = 0;

    for (int spaces = 0; n > 0 && spaces < 2; line++, n--) spaces += *line == ' ';
    while (n > 0 && isspace((unsigned char)line[n - 1])) n--;
    for (; kept < n && kept < sizeof fetch->reason - 1; kept++)
        fetch->reason[kept] = line[kept] >= ' ' && line[kept] <= '~' ? line[kept] : '?';
    fetch->reason[kept] = '\0';
}

/* CURLOPT_HEADERFUNCTION: each line of them, redirections' too. */
static size_t take_header(char *line, size_t one, size_t n, void *context) {
    fetch_t *fetch = context;

    n *= one;
    fetch->heard_ms = now_ms();
    fetch->header_size += n;
    if (fetch->header_size > HEADERS_MOST) {
        fetch->trouble = TROUBLE_HEADERS;
        return 0;
    }
    if (n > 5 && strncmp(line, "HTTP/", 5) == 0) take_reason(fetch, line, n);
    return n;
}

/* --------------------------------------------------------------- one comes, one goes */

static bool begins(const char *url, const char *with) {
    return strncasecmp(url, with, strlen(with)) == 0;
}

static void append(fetcher_t *fetcher, fetch_t *fetch) {
    fetch->fetcher = fetcher;
    fetch->serial = ++fetcher->serial;
    fetch->previous = fetcher->last;
    *(fetcher->last ? &fetcher->last->next : &fetcher->first) = fetch;
    fetcher->last = fetch;
    fetcher->n++;
}

/* Off the list; libcurl knows it no more, but can still be asked of it. */
static void take_off(fetch_t *fetch) {
    fetcher_t *fetcher = fetch->fetcher;

    *(fetch->previous ? &fetch->previous->next : &fetcher->first) = fetch->next;
    *(fetch->next ? &fetch->next->previous : &fetcher->last) = fetch->previous;
    fetcher->n--;
    fetcher->n_over++;
    if (fetch->easy) {
        curl_multi_remove_handle(fetcher->multi, fetch->easy);
        fetcher->n_going--;
    }
}

static void dispose(fetch_t *fetch) {
    curl_easy_cleanup(fetch->easy);
    store_free(fetch->store, fetch->body);
    free(fetch->url);
    free(fetch);
}

fetch_t *fetch_begin(fetcher_t *fetcher, store_t *store, const char *url,
                     fetch_done_fn *done, void *context) {
    fetch_t *fetch = calloc(1, sizeof *fetch);

    if (!fetch) return NULL;
    fetch->store = store;
    fetch->done = done;
    fetch->context = context;
    fetch->url = strdup(url);
    if (!fetch->url) {
        dispose(fetch);
        return NULL;
    }
    append(fetcher, fetch);
    return fetch;
}

void fetch_cancel(fetch_t *fetch) {
    take_off(fetch);
    dispose(fetch);
}

size_t fetch_received(const fetch_t *fetch) { return fetch->size; }

/* ------------------------------------------------------------------ how it went */

/* Where it was in the end. A redirection that names no place in the page keeps the one that was asked for. NULL: the
   URL asked for will do, as it was to a place where we do not follow, or there is no memory. */
static char *final_url(const fetch_t *fetch) {
    const char *mark = strchr(fetch->url, '#');
    char *effective = NULL, *url;

    if (!begins(fetch->url, "http")) return NULL;
    curl_easy_getinfo(fetch->easy, CURLINFO_EFFECTIVE_URL, &effective);
    if (!effective || !begins(effective, "http")) return NULL;
    if (strchr(effective, '#')) mark = NULL;
    return asprintf(&url, "%s%s", effective, mark ? mark : "") < 0 ? NULL : url;
}

/* What it is, as far as anybody says. */
static struct media media_of(const fetch_t *fetch) {
    char *header = NULL;

    if (begins(fetch->url, "about:")) return media_of_header("text/html");
    if (begins(fetch->url, "file:")) return media_of_name(fetch->url);
    curl_easy_getinfo(fetch->easy, CURLINFO_CONTENT_TYPE, &header);
    return media_of_header(header);
}

/* The body as the receiver has it: no larger than what came. */
static void settle_body(fetch_t *fetch, bool failed) {
    if (failed || fetch->size == 0) {
        store_free(fetch->store, fetch->body);
        fetch->body = NO_REF;
        fetch->size = 0;
    } else if (fetch->size < fetch->room) {
        store_resize(fetch->store, &fetch->body, fetch->size); /* larger is fine, too */
    }
}

/* It is over: off the list with it, and `done`. A sentence that is there already says why it could not even begin. */
static void end(fetch_t *fetch, CURLcode code) {
    struct fetch_result result = {.error = NULL};
    struct media media = {.type = ""};
    bool failed = *fetch->sentence || code != CURLE_OK || fetch->trouble != TROUBLE_NONE;
    char *url = NULL;

    take_off(fetch);
    if (fetch->easy) {
        if (failed)
            sentence_of(fetch->sentence, fetch->trouble, code, fetch->easy, fetch->detail,
                        &fetch->fetcher->limits);
        curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &result.status);
        if (!failed && result.status >= 400)
            sentence_of_status(fetch->sentence, result.status, fetch->reason);
        url = final_url(fetch);
    }
    if (!failed) media = media_of(fetch);
    settle_body(fetch, failed);

    result.error = *fetch->sentence ? fetch->sentence : NULL;
    result.url = url ? url : fetch->url;
    result.type = media.type;
    result.charset = media.charset;
    result.body = fetch->body;
    result.size = fetch->size;
    fetch->body = NO_REF; /* the receiver's */
    fetch->done(fetch->context, &result);
    free(url);
    dispose(fetch);
}

/* ------------------------------------------------------------------- beginning */

/* Which schemes libcurl may follow to: no server shall send us to our own files. */
static void allow_schemes(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "file,http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS,
                     (long)(CURLPROTO_FILE | CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS,
                     (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_options(fetch_t *fetch) {
    const struct fetch_limits *limits = &fetch->fetcher->limits;
    CURL *easy = fetch->easy;

    allow_schemes(easy);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, fetch);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, fetch);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->detail);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "rmbrowse");
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, ""); /* all that libcurl unpacks */
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTIONS_MOST);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, limits->connect_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, limits->total_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)limits->most_bytes);
}

/* From waiting to going, or to over. */
static void start(fetch_t *fetch) {
    fetcher_t *fetcher = fetch->fetcher;

    if (begins(fetch->url, "about:")) {
        if (!url_same_page(fetch->url, "about:blank"))
            snprintf(fetch->sentence, sizeof fetch->sentence, "There is no such page.");
        end(fetch, CURLE_OK);
        return;
    }
    if (begins(fetch->url, "file:") && !sentence_of_file(fetch->sentence, fetch->url)) {
        end(fetch, CURLE_OK);
        return;
    }
    fetch->begun_ms = fetch->heard_ms = now_ms();
    fetch->easy = curl_easy_init();
    if (fetch->easy) {
        set_options(fetch);
        if (curl_easy_setopt(fetch->easy, CURLOPT_URL, fetch->url) == CURLE_OK &&
            curl_multi_add_handle(fetcher->multi, fetch->easy) == CURLM_OK) {
            fetcher->n_going++;
            return;
        }
        curl_easy_cleanup(fetch->easy);
        fetch->easy = NULL;
    }
    sentence_of(fetch->sentence, TROUBLE_MEMORY, CURLE_OK, NULL, "", &fetcher->limits);
    end(fetch, CURLE_OK);
}

static fetch_t *first_waiting(fetcher_t *fetcher, uint64_t serial) {
    fetch_t *fetch = fetcher->first;

    while (fetch && fetch->easy) fetch = fetch->next;
    return fetch && fetch->serial <= serial ? fetch : NULL;
}

/* Starts what waits, as many as may go; but none that was begun meanwhile, or `done` could keep us here for ever. */
static void start_waiting(fetcher_t *fetcher) {
    uint64_t serial = fetcher->serial;
    fetch_t *fetch;

    while (fetcher->n_going < fetcher->limits.most_at_once &&
           (fetch = first_waiting(fetcher, serial)))
        start(fetch);
}

/* --------------------------------------------------------------------- polling */

/* In how many milliseconds the silence of a fetch that goes is too long. While it still connects, another limit
   holds. */
static uint64_t patience(const fetch_t *fetch, uint64_t now) {
    uint64_t limit = (uint64_t)fetch->fetcher->limits.idle_ms, since = fetch->begun_ms;
    curl_off_t connected = 0;

    curl_easy_getinfo(fetch->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    if (connected == 0) return limit;
    since += (uint64_t)connected / 1000;
    if (since < fetch->heard_ms) since = fetch->heard_ms;
    return now < since + limit ? since + limit - now : 0;
}

/* The one whose patience ends first, of those that go; NULL: none goes. */
static fetch_t *most_silent(fetcher_t *fetcher, uint64_t now, uint64_t *left) {
    fetch_t *found = NULL;

    for (fetch_t *fetch = fetcher->first; fetch; fetch = fetch->next)
        if (fetch->easy && (!found || patience(fetch, now) < *left)) {
            found = fetch;
            *left = patience(fetch, now);
        }
    return found;
}

/* Lets libcurl work, and ends what is over. */
static void advance(fetcher_t *fetcher) {
    uint64_t now, left;
    fetch_t *fetch;
    CURLMsg *message;
    int running;

    curl_multi_perform(fetcher->multi, &running);
    while ((message = curl_multi_info_read(fetcher->multi, &running))) {
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        end(fetch, code);
    }
    now = now_ms();
    while ((fetch = most_silent(fetcher, now, &left)) && left == 0) {
        fetch->trouble = TROUBLE_SILENT;
        end(fetch, CURLE_OK);
    }
}

unsigned fetcher_poll(fetcher_t *fetcher, int wait_ms) {
    uint64_t left, n_over = fetcher->n_over;

    start_waiting(fetcher);
    advance(fetcher);
    if (wait_ms > 0 && fetcher->n_over == n_over &&
        most_silent(fetcher, now_ms(), &left)) {
        if (left < (uint64_t)wait_ms) wait_ms = (int)left;
        curl_multi_poll(fetcher->multi, NULL, 0, wait_ms, NULL);
        advance(fetcher);
    }
    return fetcher->n;
}

/* ------------------------------------------------------------------ the fetcher */

fetcher_t *fetcher_create(const struct fetch_limits *limits) {
    fetcher_t *fetcher = calloc(1, sizeof *fetcher);

    if (!fetcher) return NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(fetcher);
        return NULL;
    }
    fetcher->limits = limits ? *limits : (struct fetch_limits)FETCH_LIMITS_DEFAULT;
    if (fetcher->limits.most_at_once == 0) fetcher->limits.most_at_once = 1;
    fetcher->multi = curl_multi_init();
    if (!fetcher->multi) {
        fetcher_destroy(fetcher);
        return NULL;
    }
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS,
                      (long)fetcher->limits.most_at_once);
    return fetcher;
}

void fetcher_destroy(fetcher_t *fetcher) {
    if (!fetcher) return;
    while (fetcher->first) fetch_cancel(fetcher->first);
    curl_multi_cleanup(fetcher->multi);
    curl_global_cleanup();
    free(fetcher);
}
