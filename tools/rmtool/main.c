/* SPDX-License-Identifier: MIT */
/*
 * rmtool: the table of its verbs, and what concerns no single one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/output.h"
#include "base/say.h"
#include "verbs.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} verbs[] = {
    {"replay", verb_replay, "replay an allocation trace into a heap, and measure"},
    {"minheap", verb_minheap, "find the smallest region in which a trace completes"},
    {"compare", verb_compare, "replay traces on this and other allocators, side by side"},
    {"plot", verb_plot, "replay with and without compaction, and draw what happened"},
    {"record", verb_record, "record what a command allocates, as traces"},
    {"report", verb_report,
     "make a page of comparisons and replays, to be opened anywhere"},
    {"generate", verb_generate, "write a made-up allocation trace"},
    {"check", verb_check, "check that files are well-formed traces"},
    {"stats", verb_stats, "say what traces consist of: sizes, lifetimes, threads"},
    {"cut", verb_cut, "take a part of a trace: first events, a range, a time window"},
    {"convert", verb_convert, "make a trace of what other tools log, or CSV of a trace"},
    {"locks", verb_locks, "infer a program's locks from its accesses"},
    {"top", verb_top, "watch the heaps of a running program"},
    {"micro", verb_micro, "measure what no trace shows: locks, compaction, scaling"},
};
enum { N_VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_help(FILE *file) {
    fputs("Usage: rmtool VERB [OPTION]... [FILE]...\n\n", file);
    for (size_t i = 0; i < N_VERBS; i++)
        fprintf(file, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
    fputs("\nWhere a verb takes a TRACE, synth:NAME is one that is made up on the spot:\n"
          "'rmtool generate --help' says more.\n"
          "\n'rmtool VERB --help' says more of each; 'rmtool --version' is the version.\n"
          "\n"
          "Exit status: 0 fine, 1 a replay or a verification failed, 2 wrong usage,\n"
          "3 cannot read or write, 4 malformed input.\n"
          "\n"
          "Example: rmtool replay --check tests/traces/lua-wordfreq.rmt.zst\n",
          file);
}

static int run(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_help(stdout);
        return STATUS_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("rmtool %s\n", tool_version);
        return STATUS_OK;
    }
    for (size_t i = 0; i < N_VERBS; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    complain(STATUS_USAGE, "no verb '%s'", argv[1]);
    fputs("Try 'rmtool --help'.\n", stderr);
    return STATUS_USAGE;
}

int main(int argc, char **argv) {
    int status = run(argc, argv);

    /* What was printed may not have arrived, a full disk for instance. */
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == STATUS_OK)
        status = complain(STATUS_IO, "standard output: %s",
                          errno ? strerror(errno) : "could not be written");
    return status;
}
