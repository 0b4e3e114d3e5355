/* SPDX-License-Identifier: MIT */
/*
 * A program under valgrind's lackey with the recorder in it: what gather.h reads from.
 */
#ifndef RMTOOL_GUEST_H
#define RMTOOL_GUEST_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GUEST_SIGNALS 3

struct guest {
    pid_t pid;
    int fd;          /* lackey's text */
    int ends;        /* can be read when the program has ended; -1: cannot be had */
    char *directory; /* of the recorder's logs; removed by guest_finish */
    char became[16]; /* the name of what it ended as, if that is not valgrind */
    bool handled;    /* signals go to the program */
    struct sigaction before[GUEST_SIGNALS];
};

/* Where the recorder's log is asked to lie in the program: free there, under valgrind, and
   nowhere near its blocks. */
#define GUEST_LOG_AT UINT64_C(0x20000000000)

/*
 * Starts a program.
 *  argv:           its name, looked for along PATH; arguments; NULL.
 *  output_aside:   its standard output goes to standard error.
 * Returns: a status; STATUS_IO where there is no valgrind or no recorder.
 */
int guest_start(struct guest *guest, char *const argv[], bool output_aside);

/*
 * Waits for it, after its text has come to its end, or ends it, and tidies up.
 *  result: receives its exit status, 128 and the signal where one has killed it.
 */
int guest_finish(struct guest *guest, bool kill_it, int *result);

#endif
