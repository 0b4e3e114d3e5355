/* SPDX-License-Identifier: MIT */
/* Why a fetch failed, as a person is told. */
#ifndef RMBROWSE_SENTENCE_H
#define RMBROWSE_SENTENCE_H

#include <curl/curl.h>

#include "net/fetch.h"

enum { SENTENCE_MOST = 128 + CURL_ERROR_SIZE };

/* What a fetch itself finds wrong, before libcurl does. */
enum trouble {
    TROUBLE_NONE,
    TROUBLE_LARGE,   /* longer than the limit */
    TROUBLE_HEADERS, /* of headers there was no end */
    TROUBLE_SILENT,  /* nothing came for too long */
    TROUBLE_MEMORY
};

/* Writes the sentence for the trouble, or else for what libcurl says: `code`, and `detail` in its own words. */
void sentence_of(char sentence[SENTENCE_MOST], enum trouble trouble, CURLcode code,
                 CURL *easy, const char *detail, const struct fetch_limits *limits);

/* The sentence for an HTTP status of 400 or above. `reason` is the server's, "Not Found"; it may be empty. */
void sentence_of_status(char sentence[SENTENCE_MOST], long status, const char *reason);

/*
 * Looks whether a file: URL is of a file that can be read, since libcurl finds a directory empty, and waits for
 * whoever writes to a pipe.
 * Returns: whether it can; else there is a sentence.
 */
bool sentence_of_file(char sentence[SENTENCE_MOST], const char *url);

#endif
