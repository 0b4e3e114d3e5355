/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"

const char *const op_names[N_OPS] = {
    [OP_ALLOC] = "alloc",     [OP_FREE] = "free",       [OP_RESIZE] = "resize",
    [OP_LOCK] = "lock",       [OP_UNLOCK] = "unlock",   [OP_WRITE] = "write",
    [OP_READ] = "read",       [OP_PEEK] = "peek",       [OP_SEE] = "see",
    [OP_STALE] = "stale",     [OP_FORGE] = "forge",     [OP_CHURN] = "churn",
    [OP_GIVE] = "give",       [OP_COMPACT] = "compact", [OP_IDLE] = "idle",
    [OP_TRIM] = "trim",       [OP_LARGEST] = "largest", [OP_HOLD] = "hold",
    [OP_RELEASE] = "release", [OP_PAUSE] = "pause",     [OP_RESUME] = "resume",
    [OP_PROVE] = "prove",     [OP_VERIFY] = "verify",   [OP_PICTURE] = "picture",
    [OP_WRONG] = "wrong",     [OP_REOPEN] = "reopen",   [OP_FORK] = "fork",
    [OP_QUIT] = "quit",       [OP_MEET] = "meet",
};

static const char *const policies[] = {"demand", "manual", "steady", "background"};
static const char *const modes[] = {"safe", "none"};
static const char *const policies_c[] = {"RM_COMPACT_ON_DEMAND", "RM_COMPACT_MANUAL",
                                         "RM_COMPACT_STEADY", "RM_COMPACT_BACKGROUND"};

/* --------------------------------------------------------------------- names */

static void size_name(uint64_t bytes, char *name, size_t size) {
    if (bytes >= 1u << 20)
        snprintf(name, size, "%" PRIu64 "MiB", bytes >> 20);
    else
        snprintf(name, size, "%" PRIu64 "KiB", (bytes + 512) >> 10);
}

static void heap_name(const struct heap_spec *heap, char *name, size_t size) {
    if (heap->standard)
        snprintf(name, size, "default");
    else if (heap->region > 0)
        size_name(heap->region, name, size);
    else if (heap->limit > 0)
        snprintf(name, size, "limited");
    else
        snprintf(name, size, "growing");
}

void spec_name(const struct spec *spec, char *name, size_t size) {
    const struct heap_spec *heap = &spec->heaps[0];
    char kind[32];

    heap_name(heap, kind, sizeof(kind));
    if (spec->n_heaps > 1)
        snprintf(name, size, "several/%s", spec->racing ? "racing" : "");
    else
        snprintf(name, size, "%s/%s/%s/", kind, policies[heap->policy],
                 modes[heap->threads]);
    if (name[strlen(name) - 1] == '/')
        strncat(name,
                spec->racing         ? "racing"
                : spec->n_actors > 1 ? "turns"
                : spec->between      ? "between"
                                     : "alone",
                size - strlen(name) - 1);
}

/* ----------------------------------------------------------------- calls in C */

static void print_heap(const struct heap_spec *heap, unsigned i, FILE *file) {
    if (heap->standard)
        fprintf(file, "h%u = rm_heap_default();", i);
    else
        fprintf(file, "rm_heap_create(&h%u, {%s%" PRIu64 ", %s, %s});", i,
                heap->region > 0 ? "region, " : "NULL, ",
                heap->region > 0 ? heap->region : heap->limit,
                heap->threads == 0 ? "RM_THREADS_SAFE" : "RM_THREADS_NONE",
                policies_c[heap->policy]);
}

static void print_alloc(const struct op *op, FILE *file) {
    static const char *const flags[] = {"0", "RM_ZERO", "RM_NO_COMPACT",
                                        "RM_ZERO | RM_NO_COMPACT"};

    if ((op->how & ALLOC_PLAIN) != 0)
        fprintf(file, "%s(&b%" PRIu32 ", %s%" PRIu64 ");",
                (op->how & ALLOC_ZERO) != 0 ? "rmcalloc" : "rmalloc", op->id,
                (op->how & ALLOC_ZERO) != 0 ? "1, " : "", op->a);
    else
        fprintf(file,
                "rm_heap_alloc(h%u, &b%" PRIu32 ", %s%" PRIu64 ", %" PRIu64 ", %s);",
                op->heap, op->id, (op->how & ALLOC_EDGE) != 0 ? "largest + " : "", op->a,
                op->b, flags[op->how & 3]);
}

