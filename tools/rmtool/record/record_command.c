/* SPDX-License-Identifier: MIT */
#include "record/record_command.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"

#define STEP_NS 20000000L
#define NOTICE_NS UINT64_C(1000000000)
#define GIVE_WAY 10 /* on the scale of nice: the command goes first */

/* -------------------------------------------------------------- environment */

static bool is_ours(const char *variable) {
    static const char *const names[] = {"LD_PRELOAD", RECORD_ENV_DIR, RECORD_ENV_ONLY};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = strlen(names[i]);
        if (strncmp(variable, names[i], n) == 0 && variable[n] == '=') return true;
    }
    return false;
}

/* The variables of ours, one behind the other, each ended by a NUL. The recorder is
   loaded before what else is to be, so that each allocation finds it first. */
static char *own_variables(const struct record_command *command,
                           const struct record_session *session) {
    const char *others = getenv("LD_PRELOAD");
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (!stream) return NULL;
    fprintf(stream, "LD_PRELOAD=%s%s%s%c", command->library, others && *others ? ":" : "",
            others ? others : "", 0);
    fprintf(stream, RECORD_ENV_DIR "=%s%c", session->logs, 0);
    if (command->n_only > 0) fputs(RECORD_ENV_ONLY "=", stream);
    for (size_t i = 0; i < command->n_only; i++)
        fprintf(stream, "%s%c", command->only[i], i + 1 < command->n_only ? '/' : 0);
    if (fclose(stream) == 0) return text;
    free(text);
    return NULL;
}

/* Points into `own` and into the environment of this program, which stays as it is. */
static char **make_environment(char *own, size_t n_own) {
    size_t n = 0, at = 0;
    char **list;

    while (environ[n]) n++;
    list = calloc(n + n_own + 1, sizeof(*list));
    if (!list) return NULL;
    for (; at < n_own; at++, own += strlen(own) + 1) list[at] = own;
    for (size_t i = 0; i < n; i++)
        if (!is_ours(environ[i])) list[at++] = environ[i];
    return list;
}

/* ---------------------------------------------------------------- processes */

static void forwarded_signals(sigset_t *set) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(set, numbers[i]);
}

