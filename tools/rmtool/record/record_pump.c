/* SPDX-License-Identifier: MIT */
#include "record/record_pump.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/output.h"
#include "base/say.h"

/* A fork that has failed has no child to wait for; where one has, others will. */
#define STALL_NS UINT64_C(2000000000)
#define STALL_LATER_NS UINT64_C(50000000)
#define READS_AT_ONCE 100 /* others have their turn, and signals are looked at */
#define MANY 4096         /* records that ask for the next step at once */
#define CHECK_NS UINT64_C(500000000)

/* ------------------------------------------------------------------- heirs */

/* Most children of a fork call exec and do nothing before; they need no blocks. */
static bool does_nothing(struct record_session *session, struct record_image *child) {
    if (child->done) return true;
    if (child->n_entries > 0) return false;
    if (!session->complete &&
        record_alive(&session->living, child->log_path, child->header.pid))
        return false;
    int damage = record_reader_read(child->reader, RECORD_ENDED, child->entries,
                                    RECORD_READS, &child->n_entries);
    if (damage) child->damage = damage;
    child->taken = 0;
    return child->n_entries == 0;
}

/* To all children whose fork was before `slot`. */
static void hand_on(struct record_session *session, struct record_image *image,
                    uint64_t slot) {
    image->heir_slot = UINT64_MAX;
    for (struct record_image *child = session->images; child; child = child->next) {
        if (child->parent != image || !child->waits) continue;
        if (child->header.first_slot > slot) {
            if (child->header.first_slot < image->heir_slot)
                image->heir_slot = child->header.first_slot;
            continue;
        }
        child->waits = false;
        if (does_nothing(session, child)) continue;
        size_t n;
        struct record_heir *heirs = record_blocks_list(&image->trace.blocks, &n);
        if (n > 0 && !heirs) {
            child->orphan = true;
            if (session->status == STATUS_OK)
                session->status = complain(STATUS_IO, "%s: no memory for what is live",
                                           child->log_path);
            continue;
        }
        record_trace_inherit(&child->trace, heirs, n);
    }
}

static bool has_child(const struct record_session *session,
                      const struct record_image *image, uint64_t number) {
    for (const struct record_image *child = session->images; child; child = child->next)
        if (child->header.parent_fork == number &&
            strcmp(child->header.parent, image->name) == 0)
            return true;
    return false;
}

/* Whether to wait at a fork, for a child that has not come yet. */
static bool stalls(const struct record_session *session, struct record_image *image,
                   uint64_t number) {
    uint64_t now = clock_wall_ns();
    uint64_t most = image->childless_forks > 0 ? STALL_LATER_NS : STALL_NS;

    if (image->stopped || has_child(session, image, number)) {
        image->stalled_ns = 0;
        return false;
    }
    if (image->stalled_ns == 0) image->stalled_ns = now;
    image->stalled_fork = number;
    if (!session->complete && !session->alone && now - image->stalled_ns < most)
        return true;
    image->stalled_ns = 0;
    image->childless_forks++;
    return false;
}

/* ------------------------------------------------------------------- header */

/* Arguments with a blank between, in quotes where they hold one. */
static void write_command(struct record_image *image) {
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    const struct record_header *header = record_reader_header(image->reader);
    const char *at = header->command, *end = at + header->command_size;

    if (!stream) return;
    while (at < end) {
        size_t n = strnlen(at, (size_t)(end - at));
        bool quoted = n == 0 || memchr(at, ' ', n) || memchr(at, '\n', n);
        fprintf(stream, quoted ? "'%.*s'" : "%.*s", (int)n, at);
        at += n + 1;
        if (at < end) fputc(' ', stream);
    }
    fclose(stream);
    trace_writer_key(image->trace.writer, "command", "%s", text);
    free(text);
}

static void write_keys(struct record_image *image) {
    struct trace_writer *writer = image->trace.writer;
    const struct record_header *header = record_reader_header(image->reader);
    time_t began = (time_t)(header->start_real_ns / 1000000000);
    struct tm calendar;
    char date[32] = "";

    trace_writer_key(writer, "name", "%s", image->program);
    trace_writer_key(writer, "program", "%s", header->program);
    write_command(image);
    if (gmtime_r(&began, &calendar) &&
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &calendar))
        trace_writer_key(writer, "date", "%s", date);
    trace_writer_key(writer, "kind", "recorded");
    trace_writer_key(writer, "pid", "%" PRIu64, image->header.pid);
    trace_writer_key(writer, "seconds", "%.6f", (double)image->trace.last_ns / 1e9);
    trace_writer_key(writer, "exited", image->header.exited ? "yes" : "no");
    record_trace_keys(&image->trace);
    if (image->orphan) trace_writer_key(writer, "inherited", "unknown");
    if (image->childless_forks)
        trace_writer_key(writer, "childless-forks", "%" PRIu64, image->childless_forks);
    if (header->other_malloc) trace_writer_key(writer, "other-malloc", "yes");
    if (image->unwritten)
        trace_writer_key(writer, "unwritten", "%" PRIu64, image->unwritten);
    if (image->damage)
        trace_writer_key(writer, "cut", "slot %" PRIu64 ": the log is damaged",
                         image->applied);
    else if (image->header.failed)
        trace_writer_key(writer, "cut", "slot %" PRIu64 ": %s", image->header.failed_slot,
                         strerror((int)(image->header.failed & 0xffff)));
    else if (image->stopped)
        trace_writer_key(writer, "cut", "slot %" PRIu64 ": recording was ended",
                         image->applied);
    trace_writer_key(writer, "note", "Recorded by rmtool record %s.", tool_version);
}

