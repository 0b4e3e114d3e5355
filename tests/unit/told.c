/* SPDX-License-Identifier: MIT */
#include "told.h"

#include <glib.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "origin.h"

/* --- standard error --- */

static char text[1 << 16];
static size_t length;
unsigned told_writes;

ssize_t __wrap_write(int file, const void *from, size_t bytes);
ssize_t __wrap_write(int file, const void *from, size_t bytes) {
    ssize_t __real_write(int, const void *, size_t);
    if (file != STDERR_FILENO) return __real_write(file, from, bytes);
    g_assert_cmpuint(bytes, >, 0);
    g_assert_cmpuint(length + bytes, <, sizeof text);
    memcpy(text + length, from, bytes);
    length += bytes;
    told_writes++;
    return (ssize_t)bytes;
}

const char *told(void) {
    text[length] = '\0';
    length = 0;
    return text;
}

/* --- stacks --- */

void *told_stack[TOLD_DEEPEST];
int told_depth;

void told_set_stack(int n, ...) {
    va_list list;
    va_start(list, n);
    for (told_depth = 0; told_depth < n; told_depth++)
        told_stack[told_depth] = told_frame(va_arg(list, unsigned));
    va_end(list);
}

/* libc's, for want of themselves. */
int backtrace(void **frames, int most);
int backtrace(void **frames, int most) {
    int n = told_depth < most ? told_depth : most;
    memcpy(frames, told_stack, (size_t)n * sizeof *frames);
    return n;
}
void backtrace_symbols_fd(void *const *frames, int n, int file);
void backtrace_symbols_fd(void *const *frames, int n, int file) {
    g_assert_cmpint(file, ==, STDERR_FILENO);
    for (int i = 0; i < n; i++) origin_say("at %zu", (size_t)frames[i] - 1);
}

/* --- ends --- */

static sigjmp_buf out;
static volatile sig_atomic_t inside;

static void leave(int number) {
    if (inside) siglongjmp(out, number);
    signal(number, SIG_DFL); /* a test has failed */
    raise(number);
}

void told_listen(void) {
    signal(SIGABRT, leave);
    signal(SIGSEGV, leave);
}
sigjmp_buf *told_begin(void) {
    inside = 1;
    return &out;
}
void told_end(void) { inside = 0; }
