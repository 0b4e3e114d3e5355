/* SPDX-License-Identifier: MIT */
#include "base/member.h"

#include <math.h>
#include <stdio.h>

#include "base/say.h"

void member_count(json_t *object, const char *key, uint64_t count) {
    json_object_set_new(object, key, json_integer((json_int_t)count));
}

void member_real(json_t *object, const char *key, double value) {
    json_object_set_new(object, key, isnan(value) ? json_null() : json_real(value));
}

void member_text(json_t *object, const char *key, const char *text) {
    json_t *string = json_string(text);

    json_object_set_new(object, key, string ? string : json_string("(not UTF-8)"));
}

int member_print(json_t *object) {
    int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

    json_decref(object);
    putchar('\n');
    return failed ? complain(STATUS_IO, "the result cannot be written") : STATUS_OK;
}
