/* SPDX-License-Identifier: MIT */
#include "origin.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "raw.h"

/* As much of a file of /proc as fits. */
static size_t read_file(const char *path, char *text, size_t most) {
    long fd = raw(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    size_t n = 0;

    if (fd < 0) return 0;
    while (n < most) {
        long got = raw(SYS_read, fd, (long)(text + n), (long)(most - n), 0, 0, 0);
        if (got == -EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    raw(SYS_close, fd, 0, 0, 0, 0, 0);
    return n;
}

/* The value where a variable is that one. */
static const char *value_of(const char *variable, const char *name) {
    size_t n = strlen(name);

    return strncmp(variable, name, n) == 0 && variable[n] == '=' ? variable + n + 1
                                                                 : NULL;
}

/* Calls take for each variable. The environment that the process was started with, of
   which a program may by now have made something else. */
struct setting {
    char directory[RECORD_PATH], only[RECORD_PATH], at[32];
};

static void take(struct setting *setting, const char *variable) {
    const char *value;

    if ((value = value_of(variable, RECORD_ENV_DIR)))
        raw_append(setting->directory, 0, sizeof(setting->directory), value);
    else if ((value = value_of(variable, RECORD_ENV_ONLY)))
        raw_append(setting->only, 0, sizeof(setting->only), value);
    else if ((value = value_of(variable, RECORD_ENV_AT)))
        raw_append(setting->at, 0, sizeof(setting->at), value);
}

static void take_file(struct setting *setting) {
    size_t size = (size_t)4 << 20; /* more than an environment may be */
    long at = raw(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at < 0) return;
    char *text = (char *)at;
    size_t n = read_file("/proc/self/environ", text, size - 1);
    for (size_t i = 0; i < n; i += strlen(text + i) + 1) take(setting, text + i);
    raw(SYS_munmap, at, (long)size, 0, 0, 0, 0);
}

static uint64_t parse_address(const char *text) {
    uint64_t number = 0;

    if (text[0] != '0' || (text[1] | 0x20) != 'x') return 0;
    for (text += 2; *text; text++) {
        char c = *text | 0x20;
        if (c >= '0' && c <= '9')
            number = number * 16 + (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            number = number * 16 + (uint64_t)(c - 'a' + 10);
        else
            return 0;
    }
    return number % 65536 == 0 ? number : 0;
}

/* ------------------------------------------------------------------- programs */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool listed(const char *list, const char *name) {
    size_t n = strlen(name);

    for (const char *at = list; n > 0 && *at; at += strcspn(at, "/"), at += *at == '/')
        if (strncmp(at, name, n) == 0 && (at[n] == '/' || at[n] == '\0')) return true;
    return false;
}

static void read_program(char program[RECORD_PROGRAM]) {
    long n = raw(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)program,
                 RECORD_PROGRAM - 1, 0, 0);

    program[n > 0 ? n : 0] = '\0';
}

bool origin_find(struct origin *origin) {
    static struct setting setting;
    static char program[RECORD_PROGRAM], first[RECORD_PROGRAM];

    if (environ) {
        for (char **variable = environ; *variable; variable++) take(&setting, *variable);
    } else {
        take_file(&setting);
    }
    if (setting.directory[0] != '/') return false;
    raw_append(origin->directory, 0, sizeof(origin->directory), setting.directory);
    origin->at = parse_address(setting.at);
    if (!setting.only[0]) return true;

    read_program(program);
    first[read_file("/proc/self/cmdline", first, sizeof(first) - 1)] = '\0';
    return listed(setting.only, base_name(program)) ||
           listed(setting.only, base_name(first));
}

/* Functions that jemalloc, tcmalloc and mimalloc have beside malloc. They are bound with
   all else, where the program has them; looking them up would allocate. */
#define OTHERS __attribute__((weak, visibility("default")))
extern void mallocx(void) OTHERS;
extern void tc_malloc(void) OTHERS;
extern void mi_malloc(void) OTHERS;

void origin_describe(struct record_header *header) {
    read_program(header->program);
    header->command_size =
        read_file("/proc/self/cmdline", header->command, sizeof(header->command));
    header->other_malloc = mallocx || tc_malloc || mi_malloc;
}
