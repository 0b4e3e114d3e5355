/* SPDX-License-Identifier: MIT */
#include "locks/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record_log.h"
#include "record/record_place.h"
#include "base/say.h"
#include "base/scratch.h"

/* Where lackey's text comes out in the child; valgrind itself moves it out of the way of
   the program. */
#define TEXT_FD 9

static const int guest_signals[GUEST_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

static bool has_magic(const char *path) {
    char magic[4] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool has = fd >= 0 && read(fd, magic, 4) == 4 && memcmp(magic, "\177ELF", 4) == 0;

    if (fd >= 0) close(fd);
    return has;
}

/* Not a script, which runs under another name. As execvp finds it. */
static bool is_binary(const char *program) {
    const char *at = getenv("PATH");
    char path[4096];

    if (strchr(program, '/')) return has_magic(program);
    for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
        snprintf(path, sizeof(path), "%.*s/%s", (int)strcspn(at, ":"), at, program);
        if (access(path, X_OK) == 0) return has_magic(path);
    }
    return false;
}

/* The recorder in front of what is preloaded already. What the program starts is not
   recorded: nobody would read it. */
static bool set_environment(const struct guest *guest, const char *library,
                            const char *program) {
    const char *slash = strrchr(program, '/');
    const char *others = getenv("LD_PRELOAD");
    char *preload, at[32];

    if (asprintf(&preload, "%s%s%s", library, others && *others ? ":" : "",
                 others ? others : "") < 0)
        return false;
    snprintf(at, sizeof(at), "0x%" PRIx64, GUEST_LOG_AT);
    return setenv("LD_PRELOAD", preload, 1) == 0 &&
           setenv(RECORD_ENV_DIR, guest->directory, 1) == 0 &&
           setenv(RECORD_ENV_AT, at, 1) == 0 &&
           (is_binary(program) ? setenv(RECORD_ENV_ONLY, slash ? slash + 1 : program, 1)
                               : unsetenv(RECORD_ENV_ONLY)) == 0;
}

/* In the child. Returns only if there is no valgrind. */
static void become_program(const struct guest *guest, const char *library,
                           char *const argv[], int text, bool output_aside) {
    static const char *const valgrind[] = {"valgrind",
                                           "--tool=lackey",
                                           "--trace-mem=yes",
                                           "--basic-counts=no",
                                           "--log-fd=9",
                                           "--child-silent-after-fork=yes",
                                           "--"};
    enum { N_VALGRIND = sizeof(valgrind) / sizeof(valgrind[0]) };
    size_t n = 0;
    char **all;

    while (argv[n]) n++;
    all = calloc(N_VALGRIND + n + 1, sizeof(*all));
    if (!all || !set_environment(guest, library, argv[0])) return;
    memcpy(all, valgrind, sizeof(valgrind));
    memcpy(all + N_VALGRIND, argv, n * sizeof(*all));
    if (output_aside && dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return;
    if (text == TEXT_FD)
        fcntl(text, F_SETFD, 0);
    else if (dup2(text, TEXT_FD) < 0)
        return;
    execvp(all[0], all);
}

/* What the child says before it is valgrind: nothing, or an errno. */
static int await_exec(int fd) {
    int error = 0;
    ssize_t n;

    do n = read(fd, &error, sizeof(error));
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof(error)) return STATUS_OK;
    if (error == ENOENT)
        return complain(STATUS_IO, "valgrind cannot be run; it is what sees a program's "
                                   "accesses (on Debian: apt-get install valgrind)");
    return complain(STATUS_IO, "valgrind: %s", strerror(error));
}

/* The program that runs, for the handler: one at a time. */
static volatile sig_atomic_t running, asked;

/* Whoever asks twice is to be heard. */
static void pass_on(int signal_number) {
    if (running > 0) kill((pid_t)running, asked ? SIGKILL : signal_number);
    asked = 1;
}

