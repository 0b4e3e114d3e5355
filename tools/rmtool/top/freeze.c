/* SPDX-License-Identifier: MIT */
#include "top/freeze.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/say.h"

/* --- what the system says --- */

/* The beginning of a file of /proc; false: there is none. */
static bool read_proc(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool read_proc(char *text, size_t size, const char *format, ...) {
    char path[96];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(path, sizeof(path), format, arguments);
    va_end(arguments);
    FILE *file = fopen(path, "re");
    if (!file) return false;
    size_t n = fread(text, 1, size - 1, file);
    text[n] = '\0';
    fclose(file);
    return n > 0;
}

/* What /proc says behind a thread's name, its state first; NULL: there is no such thread. */
static const char *stat_of(char text[1024], pid_t pid, pid_t id) {
    if (!read_proc(text, 1024, "/proc/%d/task/%d/stat", (int)pid, (int)id)) return NULL;
    const char *after = strrchr(text, ')'); /* the name may hold anything */
    return after && after[1] == ' ' ? after + 2 : NULL;
}

static bool has_ended(pid_t pid, pid_t id) {
    char text[1024];
    const char *state = stat_of(text, pid, id);

    return !state || *state == 'Z' || *state == 'X';
}

/* When the process began, in ticks; 0: it has ended. */
static uint64_t began_at(pid_t pid) {
    char text[1024];
    uint64_t ticks;
    const char *at = stat_of(text, pid, pid);

    if (!at || *at == 'Z' || *at == 'X') return 0;
    for (unsigned field = 3; field < 22 && at; field++) {
        at = strchr(at, ' ');
        if (at) at++;
    }
    return at && sscanf(at, "%" SCNu64, &ticks) == 1 ? ticks : 0;
}

/* The file that it runs, as a number: another one after an exec. */
static uint64_t file_of(pid_t pid) {
    char path[64];
    struct stat is;

    snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    return stat(path, &is) == 0 ? (uint64_t)is.st_dev << 48 ^ (uint64_t)is.st_ino : 0;
}

bool target_lives(const struct target *target) {
    return target->pid == 0 || (began_at(target->pid) == target->started &&
                                file_of(target->pid) == target->file);
}

static bool number_behind(const char *text, const char *key, uint64_t *number) {
    const char *at = strstr(text, key);
    *number = at ? strtoull(at + strlen(key), NULL, 10) : 0;
    return at;
}

/* Who traces it; 0: nobody does. */
static pid_t tracer_of(pid_t pid) {
    char text[4096];
    uint64_t by;
    if (!read_proc(text, sizeof(text), "/proc/%d/status", (int)pid)) return 0;
    number_behind(text, "\nTracerPid:", &by);
    return (pid_t)by;
}

/* The name of a program; it may hold anything. */
static void read_name(char *name, size_t size, pid_t pid) {
    if (!read_proc(name, size, "/proc/%d/comm", (int)pid)) snprintf(name, size, "?");
    name[strcspn(name, "\n")] = '\0';
    target_printable(name);
}

/* Its first thread has ended, and others have not. */
static bool is_headless(pid_t pid) {
    char text[4096];
    uint64_t n;

    return read_proc(text, sizeof(text), "/proc/%d/status", (int)pid) &&
           number_behind(text, "\nThreads:", &n) && n > 1;
}

int freeze_identify(struct target *target) {
    target->started = began_at(target->pid);
    target->file = file_of(target->pid);
    if (target->started == 0 && is_headless(target->pid))
        return complain(STATUS_IO,
                        "%s: its first thread has ended, without which its memory "
                        "cannot be read",
                        target->name);
    if (target->started == 0)
        return complain(STATUS_IO, "%s: there is no such process", target->name);
    if (target->pid == getpid())
        return complain(STATUS_IO, "%s: this is rmtool itself", target->name);
    read_name(target->program, sizeof(target->program), target->pid);
    /* Whether or not it sleeps just now, and could be looked at for once. */
    if (tracer_of(target->pid) > 0) return freeze_refused(target, EPERM, "stopping it");
    return STATUS_OK;
}

int freeze_refused(const struct target *target, int error, const char *what) {
    char scope[16] = "", tracer[64];
    pid_t by = tracer_of(target->pid);

    if (by > 0) {
        read_name(tracer, sizeof(tracer), by);
        return complain(STATUS_IO,
                        "%s (%s) is being debugged by process %d (%s): end that first",
                        target->name, target->program, (int)by, tracer);
    }
    if (error != EPERM && error != EACCES)
        return complain(STATUS_IO, "%s (%s): %s: %s", target->name, target->program, what,
                        strerror(error));
    read_proc(scope, sizeof(scope), "/proc/sys/kernel/yama/ptrace_scope");
    if (scope[0] >= '1' && scope[0] <= '3')
        return complain(
            STATUS_IO,
            "%s (%s): %s: not permitted: /proc/sys/kernel/yama/ptrace_scope is "
            "%c; be root, or set it to 0 (sysctl kernel.yama.ptrace_scope=0)%s",
            target->name, target->program, what, scope[0],
            scope[0] == '3' ? ", which takes a restart" : "");
    return complain(
        STATUS_IO,
        "%s (%s): %s: not permitted: be the user who has started it, or root; "
        "in a container CAP_SYS_PTRACE is needed",
        target->name, target->program, what);
}

/* --- its threads --- */

/* Asleep in a system call, and how often it has been given a processor. */
static bool is_asleep(const struct target *target, pid_t id, uint64_t *switches) {
    char text[1 << 16]; /* the counts stand behind all of a user's groups */
    uint64_t voluntary, others;

    *switches = 0;
    if (!read_proc(text, sizeof(text), "/proc/%d/task/%d/status", (int)target->pid,
                   (int)id))
        return false;
    const char *state = strstr(text, "\nState:\t");
    if (!number_behind(text, "\nvoluntary_ctxt_switches:", &voluntary) ||
        !number_behind(text, "\nnonvoluntary_ctxt_switches:", &others))
        return false;
    *switches = voluntary + others;
    return state && strchr("SDT", state[8]);
}

/* Asks one thread to stop. STATUS_FOUND: it has ended. */
static int ask_thread(const struct target *target, pid_t id, int *error) {
    if (ptrace(PTRACE_SEIZE, id, NULL, NULL) != 0) {
        *error = errno;
        return *error == ESRCH || has_ended(target->pid, id) ? STATUS_FOUND : STATUS_IO;
    }
    ptrace(PTRACE_INTERRUPT, id, NULL, NULL); /* one that is ending is waited for, too */
    return STATUS_OK;
}

static bool is_known(const struct target *target, pid_t id) {
    for (size_t i = 0; i < target->n_threads; i++)
        if (target->threads[i].id == id) return true;
    return false;
}

static struct target_thread *add_thread(struct target *target) {
    if (target->n_threads == target->room_threads) {
        size_t room = 2 * target->room_threads + 16;
        void *more = realloc(target->threads, room * sizeof(*target->threads));
        if (!more) return NULL;
        target->threads = more;
        target->room_threads = room;
    }
    return &target->threads[target->n_threads++];
}

/* Asks those that are not known yet and run to stop. `*found`: how many were new. STATUS_IO: `*error` says why;
   nothing is said while others stand still, as who reads it may keep us waiting. */
static int ask_new(struct target *target, size_t *found, int *error) {
    char path[32];
    struct dirent *entry;
    int status = STATUS_OK;

    *found = 0;
    snprintf(path, sizeof(path), "/proc/%d/task", (int)target->pid);
    DIR *folder = opendir(path);
    if (!folder) return STATUS_FOUND;
    while (status == STATUS_OK && (entry = readdir(folder))) {
        pid_t id = (pid_t)strtol(entry->d_name, NULL, 10);
        if (id <= 0 || is_known(target, id)) continue;
        struct target_thread *added = add_thread(target);
        if (!added) {
            *error = ENOMEM;
            status = STATUS_IO;
            break;
        }
        *added = (struct target_thread){.id = id};
        ++*found;
        if (is_asleep(target, id, &added->switches)) continue;
        added->switches = 0;
        status = ask_thread(target, id, error);
        added->state = status == STATUS_OK ? THREAD_ASKED : THREAD_GONE;
        /* A thread may end; of the first one's end everything is over. */
        if (status == STATUS_FOUND && id != target->pid) status = STATUS_OK;
    }
    closedir(folder);
    return status;
}

/* What has become of one. Who stands still may be killed, and then it is for us to reap it. */
static void poll_thread(struct target_thread *t) {
    int status = 0;
    pid_t waited = waitpid(t->id, &status, __WALL | WNOHANG);

    if (waited == 0 || (waited < 0 && errno == EINTR)) return;
    t->state = waited > 0 && WIFSTOPPED(status) ? THREAD_STOPPED : THREAD_GONE;
    /* A signal that was just being delivered goes on its way later. */
    if (t->state == THREAD_STOPPED) t->signal = status >> 16 == 0 ? WSTOPSIG(status) : 0;
}

/* How many of those that have been asked do not stand still yet. Of the first one's end nothing is said while
   there are others. */
static size_t poll_asked(struct target *target, unsigned n, bool *ended) {
    size_t n_asked = 0;
    bool look = n % 64 == 63 && has_ended(target->pid, target->pid);

    for (size_t i = 0; i < target->n_threads; i++) {
        struct target_thread *t = &target->threads[i];
        if (t->state != THREAD_ASKED && t->state != THREAD_STOPPED) continue;
        poll_thread(t);
        if (look && t->id == target->pid) t->state = THREAD_GONE;
        if (t->state == THREAD_GONE && t->id == target->pid) *ended = true;
        n_asked += t->state == THREAD_ASKED;
    }
    return n_asked;
}

enum {
    SPINS = 50,
    NAP_NS = 20 * 1000,
    STOP_NS = 100 * 1000 * 1000, /* so long some may stand still, waiting for others, */
};
#define LATE_NS UINT64_C(2000000000) /* and so long for these one waits then */

static void nap(unsigned n) {
    const struct timespec time = {0, NAP_NS};
    if (n > SPINS) nanosleep(&time, NULL);
}

/* Waits for those that have been asked: all of them first, so that none that runs keeps another from the
   processor that it needs to stop. False: not all of them do so in time. */
static bool await_asked(struct target *target, bool *ended) {
    for (unsigned n = 0; poll_asked(target, n, ended) > 0 && !*ended; n++) {
        if (clock_wall_ns() - target->stopped_at > STOP_NS) return false;
        nap(n);
    }
    return true;
}

/* While another program stands still because of this one nobody else had better come between, where that may
   be asked for. */
static void hurry(bool on) {
    const struct sched_param least = {.sched_priority = 1}, none = {.sched_priority = 0};

    if (on && sched_getscheduler(0) == SCHED_OTHER)
        sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &least);
    else if (!on && sched_getscheduler(0) == (SCHED_RR | SCHED_RESET_ON_FORK))
        sched_setscheduler(0, SCHED_OTHER, &none);
}

