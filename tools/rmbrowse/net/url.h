/* SPDX-License-Identifier: MIT */
/* Addresses of pages, by libcurl's parser. What is returned is freed by url_free. */
#ifndef RMBROWSE_URL_H
#define RMBROWSE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* `reference` as it is meant on a page at `base` (NULL: by itself). White space around it does not count.
   Returns: NULL where it makes no URL, or one of a scheme that is not fetched (file, http, https, about are). */
char *url_resolve(const char *base, const char *reference);

/* What someone has typed: a URL, a path of a file, or a host's name. NULL where it cannot be any. */
char *url_of_words(const char *words);

/* The fragment's place in a URL: what follows '#', decoded into a copy; NULL where there is none. */
char *url_fragment(const char *url);

/* The length of a URL without its fragment. */
size_t url_length(const char *url);

/* Whether both are the same page, fragments aside. */
bool url_same_page(const char *a, const char *b);

void url_free(char *url);

#endif
