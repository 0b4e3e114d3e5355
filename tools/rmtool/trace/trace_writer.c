/* SPDX-License-Identifier: MIT */
/*
 * An event becomes a struct trace_line, as the reader has it, goes through rules.h and then
 * into `text`:
 *
 *      call -> block number -> BACK -> rules_apply -> text -> packer -> body
 *      close:                     header -> packer -> FILE.tmp <- body
 */
#include "trace/trace_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lookup.h"
#include "base/output.h"
#include "base/packer.h"
#include "trace/rules.h"
#include "base/say.h"
#include "base/units.h"

#define TEXT_SIZE ((size_t)128 << 10)
#define LINE_MOST 64 /* bytes of an event's line, and of the line t before it */
#define VALUE_MOST (16 << 10)
#define SIZE_LIMIT (UINT64_C(1) << 56)

struct trace_writer {
    const char *path;
    FILE *body; /* NULL: nothing is written; packer then too */
    struct packer *packer;
    int status;
    struct trace ledger; /* read by nobody: the books of rules.h */

    struct lookup threads; /* that have had an event: their numbers in the file */
    uint64_t thread;       /* of the next event, as the caller names it */
    uint64_t last_thread;  /* of the last one, if begun */
    bool begun;

    char *keys, *notes; /* header lines */
    size_t keys_size, notes_size;
    FILE *keys_stream, *notes_stream;

    size_t used;
    char text[TEXT_SIZE + LINE_MOST];
};

/* --------------------------------------------------------------------- body */

/* A file without a name in the folder of path, so that it has the room that the trace
   will have. Where the system knows no such files, one that loses its name at once. */
static FILE *open_body(const char *path) {
    const char *slash = strrchr(path, '/');
    char *name = NULL;
    FILE *file = NULL;
    int fd;

    if (strcmp(path, "-") == 0) return tmpfile();
    if (asprintf(&name, "%.*s.", slash ? (int)(slash + 1 - path) : 0, path) < 0)
        return NULL;
    fd = open(name, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    free(name);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        if (asprintf(&name, "%s.body", path) < 0) return NULL;
        fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0) unlink(name);
        free(name);
    }
    if (fd >= 0 && !(file = fdopen(fd, "w+"))) close(fd);
    return file;
}

static int flush(struct trace_writer *writer) {
    if (writer->packer)
        writer->status = packer_write(writer->packer, writer->text, writer->used);
    writer->used = 0;
    return writer->status;
}

static void put_number(struct trace_writer *writer, uint64_t number) {
    writer->used += put_count(writer->text + writer->used, number);
}

static void put_line(struct trace_writer *writer, const struct trace_line *line) {
    writer->text[writer->used++] = line->op;
    writer->text[writer->used++] = ' ';
    put_number(writer, line->first);
    if (line->op == 'r' || line->op == 'm') {
        writer->text[writer->used++] = ' ';
        put_number(writer, line->second);
    }
    writer->text[writer->used++] = '\n';
}

/* ------------------------------------------------------------------- events */

/* To the thread of the next event: the line t, if another had the last one. */
static int switch_thread(struct trace_writer *writer) {
    struct trace_line line = {.op = 't'};
    struct trace_event event;

    if (!lookup_find(&writer->threads, writer->thread, &line.first)) {
        line.first = lookup_count(&writer->threads) + 1;
        if (!lookup_add(&writer->threads, writer->thread, line.first))
            return writer->status =
                       complain(STATUS_IO, "%s: no memory for a thread", writer->path);
    }
    if (writer->begun) put_line(writer, &line);
    writer->begun = true;
    writer->last_thread = writer->thread;
    return writer->status = rules_apply(&writer->ledger, &line, &event);
}

static int put_event(struct trace_writer *writer, char op, uint64_t first,
                     uint64_t second) {
    struct trace_line line = {op, first, second, writer->ledger.totals.events + 1};
    struct trace_event event;

    if (writer->status) return writer->status;
    if ((!writer->begun || writer->last_thread != writer->thread) &&
        switch_thread(writer) != STATUS_OK)
        return writer->status;
    writer->status = rules_apply(&writer->ledger, &line, &event);
    if (writer->status) return writer->status;
    put_line(writer, &line);
    return writer->used >= TEXT_SIZE ? flush(writer) : STATUS_OK;
}