static void print_op(const struct op *op, FILE *file) {
    uint32_t id = op->id;
    unsigned h = op->heap;

    switch ((enum op_kind)op->kind) {
    case OP_ALLOC: print_alloc(op, file); break;
    case OP_FREE: fprintf(file, "rmfree(b%u);", id); break;
    case OP_RESIZE:
        fprintf(file, "rmrealloc(b%u, %s%" PRIu64 ");", id,
                (op->how & HOW_EDGE) != 0 ? "largest + " : "", op->a);
        break;
    case OP_LOCK:
        fprintf(file, "rmlock(b%u, &p); /* %" PRIu64 " times */", id, op->a);
        break;
    case OP_UNLOCK:
        fprintf(file, "rmunlock(b%u); /* %" PRIu64 " times */", id, op->a);
        break;
    case OP_WRITE:
        fprintf(file, "rmlock(b%u, &p); write(p); rmunlock(b%u);", id, id);
        break;
    case OP_READ:
        fprintf(file, "rmlock(b%u, &p); read(p); rmunlock(b%u);", id, id);
        break;
    case OP_PEEK: fprintf(file, "rmpeek(b%u, &p); read(p);", id); break;
    case OP_SEE:
        fprintf(file, "rmlock(b%u, &p); rmunlock(b%u); /* where? */", id, id);
        break;
    case OP_STALE: fprintf(file, "rmlock(b%u, &p) ...; /* stale */", id); break;
    case OP_FORGE:
        fprintf(file, "rmlock(b%u ^ 1 << %u, &p) ...;", id, (unsigned)op->a);
        break;
    case OP_CHURN:
        fprintf(file,
                "for (%" PRIu64 " times) rm_heap_alloc(h%u, &b, %" PRIu64
                ", 0, 0), rmfree(b);",
                op->b, h, op->a);
        break;
    case OP_GIVE: fprintf(file, "/* b%u is another thread's from now on */", id); break;
    case OP_COMPACT:
        if (op->a == 0 && op->b == 0)
            fprintf(file, "rm_heap_compact(h%u, NULL, &progress);", h);
        else
            fprintf(file, "rm_heap_compact(h%u, {%" PRIu64 ", %" PRIu64 "}, &progress);",
                    h, op->a, op->b);
        break;
    case OP_IDLE: fprintf(file, "rm_heap_idle(h%u, now + %" PRIu64 ");", h, op->a); break;
    case OP_TRIM: fprintf(file, "rm_heap_trim(h%u);", h); break;
    case OP_LARGEST:
        fprintf(file, "rm_heap_largest(h%u, %s, &size);", h, op->a ? "true" : "false");
        break;
    case OP_HOLD: fprintf(file, "rm_heap_hold(h%u);", h); break;
    case OP_RELEASE: fprintf(file, "rm_heap_release(h%u);", h); break;
    case OP_PAUSE: fprintf(file, "rm_heap_pause(h%u);", h); break;
    case OP_RESUME: fprintf(file, "rm_heap_resume(h%u);", h); break;
    case OP_PROVE: fprintf(file, "rm_heap_check(h%u, &fault);", h); break;
    case OP_VERIFY:
        fprintf(file, "rm_heap_stats(h%u, &stats); /* all blocks are read */", h);
        break;
    case OP_PICTURE: fprintf(file, "rm_heap_walk(h%u, ...);", h); break;
    case OP_WRONG: fprintf(file, "/* bad call %" PRIu64 " on h%u */", op->a, h); break;
    case OP_REOPEN:
        fprintf(file, "rm_heap_destroy(h%u); rm_heap_create(&h%u, ...);", h, h);
        break;
    case OP_FORK: fprintf(file, "fork();"); break;
    case OP_QUIT: fprintf(file, "/* the thread ends */"); break;
    case OP_MEET: fprintf(file, "/* the threads wait for each other */"); break;
    case N_OPS: break;
    }
}

void trace_print(const struct trace *trace, FILE *file, const char *prefix) {
    for (unsigned i = 0; i < trace->spec.n_heaps; i++) {
        fputs(prefix, file);
        print_heap(&trace->spec.heaps[i], i, file);
        fputc('\n', file);
    }
    for (size_t i = 0; i < trace->n; i++) {
        fputs(prefix, file);
        if (trace->spec.n_actors > 1) fprintf(file, "thread %u: ", trace->ops[i].actor);
        print_op(&trace->ops[i], file);
        fputc('\n', file);
    }
}

/* ----------------------------------------------------------------------- text */

