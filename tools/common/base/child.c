/* SPDX-License-Identifier: MIT */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/say.h"

extern char **environ;

int child_run(const char *const argv[], const char *directory, bool show_errors,
              bool *found) {
    FILE *text = tmpfile();
    posix_spawn_file_actions_t actions;
    pid_t child;
    int failed, state;

    if (!text) return complain(STATUS_IO, "temporary file: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fileno(text), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, fileno(text), STDERR_FILENO);
    if (directory) posix_spawn_file_actions_addchdir_np(&actions, directory);
    /* It does not write to the strings; its type is older than const. */
    failed = posix_spawnp(&child, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    *found = failed == 0;
    if (failed != 0) {
        fclose(text);
        return STATUS_IO;
    }
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) continue;

    int status = WIFEXITED(state) ? WEXITSTATUS(state) : STATUS_IO;
    if (status != 0 && show_errors) {
        char line[512];
        progress_end();
        rewind(text);
        while (fgets(line, sizeof line, text)) fputs(line, stderr);
        if (WIFSIGNALED(state))
            complain(STATUS_IO, "%s: %s", argv[0], strsignal(WTERMSIG(state)));
    }
    fclose(text);
    return status;
}