static int put_change(struct trace_writer *writer, char op, uint64_t block,
                      uint64_t second) {
    uint64_t n = writer->ledger.totals.blocks;

    if (writer->status) return writer->status;
    if (block >= n)
        return writer->status =
                   complain(STATUS_MALFORMED, "%s: no such block", writer->path);
    if ((op == 'f' || op == 'r') && rules_locked(&writer->ledger, block))
        put_event(writer, 'u', n - 1 - block, 0);
    return put_event(writer, op, n - 1 - block, second);
}

static bool fits(struct trace_writer *writer, uint64_t size, unsigned alignment_log2) {
    if (size < SIZE_LIMIT && alignment_log2 < 56) return true;
    if (!writer->status)
        writer->status = complain(
            STATUS_MALFORMED, "%s: a size or an alignment of 2^56 or more", writer->path);
    return false;
}

int trace_writer_alloc(struct trace_writer *writer, enum trace_op op, uint64_t size,
                       unsigned alignment_log2, uint64_t *block) {
    char letter = op == TRACE_ALLOC ? 'a' : op == TRACE_ZERO ? 'z' : 'm';
    unsigned log2 = letter == 'm' ? alignment_log2 : 0;

    if (block) *block = writer->ledger.totals.blocks;
    if (!fits(writer, size, log2)) return writer->status;
    return put_event(writer, letter, size, UINT64_C(1) << log2);
}

int trace_writer_realloc(struct trace_writer *writer, uint64_t block, uint64_t size) {
    return fits(writer, size, 0) ? put_change(writer, 'r', block, size) : writer->status;
}

int trace_writer_free(struct trace_writer *writer, uint64_t block) {
    return put_change(writer, 'f', block, 0);
}

int trace_writer_lock(struct trace_writer *writer, uint64_t block) {
    return put_change(writer, 'l', block, 0);
}

int trace_writer_unlock(struct trace_writer *writer, uint64_t block) {
    return put_change(writer, 'u', block, 0);
}

int trace_writer_event(struct trace_writer *writer, const struct trace_event *event) {
    trace_writer_thread(writer, event->thread);
    switch ((enum trace_op)event->op) {
    case TRACE_REALLOC: return trace_writer_realloc(writer, event->block, event->size);
    case TRACE_FREE: return trace_writer_free(writer, event->block);
    case TRACE_LOCK: return trace_writer_lock(writer, event->block);
    case TRACE_UNLOCK: return trace_writer_unlock(writer, event->block);
    case TRACE_ALLOC:
    case TRACE_ZERO:
    case TRACE_ALIGNED: break;
    }
    return trace_writer_alloc(writer, event->op, event->size, event->alignment_log2,
                              NULL);
}

void trace_writer_thread(struct trace_writer *writer, uint64_t thread) {
    writer->thread = thread;
}

int trace_writer_time(struct trace_writer *writer, uint64_t nanoseconds) {
    if (writer->status) return writer->status;
    writer->used += (size_t)snprintf(writer->text + writer->used, LINE_MOST,
                                     TRACE_TIME "%llu.%09llu\n",
                                     (unsigned long long)(nanoseconds / TRACE_SECOND),
                                     (unsigned long long)(nanoseconds % TRACE_SECOND));
    return writer->used >= TEXT_SIZE ? flush(writer) : STATUS_OK;
}

const struct trace_totals *trace_writer_totals(const struct trace_writer *writer) {
    return &writer->ledger.totals;
}

/* ------------------------------------------------------------------- header */

void trace_writer_key(struct trace_writer *writer, const char *key, const char *format,
                      ...) {
    FILE *stream = strcmp(key, "note") == 0 ? writer->notes_stream : writer->keys_stream;
    char *value = NULL;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (length < 0) {
        if (!writer->status)
            writer->status =
                complain(STATUS_IO, "%s: no memory for its header", writer->path);
        return;
    }
    json_t *text = json_string(value); /* NULL: no UTF-8, or no memory */
    for (char *c = value; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = ' ';
        if (!text && (unsigned char)*c >= 0x80) *c = '?';
    }
    json_decref(text);
    fprintf(stream, "# %s: %.*s\n", key, VALUE_MOST, value);
    free(value);
}

void trace_writer_copy_keys(struct trace_writer *writer, const struct trace *trace,
                            const char *suffix) {
    const char *line = trace->keys ? trace->keys : "", *end = line + trace->keys_size;
    bool kind = false;

    while (line < end) {
        const char *next = (const char *)memchr(line, '\n', (size_t)(end - line)) + 1;
        const char *colon = memchr(line, ':', (size_t)(next - line));
        char key[32];
        if (colon && colon[1] == ' ' && (size_t)(colon - line - 2) < sizeof(key)) {
            memcpy(key, line + 2, (size_t)(colon - line - 2));
            key[colon - line - 2] = '\0';
            kind = kind || strcmp(key, "kind") == 0;
            trace_writer_key(writer, key, "%.*s%s", (int)(next - colon - 3), colon + 2,
                             strcmp(key, "kind") == 0 ? suffix : "");
        }
        line = next;
    }
    if (!kind && strlen(suffix) > 2) trace_writer_key(writer, "kind", "%s", suffix + 2);
}

