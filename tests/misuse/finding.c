/* SPDX-License-Identifier: MIT */
#include "finding.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

const char *status_word(rm_status_t status) {
    static const char *const words[] = {
        [RM_OK] = "fine",
        [RM_ENOMEM] = "RM_ENOMEM",
        [RM_EINVAL] = "RM_EINVAL",
        [RM_EHANDLE] = "RM_EHANDLE",
        [RM_ELOCKED] = "RM_ELOCKED",
        [RM_EUNLOCKED] = "RM_EUNLOCKED",
        [RM_EOVERFLOW] = "RM_EOVERFLOW",
        [RM_EPURGED] = "RM_EPURGED",
        [RM_ECORRUPT] = "RM_ECORRUPT",
        [RM_ESYSTEM] = "RM_ESYSTEM",
    };
    return (unsigned)status < sizeof words / sizeof *words ? words[status] : "unknown";
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* The first line of a stack that lies in a source of cases: whether it is the guilty one. The stack ends with
   the first line that `frame` does not stand in. */
static bool names_guilty(const char *stack, const char *frame, const struct witness *w) {
    char wanted[FINDING_BYTES];
    if (w->file == NULL) return false;
    snprintf(wanted, sizeof wanted, "%s:%d", base_name(w->file), w->line);
    for (const char *line = stack; line != NULL && *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char text[512];
        snprintf(text, sizeof text, "%.*s", (int)length, line);
        if (strstr(text, frame) == NULL) return false;
        if (cases_mention(text)) {
            const char *at = strstr(text, wanted);
            return at != NULL && !isdigit((unsigned char)at[strlen(wanted)]);
        }
        line = line[length] == '\n' ? line + length + 1 : NULL;
    }
    return false;
}

/* "Invalid write of size 4" -> "invalid-write" */
static void title_word(const char *title, char word[FINDING_BYTES]) {
    static const struct {
        const char *begins, *word;
    } known[] = {
        {"Invalid read", "invalid-read"},
        {"Invalid write", "invalid-write"},
        {"Invalid free", "invalid-free"},
        {"Conditional jump or move depends on uninit", "uninitialised"},
        {"Use of uninitialised", "uninitialised"},
        {"Source and destination overlap", "overlap"},
        {"Syscall param", "syscall-param"},
        {"Argument ", "fishy-argument"},
        {" Access not within mapped region", "SEGV"},
        {" Bad permissions", "SEGV"},
        {" General Protection Fault", "SEGV"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(title, known[i].begins, strlen(known[i].begins)) == 0) {
            snprintf(word, FINDING_BYTES, "%s", known[i].word);
            return;
        }
    snprintf(word, FINDING_BYTES, "%.*s", (int)strcspn(title, " \n:("), title);
}

static void doubt(char word[FINDING_BYTES], bool right) {
    size_t length = strlen(word);
    if (!right && length + 1 < FINDING_BYTES) memcpy(word + length, "?", 2);
}

/* ==1==ERROR: AddressSanitizer: use-after-poison on address ..
   WRITE of size 4 at ..
       #0 0x.. in .. */
static bool asan_finding(const struct evidence *e, char word[FINDING_BYTES]) {
    static const char begin[] = "ERROR: AddressSanitizer: ",
                      end[] = "SUMMARY: AddressSanitizer: ";
    const char *title = strstr(e->said, begin);
    if (title == NULL) return false;
    const char *summary = strstr(title, end);
    title_word(summary == NULL ? title + strlen(begin) : summary + strlen(end), word);
    const char *stack = strstr(title, "\n    #0 ");
    doubt(word, stack != NULL && names_guilty(stack + 1, "    #", e->witness));
    return true;
}

/* ==1== Invalid write of size 4
   ==1==    at 0x..: name (file.c:7)
   ==1==    by 0x..: main (file.c:9) */
static bool valgrind_finding(const struct evidence *e, char word[FINDING_BYTES]) {
    const char *at = strstr(e->tool, "==    at 0x");
    if (at == NULL || strstr(e->tool, "signal 14 (SIGALRM)") != NULL) return false;
    const char *stack = at, *title;
    while (stack > e->tool && stack[-1] != '\n') stack--;
    for (title = stack - (stack > e->tool); title > e->tool && title[-1] != '\n';)
        title--;
    const char *blank = strchr(title, ' ');
    title_word(blank == NULL ? title : blank + 1, word);
    doubt(word, names_guilty(stack, " 0x", e->witness));
    return true;
}

/* Whether addr2line says of a frame of this program, "/path/misuse(+0x1f)[..]", that it is the guilty line; of the
   first one that lies in a source of cases. */
static bool fault_names_guilty(const char *stack, const struct witness *w) {
    char path[512], command[2048], line[512];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0 || w->file == NULL) return false;
    path[length] = '\0';
    int n = snprintf(command, sizeof command, "addr2line -e '%s'", path);
    for (const char *at = stack; (at = strstr(at, base_name(path))) != NULL; at++) {
        unsigned long offset;
        if (sscanf(at + strlen(base_name(path)), "(+%lx)", &offset) == 1 &&
            (size_t)n + 32 < sizeof command)
            n += snprintf(command + n, sizeof command - (size_t)n, " %#lx", offset - 1);
    }
    FILE *lines = popen(command, "r");
    if (lines == NULL) return false;
    bool named = false, met = false;
    while (fgets(line, sizeof line, lines) != NULL && !met) {
        met = cases_mention(line);
        named = met && names_guilty(line, "", w);
    }
    pclose(lines);
    return named;
}

/* What the library says on standard error before it ends the program: a report names a block, a fault the
   guilty line too, where the fence was run into. */
static void own_finding(const struct evidence *e, char word[FINDING_BYTES]) {
    bool report = WTERMSIG(e->status) == SIGABRT;
    const char *stack = strstr(e->said, "found by RMALLOC_FENCE, in\n");
    snprintf(word, FINDING_BYTES, report ? "report" : "fault");
    doubt(word, strstr(e->said, "handle 0x") != NULL &&
                    strstr(e->said, "made at\n") != NULL &&
                    (report || (stack != NULL && fault_names_guilty(stack, e->witness))));
}

bool finding_names_block(const struct evidence *e) {
    return strstr(e->said, "handle 0x") != NULL || strstr(e->tool, "handle 0x") != NULL;
}

void finding_of(const struct evidence *e, char word[FINDING_BYTES]) {
    const struct witness *w = e->witness;
    bool told = strstr(e->said, "rmalloc: ") != NULL;
    if (asan_finding(e, word) || valgrind_finding(e, word)) return;
    if (WIFSIGNALED(e->status)) {
        int signal = WTERMSIG(e->status);
        if (signal == SIGALRM || signal == SIGKILL)
            snprintf(word, FINDING_BYTES, "hangs");
        else if (told && (signal == SIGABRT || signal == SIGSEGV))
            own_finding(e, word);
        else
            snprintf(word, FINDING_BYTES, "SIG%s", sigabbrev_np(signal));
    } else if (w->status != RM_OK) {
        snprintf(word, FINDING_BYTES, "%s", status_word(w->status));
    } else if (w->wrong != NULL) {
        snprintf(word, FINDING_BYTES, "wrong");
    } else if (w->check) {
        snprintf(word, FINDING_BYTES, "damaged");
    } else if (WEXITSTATUS(e->status) != 0) {
        snprintf(word, FINDING_BYTES, "exit-%d", WEXITSTATUS(e->status));
    } else if (!w->over) {
        snprintf(word, FINDING_BYTES, "vanished");
    } else {
        snprintf(word, FINDING_BYTES, "fine");
    }
}
