/* SPDX-License-Identifier: MIT */
/*
 * rmtool record: a command, the recorder loaded into it, and a trace for each process.
 */
#include "verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arguments.h"
#include "record/record_command.h"
#include "record/record_images.h"
#include "record/record_place.h"
#include "record/record_report.h"
#include "base/say.h"

static const char help[] =
    "Usage: rmtool record [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "       rmtool record [OPTION]... --from-logs DIR\n"
    "Run a command, record what it and the processes that it starts allocate, and write\n"
    "a trace of each (rmt 1, zstd): NAME-PID.rmt.zst. Nothing has to be compiled anew.\n"
    "\n"
    "  -d, --directory DIR  where the traces go; it is made (default: the current one)\n"
    "  -o, --output FILE    one trace only, that of COMMAND itself\n"
    "      --only NAME      record only programs called so; may be given several times\n"
    "      --no-usable      leave out that a caller of malloc_usable_size may use more\n"
    "                       than it asked for (else such a block is reallocated)\n"
    "      --logs DIR       where the logs lie meanwhile: 16 bytes a call, less what "
    "has\n"
    "                       been converted already (default: beside the traces)\n"
    "      --keep-logs      keep them\n"
    "      --from-logs DIR  no command: convert what a recording has left there\n"
    "      --json           the report as JSON, on standard output, at the end\n"
    "  -q, --quiet          no report\n"
    "  -h, --help           this text\n"
    "\n"
    "The recorder is a library that is preloaded, so programs that are linked\n"
    "statically, have a malloc of their own or a sanitizer's, forbid themselves system\n"
    "calls or clear their environment are not followed, or not to their end. Else a\n"
    "trace is whole whatever ends its process. Recording ends when COMMAND and all that\n"
    "it has started have ended, recorded or not; SIGINT, SIGTERM, SIGHUP and SIGQUIT "
    "are\n"
    "passed on to COMMAND, and once that has ended, they end the recording, as does a\n"
    "second one that does not come from the terminal. A trace that is there already\n"
    "stays: the new one is NAME-PID-2.rmt.zst. tools/README.rst has the log's form, the\n"
    "keys of the header, and what is not recorded.\n"
    "\n"
    "Exit status: that of COMMAND, 128 + N where signal N has killed it, 127 where\n"
    "there is no such command, 126 where it cannot be run. Where COMMAND's is 0: 3 "
    "where\n"
    "a trace could not be written, is not whole, or there is none, 4 where a log is\n"
    "malformed. 2 wrong usage.\n"
    "\n"
    "Example: rmtool record -d traces -- sh -c 'ls -R /usr | sort | tail'\n";

struct job {
    struct record_session session;
    struct record_command command;
    struct record_place place;
    const char *directory, *output, *logs, *from;
    const char **only;
    size_t only_size; /* of all of them, each with a '/' */
    bool json, quiet;
};

