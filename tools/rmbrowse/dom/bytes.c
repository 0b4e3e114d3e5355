/* SPDX-License-Identifier: MIT */
#include "dom/bytes.h"

#include <stdlib.h>
#include <string.h>

static bool has_room(struct bytes *bytes, size_t n) {
    if (bytes->failed) return false;
    if (bytes->room - bytes->n >= n) return true;
    size_t room = bytes->n + n + bytes->room / 2 + 64;
    char *data = realloc(bytes->data, room);

    bytes->failed = data == NULL;
    if (bytes->failed) return false;
    bytes->data = data;
    bytes->room = room;
    return true;
}

void bytes_add(struct bytes *bytes, const void *from, size_t n) {
    if (n == 0 || !has_room(bytes, n)) return;
    memcpy(bytes->data + bytes->n, from, n);
    bytes->n += n;
}

void bytes_clear(struct bytes *bytes) {
    bytes->n = 0;
    bytes->failed = false;
}

void bytes_free(struct bytes *bytes) {
    free(bytes->data);
    *bytes = (struct bytes){0};
}
