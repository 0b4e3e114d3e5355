/* SPDX-License-Identifier: MIT */
/*
 * The measuring processes as seen from the one that starts them.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/say.h"
#include "compare/worker.h"

extern char **environ;

/* Room for allocators that keep their thread-local variables where those of libraries
   that were there from the start lie. */
#define STATIC_TLS "glibc.rtld.optional_static_tls=65536"
#define VARIABLES_MAX 2

/* The environment with two variables changed; the strings of those are in text. */
static char **make_environment(const struct entrant *entrant,
                               char text[VARIABLES_MAX][512]) {
    const char *tunables = getenv("GLIBC_TUNABLES");
    size_t n = 0, kept = 0;
    char **variables;

    while (environ[n]) n++;
    variables = calloc(n + VARIABLES_MAX + 1, sizeof(*variables));
    if (!variables) return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(environ[i], "GLIBC_TUNABLES=", 15) == 0) continue;
        if (entrant->preload && strncmp(environ[i], "LD_PRELOAD=", 11) == 0) continue;
        variables[kept++] = environ[i];
    }
    snprintf(text[0], sizeof(text[0]), "GLIBC_TUNABLES=%s%s" STATIC_TLS,
             tunables ? tunables : "", tunables && *tunables ? ":" : "");
    variables[kept++] = text[0];
    if (entrant->preload) {
        snprintf(text[1], sizeof(text[1]), "LD_PRELOAD=%s", entrant->path);
        variables[kept++] = text[1];
    }
    return variables;
}

static void note_end(struct job *job, int state) {
    if (job->state != JOB_BEGUN) return;
    job->state = JOB_FAILED;
    if (WIFSIGNALED(state))
        snprintf(job->reason, sizeof(job->reason), "killed: %s",
                 strsignal(WTERMSIG(state)));
    else
        snprintf(job->reason, sizeof(job->reason), "ended with status %d",
                 WEXITSTATUS(state));
}

static int spawn(const struct job *job, int file, int reel, int *state) {
    char files[32], text[VARIABLES_MAX][512];
    const char *argv[] = {"rmtool", "compare", WORKER_OPTION, files, NULL};
    char **environment = make_environment(&job->entrant, text);
    posix_spawn_file_actions_t actions;
    pid_t child;
    int failed;

    if (!environment) return complain(STATUS_IO, "no memory to measure");
    snprintf(files, sizeof(files), "%d:%d", file, reel);
    posix_spawn_file_actions_init(&actions);
    /* Complaints about what is looked for: a library that is not there, the least memory. */
    if (job->kind == JOB_PROBE || job->kind == JOB_FITS || job->kind == JOB_LARGEST)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY,
                                         0);
    /* It does not write to the strings; its type is older than const. */
    failed = posix_spawn(&child, "/proc/self/exe", &actions, NULL, (char *const *)argv,
                         environment);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    if (failed)
        return complain(STATUS_IO, "a process to measure in: %s", strerror(failed));
    while (waitpid(child, state, 0) < 0 && errno == EINTR) continue;
    return STATUS_OK;
}

int worker_run(struct job *job, int reel) {
    int file = memfd_create("job", 0); /* the process inherits it */
    struct job *shared = MAP_FAILED;
    int status = STATUS_OK, state = 0;

    if (file >= 0 && ftruncate(file, sizeof(*shared)) == 0)
        shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared == MAP_FAILED) {
        status = complain(STATUS_IO, "memory to measure in: %s", strerror(errno));
    } else {
        *shared = *job;
        status = spawn(job, file, reel, &state);
        *job = *shared;
        if (status == STATUS_OK) note_end(job, state);
        munmap(shared, sizeof(*shared));
    }
    if (file >= 0) close(file);
    return status;
}
