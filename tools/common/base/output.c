/* SPDX-License-Identifier: MIT */
#include "base/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "rmalloc.h"
#include "base/say.h"

#define TEXT_OF(x) #x
#define VERSION(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char tool_version[] = VERSION(RM_VERSION_MAJOR, RM_VERSION_MINOR, RM_VERSION_PATCH);

/* One argument, quoted where a shell would not take it as it is. A line break would end
   the comment line it is written to, so it becomes a space. */
static void write_argument(FILE *file, const char *argument) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_./:,=+@%";

    if (*argument && argument[strspn(argument, plain)] == '\0') {
        fputs(argument, file);
        return;
    }
    fputc('\'', file);
    for (; *argument; argument++) {
        if (*argument == '\'')
            fputs("'\\''", file);
        else
            fputc(*argument == '\n' || *argument == '\r' ? ' ' : *argument, file);
    }
    fputc('\'', file);
}

/* The processor's own name, where the kernel tells it. */
static void read_processor(char *text, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    *text = '\0';
    while (file && !*text && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(text, size, "%s", colon + 2);
    }
    if (file) fclose(file);
}

void provenance_init(struct provenance *provenance, int argc, char **argv) {
    struct utsname name;
    char processor[64];
    size_t size;
    FILE *command;

    *provenance = (struct provenance){.trace = ""};
    command = open_memstream(&provenance->command, &size);
    if (command) {
        fputs(program_invocation_short_name, command);
        for (int i = 0; i < argc; i++) {
            fputc(' ', command);
            write_argument(command, argv[i]);
        }
        fclose(command);
    }
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(provenance->date, sizeof(provenance->date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    read_processor(processor, sizeof(processor));
    if (uname(&name) == 0)
        snprintf(provenance->machine, sizeof(provenance->machine),
                 "%.16s %.32s %.16s, %ld CPUs%s%s", name.sysname, name.release,
                 name.machine, sysconf(_SC_NPROCESSORS_ONLN), processor[0] ? ", " : "",
                 processor);
}

void provenance_finish(struct provenance *provenance) {
    free(provenance->command);
    provenance->command = NULL;
}

void output_provenance(struct output *output, const struct provenance *provenance) {
    if (!output->file) return;
    fprintf(
        output->file,
        "# command: %s\n# version: rmtool %s\n# machine: %s\n# date: %s\n# trace: %s\n"
        "# heap: %s\n# policy: %s\n",
        provenance->command ? provenance->command : "rmtool", tool_version,
        provenance->machine, provenance->date, provenance->trace, provenance->heap,
        provenance->policy);
}

int output_directory(const char *path) {
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return STATUS_OK;
    return complain(STATUS_IO, "%s: %s", path, strerror(errno));
}

/* A device or a pipe is written to, not replaced: /dev/null has to stay what it is. */
static bool is_special(const char *path) {
    struct stat found;

    return stat(path, &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

int output_open(struct output *output, const char *path) {
    *output = (struct output){.path = path};
    if (!path) return STATUS_OK;
    if (strcmp(path, "-") == 0) {
        output->file = stdout;
        return STATUS_OK;
    }
    if (is_special(path)) {
        output->file = fopen(path, "we");
        return output->file ? STATUS_OK
                            : complain(STATUS_IO, "%s: %s", path, strerror(errno));
    }
    if (asprintf(&output->temporary, "%s.tmp", path) < 0) {
        output->temporary = NULL;
        return complain(STATUS_IO, "no memory to write %s", path);
    }
    output->file = fopen(output->temporary, "we");
    if (output->file) return STATUS_OK;

    int status = complain(STATUS_IO, "%s: %s", output->temporary, strerror(errno));
    free(output->temporary);
    output->temporary = NULL;
    return status;
}

int output_close(struct output *output) {
    bool failed;

    if (!output->file) return STATUS_OK;
    errno = 0;
    failed = ferror(output->file) != 0;
    if (output->file == stdout) {
        failed = fflush(output->file) != 0 || failed;
    } else {
        failed = fclose(output->file) != 0 || failed;
        if (output->temporary)
            failed = failed || rename(output->temporary, output->path) != 0;
    }
    output->file = NULL;
    if (failed)
        complain(STATUS_IO, "%s: %s", output->path,
                 errno ? strerror(errno) : "could not be written");
    if (failed && output->temporary) unlink(output->temporary);
    free(output->temporary);
    output->temporary = NULL;
    return failed ? STATUS_IO : STATUS_OK;
}

void output_discard(struct output *output) {
    if (output->file && output->file != stdout) fclose(output->file);
    if (output->temporary) unlink(output->temporary);
    output->file = NULL;
    free(output->temporary);
    output->temporary = NULL;
}
