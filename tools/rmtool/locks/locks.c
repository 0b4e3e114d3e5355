/* SPDX-License-Identifier: MIT */
#include "locks/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "locks/guest.h"
#include "base/output.h"
#include "base/say.h"
#include "base/scratch.h"

#define ITEMS 4096

/* ------------------------------------------------------------------------- traces */

/* out.rmt.zst and gap:1000 make out-gap-1000.rmt.zst. */
static char *path_of_model(const char *path, const char *model) {
    const char *slash = strrchr(path, '/');
    const char *ending = strstr(slash ? slash : path, ".rmt");
    size_t stem = ending ? (size_t)(ending - path) : strlen(path);
    char *made;

    if (asprintf(&made, "%.*s-%s%s", (int)stem, path, model, path + stem) < 0)
        return NULL;
    for (char *c = made + stem; *c && *c != '.'; c++)
        if (*c == ':') *c = '-';
    return made;
}

static int open_traces(struct locks *locks, const char *path, bool alone) {
    int status = STATUS_OK;

    for (size_t i = 0; i < locks->n_models && status == STATUS_OK; i++) {
        char *made = alone ? strdup(path) : path_of_model(path, locks->models[i].name);
        if (!made) return complain(STATUS_IO, "no memory for a name");
        status = locking_trace(&locks->locking, i, made, locks->header.name,
                               locks->header.command);
        free(made);
    }
    return status;
}

/* ------------------------------------------------------------------------ sources */

struct sinks {
    struct locks *locks;
    struct accesslog_writer *log; /* NULL: none is wanted */
    struct output output;         /* of it */
};

static int take(void *context, const struct access_item *items, size_t n) {
    struct sinks *sinks = context;
    int status = locking_take(&sinks->locks->locking, items, n);

    if (status == STATUS_OK && sinks->log) status = accesslog_write(sinks->log, items, n);
    return status;
}

/* The access log is complete then, but not yet in its place. */
static int gather_from(struct sinks *sinks, struct gather_options *options,
                       char words[1024]) {
    struct locks *locks = sinks->locks;
    struct access_sink sink = {take, sinks};
    int status = output_open(&sinks->output, locks->keep_path);

    if (status) return status;
    if (sinks->output.file)
        status = accesslog_create(&sinks->log, sinks->output.file, locks->keep_path,
                                  &locks->header);
    options->limit_accesses = locks->limit_accesses;
    if (status == STATUS_OK)
        status = gather(options, &sink, &locks->gathered, words, 1024);
    locks->has_gathered = true;
    if (status == STATUS_OK && locks->gathered.failed && locks->gathered.instructions > 0)
        fprintf(stderr, "rmtool: note: valgrind has failed here, which ends it: %s\n",
                words);
    if (status == STATUS_OK)
        status = accesslog_finish(sinks->log);
    else
        accesslog_discard(sinks->log);
    sinks->log = NULL;
    return status;
}

/* A signal ends the program; what it has done until then is of use. */
static int from_command(struct sinks *sinks) {
    struct locks *locks = sinks->locks;
    struct guest guest;
    struct gather_options options = {.path = "lackey's output", .at = GUEST_LOG_AT};
    char words[1024] = "";
    int result = 0;
    int status;

    status = guest_start(&guest, locks->command, locks->output_aside);
    if (status == STATUS_OK) {
        options.fd = guest.fd;
        options.ends = guest.ends;
        options.directory = guest.directory;
        options.pid = (uint64_t)guest.pid;
        status = gather_from(sinks, &options, words);
    }
    guest_finish(&guest, status != STATUS_OK || locks->gathered.cut, &result);
    if (status) return status;
    if (locks->gathered.instructions == 0)
        return complain(STATUS_IO, "%s did not run under valgrind%s%s", locks->command[0],
                        *words ? ": " : "", words);
    if (locks->gathered.records == 0)
        return complain(STATUS_FOUND,
                        "%s: no allocation was recorded; is it linked statically?",
                        locks->command[0]);
    if (result != 0 && !locks->gathered.cut)
        fprintf(stderr, "rmtool: note: %s ended with status %d\n", locks->command[0],
                result);
    /* One that gives itself a name has exited itself, or a signal has ended it. */
    if (guest.became[0] && !locks->gathered.exited && result < 128)
        fprintf(stderr, "rmtool: note: %s became %s, which is not followed\n",
                locks->command[0], guest.became);
    if (locks->gathered.log_failed)
        fprintf(stderr,
                "rmtool: note: the records end before the program: the log could not "
                "grow: %s\n",
                strerror(locks->gathered.log_failed));
    if (locks->gathered.left_open)
        fprintf(stderr,
                "rmtool: note: %s has ended; what it has started goes on, and is not "
                "followed\n",
                locks->command[0]);
    return STATUS_OK;
}

