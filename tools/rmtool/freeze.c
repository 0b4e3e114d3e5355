/* SPDX-License-Identifier: MIT */
#include "freeze.h"

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

#include "clock.h"
#include "say.h"

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

/* When the process began, in ticks; 0: it has ended. */
static uint64_t began_at(pid_t pid) {
    char text[1024], state;
    uint64_t ticks;

    if (!read_proc(text, sizeof(text), "/proc/%d/stat", (int)pid)) return 0;
    const char *after = strrchr(text, ')'); /* the name may hold anything */
    if (!after || sscanf(after + 1, " %c", &state) != 1 || state == 'Z' || state == 'X')
        return 0;
    after++;
    for (unsigned field = 3; field < 22 && after; field++) after = strchr(after + 1, ' ');
    return after && sscanf(after, "%" SCNu64, &ticks) == 1 ? ticks : 0;
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

static uint64_t number_behind(const char *text, const char *key) {
    const char *at = strstr(text, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* Who traces it; 0: nobody does. */
static pid_t tracer_of(pid_t pid) {
    char text[4096];
    if (!read_proc(text, sizeof(text), "/proc/%d/status", (int)pid)) return 0;
    return (pid_t)number_behind(text, "\nTracerPid:");
}

int freeze_identify(struct target *target) {
    target->started = began_at(target->pid);
    target->file = file_of(target->pid);
    if (target->started == 0)
        return complain(STATUS_IO, "%s: there is no such process", target->name);
    if (target->pid == getpid())
        return complain(STATUS_IO, "%s: this is rmtool itself", target->name);
    if (!read_proc(target->program, sizeof(target->program), "/proc/%d/comm",
                   (int)target->pid))
        strcpy(target->program, "?");
    target->program[strcspn(target->program, "\n")] = '\0';
    return STATUS_OK;
}

int freeze_refused(const struct target *target, int error, const char *what) {
    char scope[16] = "", tracer[64] = "?";
    pid_t by = tracer_of(target->pid);

    if (by > 0) {
        if (read_proc(tracer, sizeof(tracer), "/proc/%d/comm", (int)by))
            tracer[strcspn(tracer, "\n")] = '\0';
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
    char text[4096];

    *switches = 0;
    if (!read_proc(text, sizeof(text), "/proc/%d/task/%d/status", (int)target->pid,
                   (int)id))
        return false;
    const char *state = strstr(text, "\nState:\t");
    *switches = number_behind(text, "\nvoluntary_ctxt_switches:") +
                number_behind(text, "\nnonvoluntary_ctxt_switches:");
    return state && strchr("SDT", state[8]);
}

enum { WAIT_NS = 20000, WAITS_MOST = 100000 }; /* 2 s */

/* Until it stands still. 0: it has ended. */
static int await_stop(pid_t id, int *signal_number) {
    const struct timespec nap = {0, WAIT_NS};
    int status = 0;

    *signal_number = 0;
    for (unsigned n = 0; n < WAITS_MOST; n++) {
        pid_t waited = waitpid(id, &status, __WALL | WNOHANG);
        if (waited < 0 && errno != EINTR) return 0;
        if (waited == id) {
            if (!WIFSTOPPED(status)) return 0;
            /* A signal that was just being delivered goes on its way later. */
            if (status >> 16 == 0) *signal_number = WSTOPSIG(status);
            return 1;
        }
        if (n > 50) nanosleep(&nap, NULL);
    }
    return -1;
}

/* Asks one thread to stop. STATUS_FOUND: it has ended. */
static int ask_thread(const struct target *target, pid_t id) {
    if (ptrace(PTRACE_SEIZE, id, NULL, NULL) != 0) {
        if (errno == ESRCH) return STATUS_FOUND;
        return freeze_refused(target, errno, "stopping it");
    }
    return ptrace(PTRACE_INTERRUPT, id, NULL, NULL) == 0 ? STATUS_OK : STATUS_FOUND;
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

/* Asks those that are not known yet and run to stop. `*found`: how many were new. */
static int ask_new(struct target *target, size_t *found) {
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
            status = complain(STATUS_IO, "no memory for a list of threads");
            break;
        }
        *added = (struct target_thread){.id = id};
        ++*found;
        if (is_asleep(target, id, &added->switches)) continue;
        added->switches = 0;
        status = ask_thread(target, id);
        added->state = status == STATUS_OK ? THREAD_ASKED : THREAD_GONE;
        /* A thread may end; of the first one's end everything is over. */
        if (status == STATUS_FOUND && id != target->pid) status = STATUS_OK;
    }
    closedir(folder);
    return status;
}

/* Waits for those that have been asked: all of them first, so that none that runs keeps another from the
   processor that it needs to stop. */
static int await_asked(struct target *target) {
    int status = STATUS_OK;

    for (size_t i = 0; i < target->n_threads; i++) {
        struct target_thread *t = &target->threads[i];
        if (t->state != THREAD_ASKED) continue;
        int stopped = await_stop(t->id, &t->signal);
        t->state = stopped > 0 ? THREAD_STOPPED : THREAD_GONE;
        if (stopped == 0 && t->id == target->pid) status = STATUS_FOUND;
        if (stopped < 0)
            status = complain(STATUS_IO, "%s (%s): a thread does not stop", target->name,
                              target->program);
    }
    return status;
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

enum { ROUNDS = 16 }; /* of looking for threads that others have made meanwhile */

int target_stop(struct target *target) {
    int status = STATUS_OK;
    size_t found = 1;

    target->n_threads = 0;
    target->stopped_at = clock_wall_ns();
    if (target->core) return STATUS_OK;
    if (!target_lives(target)) return STATUS_FOUND;
    hurry(true);
    for (unsigned i = 0; status == STATUS_OK && found > 0 && i < ROUNDS; i++) {
        status = ask_new(target, &found);
        int awaited = await_asked(target);
        if (status == STATUS_OK) status = awaited;
    }
    if (status != STATUS_OK) {
        uint64_t stopped_ns;
        target_go(target, &stopped_ns);
    }
    return status;
}

bool target_go(struct target *target, uint64_t *stopped_ns) {
    bool still = true, any = false;

    /* Before the others go on, who would wake them. */
    for (size_t i = 0; i < target->n_threads && still; i++) {
        const struct target_thread *t = &target->threads[i];
        uint64_t switches;
        if (t->state == THREAD_ASLEEP)
            still = is_asleep(target, t->id, &switches) && switches == t->switches;
    }
    for (size_t i = 0; i < target->n_threads; i++) {
        const struct target_thread *t = &target->threads[i];
        if (t->state != THREAD_STOPPED) continue;
        any = true;
        ptrace(PTRACE_DETACH, t->id, NULL, (long)t->signal);
    }
    hurry(false);
    *stopped_ns = any ? clock_wall_ns() - target->stopped_at : 0;
    target->n_threads = 0;
    return still;
}
