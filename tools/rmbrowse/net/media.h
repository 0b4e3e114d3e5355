/* SPDX-License-Identifier: MIT */
/* What kind of thing something fetched is: by its header, or by its name's ending. */
#ifndef RMBROWSE_MEDIA_H
#define RMBROWSE_MEDIA_H

/* Both in lower case, "" where nobody says or what is said makes no sense. */
struct media {
    char type[64], charset[40];
};

/* Of the value of a Content-Type header, `text/html; charset="UTF-8"`; NULL: there is none. */
struct media media_of_header(const char *value);

/* Of a URL's or file's name: what stands before '?' and '#' counts. */
struct media media_of_name(const char *url);

#endif
