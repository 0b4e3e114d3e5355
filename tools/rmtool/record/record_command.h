/* SPDX-License-Identifier: MIT */
/*
 * The command that is recorded: its environment, its signals, its end.
 */
#ifndef RMTOOL_RECORD_COMMAND_H
#define RMTOOL_RECORD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "record/record_images.h"

struct record_command {
    char **argv;
    const char *library; /* path of the recorder */
    const char *const *only;
    size_t n_only;
    bool quiet;

    pid_t pid;
    bool started; /* else `state` is an errno */
    int state;    /* as waitpid has it */
    bool
        interrupted; /* a signal has ended the waiting for what COMMAND has left behind */
};

/*
 * Runs it, and steps the session until it and all that it has started have ended, recorded
 * or not. A signal that would end this program goes to the command; once that has ended,
 * it ends the waiting; so does one from elsewhere than the terminal that comes a second
 * time. Returns: a status.
 */
int record_command_run(struct record_command *command, struct record_session *session);

/* As many as this program may have: a log and a trace are open for each process that
   lives. record_command_run does it by itself. */
void record_raise_descriptors(void);

/* What a shell would say of it: its exit status, 128 + the signal, 127 not found, 126. */
int record_command_status(const struct record_command *command);

#endif
