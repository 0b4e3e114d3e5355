/* SPDX-License-Identifier: MIT */
#include "base/arguments.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/say.h"
#include "base/units.h"

int parse_number(const char *verb, const char *option, const char *text, uint64_t least,
                 uint64_t most, uint64_t *number) {
    if (!parse_count(text, number) || *number < least || *number > most)
        return complain_usage(
            verb, "--%s is a number from %" PRIu64 " to %" PRIu64 ", not '%s'", option,
            least, most, text);
    return STATUS_OK;
}

int parse_options(const struct option_reader *reader, int argc, char **argv,
                  void *context, bool *helped) {
    int option, status = STATUS_OK;

    optind = 0; /* getopt begins anew */
    opterr = 0;
    *helped = false;
    while (status == STATUS_OK && (option = getopt_long(argc, argv, reader->letters,
                                                        reader->options, NULL)) != -1) {
        switch (option) {
        case 'h':
            *helped = true;
            return fputs(reader->help, stdout) < 0 ? STATUS_IO : STATUS_OK;
        case ':':
            return complain_usage(reader->verb, "option '%s' needs a value",
                                  argv[optind - 1]);
        case '?':
            return complain_usage(reader->verb, "unknown option '%s'", argv[optind - 1]);
        default: status = reader->set(context, option);
        }
    }
    return status;
}

bool is_standard_output(const char *path) { return path && strcmp(path, "-") == 0; }

int check_standard_output(const char *verb, const char *files, const char *const *paths,
                          size_t n, bool json, bool *taken) {
    size_t n_taken = 0;

    for (size_t i = 0; i < n; i++) n_taken += is_standard_output(paths[i]);
    if (taken) *taken = n_taken > 0;
    if (n_taken + json <= 1) return STATUS_OK;
    return complain_usage(verb, "standard output can take only one of %s", files);
}

int check_terminal(const char *verb, const char *path) {
    if (!is_standard_output(path) || !isatty(STDOUT_FILENO)) return STATUS_OK;
    return complain_usage(verb, "compressed data is not for a terminal");
}