static int from_text(struct sinks *sinks) {
    struct locks *locks = sinks->locks;
    struct gather_options options = {
        .ends = -1, .path = locks->text_path, .log = locks->records_path};
    char words[1024] = "";
    int status;

    options.fd = strcmp(locks->text_path, "-") == 0
                     ? STDIN_FILENO
                     : open(locks->text_path, O_RDONLY | O_CLOEXEC);
    if (options.fd < 0)
        return complain(STATUS_IO, "%s: %s", locks->text_path, strerror(errno));
    status = gather_from(sinks, &options, words);
    if (options.fd != STDIN_FILENO) close(options.fd);
    return status;
}

static int from_log(struct locks *locks, struct accesslog_reader *reader) {
    struct access_item *items = malloc(ITEMS * sizeof(*items));
    size_t n = 1;
    int status = items ? STATUS_OK : complain(STATUS_IO, "no memory to read with");

    while (status == STATUS_OK && n > 0 &&
           locks->locking.population.clock < locks->limit_accesses) {
        status = accesslog_read(reader, items, ITEMS, &n);
        for (size_t i = 0, left = locks->limit_accesses - locks->locking.population.clock;
             i < n && n > left; i++) /* no more accesses than are wanted */
            if (ACCESS_IS_ACCESS(items[i].op) && left-- == 0) n = i;
        if (status == STATUS_OK) status = locking_take(&locks->locking, items, n);
        progress_update(locks->locking.population.clock, 0);
    }
    free(items);
    return status;
}

/* --------------------------------------------------------------------------- all */

/* Two kinds of names, of one buffer: what follows the last slash; all that was typed. */
static void describe(struct locks *locks) {
    struct accesslog_header *header = &locks->header;
    const char *first = locks->command ? locks->command[0] : locks->text_path;
    const char *slash = strrchr(first, '/');
    size_t used = 0;

    snprintf(header->name, sizeof(header->name), "%s", slash ? slash + 1 : first);
    if (!locks->command) snprintf(header->command, sizeof(header->command), "%s", first);
    for (size_t i = 0; locks->command && locks->command[i]; i++) {
        int n = snprintf(header->command + used, sizeof(header->command) - used, "%s%s",
                         i ? " " : "", locks->command[i]);
        used += n > 0 ? (size_t)n : 0;
        if (used >= sizeof(header->command)) break;
    }
    accesslog_tidy(header);
}

/* Traces for the measurement alone lie where nobody sees them. */
static void remove_scratch(struct locks *locks, char *directory) {
    if (!directory) return;
    for (size_t i = 0; i < locks->locking.n_models; i++) {
        free(locks->locking.models[i].path); /* the report is not to name it */
        locks->locking.models[i].path = NULL;
    }
    scratch_remove(directory);
}

/* One that cannot be measured is not known, and all else still is of use. */
static int measure_costs(struct locks *locks, bool keep) {
    locks->cost = calloc(locks->n_models, sizeof(*locks->cost));
    if (!locks->cost) return complain(STATUS_IO, "no memory for results");
    progress_begin("replaying", !locks->quiet);
    for (size_t i = 0; i < locks->n_models; i++) {
        progress_update(i, locks->n_models);
        int status = lockcost_measure(locks->locking.models[i].path, &locks->cost[i]);
        if (locks->cost_status == STATUS_OK) locks->cost_status = status;
        if (!keep) unlink(locks->locking.models[i].path);
    }
    progress_end();
    return STATUS_OK;
}

int locks_run(struct locks *locks) {
    struct accesslog_reader *reader = NULL;
    struct sinks sinks = {.locks = locks};
    char *scratch = NULL, *path = NULL;
    uint64_t began = clock_wall_ns();
    int status = locking_init(&locks->locking, locks->models, locks->n_models);

    if (status == STATUS_OK && locks->log_path)
        status = accesslog_open(&reader, locks->log_path, &locks->header);
    else if (status == STATUS_OK)
        describe(locks);
    if (status == STATUS_OK && locks->trace_path)
        status = open_traces(locks, locks->trace_path, locks->n_models == 1);
    else if (status == STATUS_OK && locks->costs) {
        status = scratch_make(&scratch);
        if (status == STATUS_OK && asprintf(&path, "%s/trace.rmt.zst", scratch) < 0)
            status = complain(STATUS_IO, "no memory for a name");
        if (status == STATUS_OK) status = open_traces(locks, path, false);
    }
    progress_begin("accesses", !locks->quiet);
    if (status == STATUS_OK)
        status = locks->command     ? from_command(&sinks)
                 : locks->text_path ? from_text(&sinks)
                                    : from_log(locks, reader);
    progress_end();
    accesslog_close(reader);
    if (status == STATUS_OK) status = locking_end(&locks->locking);
    if (status == STATUS_OK) status = output_close(&sinks.output);
    output_discard(&sinks.output);
    locks->seconds = (double)(clock_wall_ns() - began) / 1e9;
    if (status == STATUS_OK && locks->costs) status = measure_costs(locks, !scratch);
    remove_scratch(locks, scratch);
    free(path);
    return status;
}

void locks_finish(struct locks *locks) {
    locking_finish(&locks->locking);
    free(locks->cost);
    locks->cost = NULL;
}