/* Nor had this one better be stopped by job control, which would leave the other where it is; or ended in a
   way that is not orderly. */
static void undisturbed(struct target *target, bool on) {
    static const int numbers[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGINT,
                                  SIGTERM, SIGHUP,  SIGQUIT};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaddset(&set, numbers[i]);
    if (on)
        sigprocmask(SIG_BLOCK, &set, &target->signals);
    else
        sigprocmask(SIG_SETMASK, &target->signals, NULL);
}

enum { ROUNDS = 16 }; /* of looking for threads that others have made meanwhile */

int target_stop(struct target *target, bool *stands) {
    int status = STATUS_OK, error = 0;
    bool ended = false;
    size_t found = 1;

    target->n_threads = 0;
    target->stopped_at = clock_wall_ns();
    *stands = true;
    if (target->core) return STATUS_OK;
    if (!target_lives(target)) return STATUS_FOUND;
    undisturbed(target, true);
    hurry(true);
    for (unsigned i = 0; status == STATUS_OK && *stands && found > 0; i++) {
        status = ask_new(target, &found, &error);
        *stands = await_asked(target, &ended) && (found == 0 || i < ROUNDS);
        if (ended && status == STATUS_OK) status = STATUS_FOUND;
    }
    if (status == STATUS_OK && *stands) return STATUS_OK;
    uint64_t stopped_ns;
    bool still;
    int gone = target_go(target, &stopped_ns, &still);
    if (status == STATUS_IO) return freeze_refused(target, error, "stopping it");
    return status == STATUS_OK ? gone : status;
}