void trace_write(const struct trace *trace, FILE *file, const char *comment) {
    const struct spec *spec = &trace->spec;

    fprintf(file, "# Again: model --replay THIS_FILE\n# %s\n", comment);
    fprintf(file, "threads %u %s between %d\n", spec->n_actors,
            spec->racing ? "racing" : "turns", spec->between);
    for (unsigned i = 0; i < spec->n_heaps; i++) {
        const struct heap_spec *heap = &spec->heaps[i];

        fprintf(file,
                "heap region %" PRIu64 " limit %" PRIu64 " shift %u policy %s threads %s "
                "marks %u default %d # ",
                heap->region, heap->limit, heap->shift, policies[heap->policy],
                modes[heap->threads], heap->marks, heap->standard);
        print_heap(heap, i, file);
        fputc('\n', file);
    }
    for (size_t i = 0; i < trace->n; i++) {
        const struct op *op = &trace->ops[i];

        fprintf(file, "%u %s %u %" PRIu32 " %" PRIu64 " %" PRIu64 " %u # ", op->actor,
                op_names[op->kind], op->heap, op->id, op->a, op->b, op->how);
        print_op(op, file);
        fputc('\n', file);
    }
}

static unsigned index_of(const char *word, const char *const *words, unsigned n) {
    unsigned i = 0;

    while (i < n && strcmp(word, words[i]) != 0) i++;
    return i;
}

static bool read_heap(struct spec *spec, const char *line) {
    struct heap_spec *heap = &spec->heaps[spec->n_heaps];
    char policy[16], mode[16];
    unsigned standard;

    if (spec->n_heaps == HEAPS_MOST) return false;
    memset(heap, 0, sizeof(*heap));
    if (sscanf(line,
               "heap region %" SCNu64 " limit %" SCNu64
               " shift %u policy %15s threads %15s marks %u default %u",
               &heap->region, &heap->limit, &heap->shift, policy, mode, &heap->marks,
               &standard) != 7)
        return false;
    heap->policy = index_of(policy, policies, 4);
    heap->threads = index_of(mode, modes, 2);
    heap->standard = standard != 0;
    spec->n_heaps++;
    return heap->policy < 4 && heap->threads < 2 && heap->region <= UINT64_C(1) << 34;
}

static bool read_threads(struct spec *spec, const char *line) {
    char how[16];
    unsigned between;

    if (sscanf(line, "threads %u %15s between %u", &spec->n_actors, how, &between) != 3)
        return false;
    spec->racing = strcmp(how, "racing") == 0;
    spec->between = between != 0;
    return spec->n_actors >= 1 && spec->n_actors <= ACTORS_MOST;
}

static bool read_op(struct trace *trace, const char *line) {
    struct op op = {0};
    char name[16];
    unsigned actor, heap, how;

    if (sscanf(line, "%u %15s %u %" SCNu32 " %" SCNu64 " %" SCNu64 " %u", &actor, name,
               &heap, &op.id, &op.a, &op.b, &how) != 7)
        return false;
    op.kind = (uint8_t)index_of(name, op_names, N_OPS);
    op.actor = (uint8_t)actor;
    op.heap = (uint8_t)heap;
    op.how = (uint8_t)how;
    if (op.kind == N_OPS || actor >= trace->spec.n_actors ||
        heap >= trace->spec.n_heaps || how > UINT8_MAX || op.id >= 1u << 24)
        return false;
    if (trace->n == trace->room) {
        trace->room = trace->room > 0 ? 2 * trace->room : 256;
        trace->ops = realloc(trace->ops, trace->room * sizeof(*trace->ops));
        if (trace->ops == NULL) give_up("no memory for a trace");
    }
    trace->ops[trace->n++] = op;
    return true;
}

const char *trace_read(struct trace *trace, const char *name) {
    FILE *file = fopen(name, "r");
    char line[400];
    unsigned n = 0;
    const char *text = NULL;

    memset(trace, 0, sizeof(*trace));
    if (file == NULL) return fault("%s: %s", name, strerror(errno));
    while (text == NULL && fgets(line, sizeof(line), file) != NULL) {
        bool fine;

        n++;
        if (line[0] == '#' || line[0] == '\n') continue;
        if (strncmp(line, "threads ", 8) == 0)
            fine = read_threads(&trace->spec, line);
        else if (strncmp(line, "heap ", 5) == 0)
            fine = read_heap(&trace->spec, line);
        else
            fine = read_op(trace, line);
        if (!fine) text = fault("%s:%u: not a line of a trace", name, n);
    }
    if (text == NULL && trace->spec.n_heaps == 0) text = fault("%s: no heap", name);
    fclose(file);
    return text;
}