/* What this program has made of its own signals is not the command's. */
static void set_signals(posix_spawnattr_t *attributes, const sigset_t *mask,
                        bool pipe_ignored) {
    sigset_t by_default;

    sigemptyset(&by_default);
    if (!pipe_ignored) sigaddset(&by_default, SIGPIPE);
    posix_spawnattr_setsigmask(attributes, mask);
    posix_spawnattr_setsigdefault(attributes, &by_default);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int start(struct record_command *command, const struct record_session *session,
                 const sigset_t *mask, bool pipe_ignored) {
    posix_spawnattr_t attributes;
    char *own = own_variables(command, session);
    char **environment = own ? make_environment(own, 2 + (command->n_only > 0)) : NULL;
    int failed = ENOMEM;

    if (environment) {
        posix_spawnattr_init(&attributes);
        set_signals(&attributes, mask, pipe_ignored);
        failed = posix_spawnp(&command->pid, command->argv[0], NULL, &attributes,
                              command->argv, environment);
        posix_spawnattr_destroy(&attributes);
    }
    free(environment);
    free(own);
    command->started = failed == 0;
    command->state = failed;
    if (failed) return complain(STATUS_IO, "%s: %s", command->argv[0], strerror(failed));
    return STATUS_OK;
}

/* Whether it has children, ended ones too. */
static bool has_children(void) {
    siginfo_t child;

    return waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0;
}

struct watch {
    bool running;      /* the command */
    bool some_ended;   /* in this step */
    bool strangers;    /* there were children before the command */
    int last_signal;   /* that came from elsewhere than the terminal */
    uint64_t ended_ns; /* when the command has */
};

/* All that have ended: orphans of the command come here too. */
static void reap(struct watch *watch, struct record_command *command) {
    int state;
    pid_t pid;

    watch->some_ended = false;
    while ((pid = waitpid(-1, &state, WNOHANG)) > 0) {
        watch->some_ended = true;
        if (pid != command->pid || !watch->running) continue;
        command->state = state;
        watch->running = false;
        watch->ended_ns = clock_wall_ns();
    }
}

static void say_left(const struct record_session *session) {
    complain(STATUS_OK,
             "waiting for what the command has left behind; an interrupt ends it:");
    for (const struct record_image *image = session->images; image; image = image->next)
        if (!image->done)
            fprintf(stderr, "    %s (%llu)\n", image->program,
                    (unsigned long long)image->header.pid);
    if (session->n_live == 0) fputs("    processes that are not recorded\n", stderr);
}

/* ----------------------------------------------------------------- the loop */

/* A signal of the terminal has reached the command as well; one from elsewhere has not. */
static void take_signal(struct watch *watch, struct record_command *command,
                        struct record_session *session, const siginfo_t *signal) {
    if (watch->running && signal->si_code == SI_KERNEL) return;
    if (watch->running && signal->si_signo != watch->last_signal) {
        watch->last_signal = signal->si_signo;
        kill(command->pid, signal->si_signo);
        return;
    }
    if (watch->running) { /* it does not heed it, and is left alone */
        command->state = signal->si_signo;
        watch->running = false;
    }
    command->interrupted = true;
    record_session_stop(session);
}

static void watch(struct record_command *command, struct record_session *session,
                  const sigset_t *signals, bool strangers) {
    struct watch watch = {.running = true, .strangers = strangers};
    bool left = true, said = false, moved = false;

    while (watch.running || left || session->n_live > 0) {
        struct timespec wait = {.tv_nsec = moved ? 0 : STEP_NS};
        siginfo_t signal;
        int number = sigtimedwait(signals, &signal, &wait);
        if (number > 0 && number != SIGCHLD)
            take_signal(&watch, command, session, &signal);
        reap(&watch, command);
        /* Each orphan among the descendants is a child of this program, so no child means
           that there is nobody. */
        session->alone = !watch.running && !has_children();
        left = !session->alone && !watch.strangers && !command->interrupted;
        uint64_t since = watch.running ? 0 : clock_wall_ns() - watch.ended_ns;
        moved = record_session_step(session, watch.some_ended || session->alone ||
                                                 (!watch.running && since < NOTICE_NS));
        if (!watch.running && !said && !command->quiet && since > NOTICE_NS &&
            (left || session->n_live > 0)) {
            say_left(session);
            said = true;
        }
    }
    record_session_complete(session); /* what has not begun by now never will */
}

int record_command_run(struct record_command *command, struct record_session *session) {
    struct sigaction by_default = {.sa_handler = SIG_DFL}, child;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pipe;
    bool strangers = has_children();
    sigset_t signals, before;
    int status;

    forwarded_signals(&signals);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, &before);
    sigaction(SIGCHLD, &by_default,
              &child);                  /* ignored, it would leave nothing to wait for */
    sigaction(SIGPIPE, &ignore, &pipe); /* a report that nobody reads ends no recording */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    status = start(command, session, &before, pipe.sa_handler == SIG_IGN);
    record_raise_descriptors(); /* of this program alone: the command has been started */
    int priority = getpriority(PRIO_PROCESS, 0);
    setpriority(PRIO_PROCESS, 0, priority + GIVE_WAY);
    if (status == STATUS_OK) watch(command, session, &signals, strangers);
    setpriority(PRIO_PROCESS, 0, priority); /* where that is allowed */
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    sigaction(SIGCHLD, &child, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

void record_raise_descriptors(void) {
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int record_command_status(const struct record_command *command) {
    if (!command->started) return command->state == ENOENT ? 127 : 126;
    if (WIFSIGNALED(command->state)) return 128 + WTERMSIG(command->state);
    return WEXITSTATUS(command->state);
}