enum { ONLY = 256, NO_USABLE, LOGS, KEEP_LOGS, FROM_LOGS, JSON };
static const struct option options[] = {
    {"directory", required_argument, NULL, 'd'},
    {"output", required_argument, NULL, 'o'},
    {"only", required_argument, NULL, ONLY},
    {"no-usable", no_argument, NULL, NO_USABLE},
    {"logs", required_argument, NULL, LOGS},
    {"keep-logs", no_argument, NULL, KEEP_LOGS},
    {"from-logs", required_argument, NULL, FROM_LOGS},
    {"json", no_argument, NULL, JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static int set_option(void *context, int option) {
    struct job *job = context;

    switch (option) {
    case 'd': job->directory = optarg; break;
    case 'o': job->output = optarg; break;
    case ONLY:
        if (!*optarg || strchr(optarg, '/'))
            return complain_usage("record",
                                  "--only is a program's name without a folder, "
                                  "not '%s'",
                                  optarg);
        job->only_size += strlen(optarg) + 1;
        if (job->only_size >= RECORD_PATH)
            return complain_usage("record", "--only: too many names, at '%s'", optarg);
        job->only[job->command.n_only++] = optarg;
        break;
    case NO_USABLE: job->session.leave_usable = true; break;
    case LOGS: job->logs = optarg; break;
    case KEEP_LOGS: job->session.keep_logs = true; break;
    case FROM_LOGS: job->from = optarg; break;
    case JSON: job->json = true; break;
    case 'q': job->quiet = true; break;
    }
    return STATUS_OK;
}

static int check(struct job *job, int argc) {
    if (job->output && job->directory)
        return complain_usage("record", "either -o, for one trace, or -d, for all");
    if (is_standard_output(job->output))
        return complain_usage("record", "a trace cannot go to standard output, which is "
                                        "the command's");
    if (job->from && optind < argc)
        return complain_usage("record", "--from-logs runs no command");
    if (job->from && job->logs)
        return complain_usage("record", "either --logs or --from-logs");
    if (job->from && job->command.n_only > 0)
        return complain_usage("record", "--only is for what is being recorded");
    if (!job->from && optind == argc) return complain_usage("record", "which command?");
    return STATUS_OK;
}

/* ---------------------------------------------------------------------- verb */

static int convert(struct job *job) {
    struct stat about;

    if (stat(job->from, &about) != 0)
        return complain(STATUS_IO, "%s: %s", job->from, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return complain(STATUS_IO, "%s: not a folder with logs", job->from);
    record_raise_descriptors();
    record_session_complete(&job->session);
    return job->session.status;
}

static bool any_written(const struct record_session *session) {
    for (const struct record_image *image = session->images; image; image = image->next)
        if (image->written) return true;
    return false;
}

/* What is left to do when all logs have been read. */
static int conclude(struct job *job, int exit_status) {
    int status = STATUS_OK;

    record_session_sort(&job->session);
    if (!any_written(&job->session)) {
        if (job->session.status == STATUS_OK)
            status = complain(STATUS_IO,
                              job->from ? "%s: no process has allocated anything"
                                        : "%s: nothing has been recorded; 'rmtool record "
                                          "--help' says which programs cannot be",
                              job->from ? job->from : job->command.argv[0]);
    } else if (job->output) {
        status =
            record_place_choose(&job->session, job->command.pid, job->output, job->quiet);
    }
    if (job->json)
        return record_report_json(&job->session, exit_status) ? STATUS_IO : status;
    if (!job->quiet) record_report_print(&job->session);
    return status;
}

static int run(struct job *job) {
    int status, own, exit_status = 0;
    bool by_command = false;

    status = record_place_make(&job->place, &job->session, job->output, job->directory,
                               job->logs, job->from);
    if (status) return status;
    if (job->from) {
        status = convert(job);
    } else {
        status = record_place_library(&job->place, &job->command.library);
        if (status == STATUS_OK) {
            status = record_command_run(&job->command, &job->session);
            exit_status = record_command_status(&job->command);
            by_command = exit_status != 0;
        }
    }
    if (status == STATUS_OK || job->from) {
        own = conclude(job, exit_status);
        if (status == STATUS_OK) status = job->session.status;
        if (status == STATUS_OK) status = own;
    }
    record_session_finish(&job->session);
    record_place_leave(&job->place, &job->session);
    return by_command ? exit_status : status;
}

int verb_record(int argc, char **argv) {
    static const struct option_reader reader = {"record", help, "+:o:d:qh", options,
                                                set_option};
    struct job job = {0};
    bool helped;
    int status;

    job.only = calloc((size_t)argc + 1, sizeof(*job.only));
    if (!job.only) return complain(STATUS_IO, "no memory for the options");
    status = parse_options(&reader, argc, argv, &job, &helped);
    if (status == STATUS_OK && !helped) status = check(&job, argc);
    if (status == STATUS_OK && !helped) {
        job.command.argv = argv + optind;
        job.command.only = job.only;
        job.command.quiet = job.quiet;
        status = run(&job);
    }
    free(job.only);
    return status;
}