/* Lets one go. If it has been killed there is still its end to be seen. */
static void detach(struct target_thread *t) {
    bool detached = ptrace(PTRACE_DETACH, t->id, NULL, (long)t->signal) == 0;
    t->state = detached ? THREAD_GONE : THREAD_ASKED;
}

/* Those that stand still go on. Returns how many do not stand still as yet: they would do so later, with nobody to
   let them go. */
static size_t detach_all(struct target *target) {
    size_t n_asked = 0;

    for (size_t i = 0; i < target->n_threads; i++) {
        struct target_thread *t = &target->threads[i];
        if (t->state == THREAD_STOPPED) detach(t);
        n_asked += t->state == THREAD_ASKED;
    }
    return n_asked;
}

static bool await_late(struct target *target) {
    uint64_t since = clock_wall_ns();
    bool ended = false;

    for (unsigned n = 0; detach_all(target) > 0; n++) {
        if (clock_wall_ns() - since > LATE_NS) return false;
        nap(n);
        poll_asked(target, n, &ended);
    }
    return true;
}

int target_go(struct target *target, uint64_t *stopped_ns, bool *still) {
    bool any = false;

    *still = true;
    *stopped_ns = 0;
    if (target->core) return STATUS_OK;
    /* Before the others go on, who would wake them. */
    for (size_t i = 0; i < target->n_threads && *still; i++) {
        const struct target_thread *t = &target->threads[i];
        uint64_t switches;
        if (t->state == THREAD_ASLEEP)
            *still = is_asleep(target, t->id, &switches) && switches == t->switches;
    }
    for (size_t i = 0; i < target->n_threads; i++)
        if (target->threads[i].state == THREAD_STOPPED) any = true;
    detach_all(target);
    hurry(false);
    if (any) *stopped_ns = clock_wall_ns() - target->stopped_at;
    bool all = await_late(target);
    undisturbed(target, false);
    target->n_threads = 0;
    if (all) return STATUS_OK;
    return complain(STATUS_IO, "%s (%s): a thread does not stop", target->name,
                    target->program);
}
