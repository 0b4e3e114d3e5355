/* SPDX-License-Identifier: MIT */
/*
 * Members of JSON objects, as all reports write them, and an object on standard output.
 * jansson passes a failed allocation on: setting a member of NULL fails, and so does
 * printing it in the end. So nobody has to look in between.
 */
#ifndef BASE_MEMBER_H
#define BASE_MEMBER_H

#include <jansson.h>
#include <stdint.h>

void member_count(json_t *object, const char *key, uint64_t count);

/* null where it is no number. */
void member_real(json_t *object, const char *key, double value);

/* A text that is not UTF-8 cannot be written: then the member says that. */
void member_text(json_t *object, const char *key, const char *text);

/* Prints the object, a line for each member, and releases it. Returns: a status. */
int member_print(json_t *object);

#endif