static bool write_header(struct trace_writer *writer, FILE *stream) {
    const struct trace_totals *totals = &writer->ledger.totals;

    if (fclose(writer->keys_stream) != 0 || fclose(writer->notes_stream) != 0) {
        writer->keys_stream = writer->notes_stream = NULL;
        return false;
    }
    writer->keys_stream = writer->notes_stream = NULL;
    fprintf(stream, "# rmt 1\n%s", writer->keys);
    for (size_t i = 0; i < TRACE_KEYS; i++)
        if (!trace_keys[i].of_locks || totals->locks > 0)
            fprintf(stream, "# %s: %llu\n", trace_keys[i].name,
                    (unsigned long long)trace_key_value(totals, i));
    return fprintf(stream, "%s", writer->notes) >= 0;
}

/* A frame of its own. */
static int pack_header(struct trace_writer *writer, FILE *file) {
    struct packer *packer;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    bool whole = stream && write_header(writer, stream);
    int status;

    if (stream) whole = fclose(stream) == 0 && whole;
    if (!whole) {
        free(text);
        return complain(STATUS_IO, "%s: no memory for its header", writer->path);
    }
    status = packer_open(&packer, file, writer->path, false);
    if (status == STATUS_OK) {
        packer_write(packer, text, size);
        status = packer_close(packer);
    }
    free(text);
    return status;
}

static int copy_body(struct trace_writer *writer, FILE *file) {
    size_t n;

    rewind(writer->body);
    errno = 0;
    while ((n = fread(writer->text, 1, TEXT_SIZE, writer->body)) > 0)
        if (fwrite(writer->text, 1, n, file) != n) break;
    if (!ferror(writer->body) && !ferror(file)) return STATUS_OK;
    return complain(STATUS_IO, "%s: %s", writer->path,
                    errno ? strerror(errno) : "could not be written");
}

/* ------------------------------------------------------------ begin and end */

int trace_writer_open(struct trace_writer **out, const char *path) {
    struct trace_writer *writer = calloc(1, sizeof(*writer));
    int status;

    *out = NULL;
    if (!writer) return complain(STATUS_IO, "no memory to write %s", path);
    writer->path = path ? path : "(nowhere)";
    writer->ledger =
        (struct trace){.path = writer->path, .totals.threads = 1, .thread = 1};
    writer->keys_stream = open_memstream(&writer->keys, &writer->keys_size);
    writer->notes_stream = open_memstream(&writer->notes, &writer->notes_size);
    errno = 0;
    if (path) writer->body = open_body(path);
    if (!writer->keys_stream || !writer->notes_stream || (path && !writer->body))
        status = complain(STATUS_IO, "%s: %s", writer->path,
                          errno ? strerror(errno) : "no memory to write it");
    else
        status =
            path ? packer_open(&writer->packer, writer->body, path, true) : STATUS_OK;
    if (status)
        trace_writer_discard(writer);
    else
        *out = writer;
    return status;
}

static int put_in_place(struct trace_writer *writer) {
    struct output output;
    int status = output_open(&output, writer->path);

    if (status) return status;
    status = pack_header(writer, output.file);
    if (status == STATUS_OK) status = copy_body(writer, output.file);
    if (status == STATUS_OK) return output_close(&output);
    output_discard(&output);
    return status;
}

int trace_writer_close(struct trace_writer *writer) {
    int status = writer->status ? writer->status : flush(writer);

    if (status == STATUS_OK) {
        status = packer_close(writer->packer);
        writer->packer = NULL;
    }
    if (status == STATUS_OK && writer->body) status = put_in_place(writer);
    trace_writer_discard(writer);
    return status;
}

void trace_writer_discard(struct trace_writer *writer) {
    if (!writer) return;
    packer_discard(writer->packer);
    if (writer->body) fclose(writer->body);
    if (writer->keys_stream) fclose(writer->keys_stream);
    if (writer->notes_stream) fclose(writer->notes_stream);
    free(writer->keys);
    free(writer->notes);
    lookup_finish(&writer->threads);
    trace_close(&writer->ledger);
    free(writer);
}