/* What would end this program ends the other one, and then there is a result. */
static void take_signals(struct guest *guest) {
    struct sigaction action = {.sa_handler = pass_on, .sa_flags = SA_RESTART};

    running = (sig_atomic_t)guest->pid;
    asked = 0;
    for (size_t i = 0; i < GUEST_SIGNALS; i++)
        sigaction(guest_signals[i], &action, &guest->before[i]);
    guest->handled = true;
}

int guest_start(struct guest *guest, char *const argv[], bool output_aside) {
    struct record_place place;
    const char *library;
    int text[2], word[2];
    int status = record_place_library(&place, &library);

    *guest = (struct guest){.fd = -1, .ends = -1};
    if (status == STATUS_OK) status = scratch_make(&guest->directory);
    if (status) return status;
    if (pipe2(text, O_CLOEXEC) != 0)
        return complain(STATUS_IO, "a pipe: %s", strerror(errno));
    if (pipe2(word, O_CLOEXEC) != 0) {
        close(text[0]);
        close(text[1]);
        return complain(STATUS_IO, "a pipe: %s", strerror(errno));
    }
    fcntl(text[0], F_SETPIPE_SZ, 1 << 20); /* fewer switches; it may be refused */
    fflush(NULL);
    guest->pid = fork();
    if (guest->pid == 0) {
        /* The descriptor on which the word goes must not be the one of the text. */
        int say = fcntl(word[1], F_DUPFD_CLOEXEC, TEXT_FD + 1);
        become_program(guest, library, argv, text[1], output_aside);
        int error = errno;
        if (write(say, &error, sizeof(error)) < 0) _exit(126);
        _exit(127);
    }
    close(text[1]);
    close(word[1]);
    guest->fd = text[0];
    if (guest->pid > 0) {
        take_signals(guest);
        guest->ends = (int)syscall(SYS_pidfd_open, guest->pid, 0);
    }
    status = guest->pid < 0 ? complain(STATUS_IO, "fork: %s", strerror(errno))
                            : await_exec(word[0]);
    close(word[0]);
    return status;
}

/* By exec it has become another program, which valgrind does not follow; or it has given
   itself another name. Read while it is still there, though it may have ended. */
static void read_name(struct guest *guest) {
    static const char valgrind[] = "lackey-";
    char path[64];
    siginfo_t info;
    int rc;

    do rc = waitid(P_PID, (id_t)guest->pid, &info, WEXITED | WNOWAIT);
    while (rc < 0 && errno == EINTR);
    snprintf(path, sizeof(path), "/proc/%ld/comm", (long)guest->pid);
    FILE *file = fopen(path, "re");
    if (!file) return;
    if (fgets(guest->became, sizeof(guest->became), file))
        guest->became[strcspn(guest->became, "\n")] = '\0';
    if (strncmp(guest->became, valgrind, sizeof(valgrind) - 1) == 0)
        guest->became[0] = '\0';
    fclose(file);
}

int guest_finish(struct guest *guest, bool kill_it, int *result) {
    int wait_status = 0;
    pid_t got = -1;

    *result = 0;
    if (guest->pid > 0) {
        if (kill_it) kill(guest->pid, SIGKILL);
        if (guest->fd >= 0) close(guest->fd);
        if (guest->ends >= 0) close(guest->ends);
        if (!kill_it) read_name(guest);
        do got = waitpid(guest->pid, &wait_status, 0);
        while (got < 0 && errno == EINTR);
    }
    if (got > 0)
        *result = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
                                           : WEXITSTATUS(wait_status);
    for (size_t i = 0; i < GUEST_SIGNALS && guest->handled; i++)
        sigaction(guest_signals[i], &guest->before[i], NULL);
    running = 0;
    guest->pid = 0;
    guest->fd = guest->ends = -1;
    guest->handled = false;
    scratch_remove(guest->directory);
    guest->directory = NULL;
    return STATUS_OK;
}
