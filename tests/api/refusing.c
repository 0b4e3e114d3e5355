/* SPDX-License-Identifier: MIT */
/*
 * refusing PROGRAM [ARGUMENT]...
 *
 * Run a test where the system moves no pages: in a sandbox in which userfaultfd(2) is refused.
 * What is promised holds there too.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_userfaultfd
#include <linux/filter.h>
#include <linux/seccomp.h>

static int refuse(void) {
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_userfaultfd, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {sizeof program / sizeof *program, program};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        return -1;
    return syscall(SYS_userfaultfd, 0) == -1 && errno == EPERM ? 0 : -1;
}
#else
static int refuse(void) { return 0; } /* there is no such call */
#endif

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: refusing PROGRAM [ARGUMENT]...\n");
        return 2;
    }
    if (refuse() != 0) {
        printf("1..0 # SKIP no sandbox can be made here: %s\n", strerror(errno));
        return 0;
    }
    execv(argv[1], argv + 1);
    printf("Bail out! %s: %s\n", argv[1], strerror(errno));
    return 3;
}