/* --------------------------------------------------------------------- pump */

/* What will be missing from the trace, where the recorder could not go on. Returns: a
   status. */
static int check_failed(const struct record_image *image) {
    if (image->header.failed == 0 || image->header.failed == ECANCELED) return STATUS_OK;
    return complain(STATUS_IO,
                    "%s (%" PRIu64 "): recorded only up to slot %" PRIu64
                    " of its log: %s",
                    image->program, image->header.pid, image->header.failed_slot,
                    strerror((int)(image->header.failed & 0xffff)));
}

/* What is not done with of a log that is kept: its beginning may have been given back. */
static void keep(const struct record_session *session, struct record_image *image) {
    image->keep = true;
    if (session->ours) record_reader_stop(image->reader);
    if (session->ours && !session->keep_logs)
        complain(STATUS_OK, "%s is kept: its records from slot %" PRIu64 " on",
                 image->log_path, image->applied);
}

/* before: what has gone wrong so far; the trace says where it ends, unless it is that. */
static int finish(struct record_session *session, struct record_image *image,
                  enum record_end end, int before) {
    int status = STATUS_OK;

    hand_on(session, image, UINT64_MAX);
    record_trace_end(&image->trace);
    record_image_about(image);
    image->unwritten = record_reader_unwritten(image->reader);
    image->done = true;
    if (image->trace.writer) {
        write_keys(image);
        image->totals = *trace_writer_totals(image->trace.writer);
        status = trace_writer_close(image->trace.writer);
        image->trace.writer = NULL;
        image->written = status == STATUS_OK;
    }
    record_blocks_finish(&image->trace.blocks);
    if (status != STATUS_OK || before != STATUS_OK) keep(session, image);
    if (session->ours && session->keep_logs && end == RECORD_ENDED)
        record_reader_trim(image->reader);
    record_reader_close(image->reader);
    image->reader = NULL;
    free(image->entries);
    image->entries = NULL;
    image->n_entries = image->taken = 0;
    if (!session->keep_logs && !image->keep) unlink(image->log_path);
    return status ? status : check_failed(image);
}

/* What has been read, up to a fork whose child is not there. false: it waits. */
static bool apply(struct record_session *session, struct record_image *image,
                  int *status) {
    while (image->taken < image->n_entries && *status == STATUS_OK) {
        const struct record_entry *entry = &image->entries[image->taken];
        if (entry->slot >= image->heir_slot) hand_on(session, image, entry->slot);
        *status = record_trace_apply(&image->trace, entry->record);
        image->applied = entry->slot + 1;
        image->taken++;
        /* The child counts on from some slot behind this one. */
        if (record_op(entry->record) == RECORD_FORK &&
            stalls(session, image, record_address(entry->record)))
            return false;
    }
    return true;
}

static enum record_end end_of(struct record_session *session, struct record_image *image,
                              bool urgent) {
    uint64_t now = clock_wall_ns();

    if (image->stopped) return RECORD_STOPPED;
    if (session->complete) return RECORD_ENDED;
    if (!urgent && now - image->checked_ns < CHECK_NS) return RECORD_RUNNING;
    image->checked_ns = now;
    return record_alive(&session->living, image->log_path, image->header.pid)
               ? RECORD_RUNNING
               : RECORD_ENDED;
}

int record_pump(struct record_session *session, struct record_image *image, bool urgent,
                bool *moved) {
    uint64_t before = image->applied;
    int status = STATUS_OK;
    bool ended = false;

    if (image->waits) return STATUS_OK;
    if (image->stalled_ns && stalls(session, image, image->stalled_fork))
        return STATUS_OK;
    enum record_end end = end_of(session, image, urgent);
    for (int i = 0; i < READS_AT_ONCE && !ended && status == STATUS_OK; i++) {
        bool waits = !apply(session, image, &status);
        /* Few records are no reason to look for more at once: more come meanwhile. */
        if (image->applied - before >= MANY ||
            (end != RECORD_RUNNING && image->applied > before))
            *moved = true;
        if (waits) return STATUS_OK;
        if (status) break;
        image->taken = 0;
        int damage = record_reader_read(image->reader, end, image->entries, RECORD_READS,
                                        &image->n_entries);
        if (damage) image->damage = damage;
        ended = image->n_entries == 0;
        if (!ended && !session->keep_logs && !session->complete)
            record_reader_punch(image->reader);
    }
    if (!ended && status == STATUS_OK) return status;
    if (status == STATUS_OK) status = image->damage;
    if (end == RECORD_RUNNING && status == STATUS_OK) return status;
    *moved = true;
    int failed = finish(session, image, end, status);
    return status ? status : failed;
}
