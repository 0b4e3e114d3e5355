/* SPDX-License-Identifier: MIT */
/*
 * The programs of calls.c that are in files of their own.
 */
#ifndef TESTS_RECORD_CALLS_H
#define TESTS_RECORD_CALLS_H

extern const char *program_path; /* of this one */

void run_threads(void);
void run_fork(void);
void run_fork_threads(void);
void run_fork_exec(void);
void run_vfork(void);
void run_raw_fork(void);
void run_signal(void);
void run_dlopen(void);
void run_locks(void);
void run_idle(void);
void run_linger(void);
void run_daemon(void);
void run_headless(void);
void run_childless(void);
void run_relay(void);
void run_stubborn(void);

void kill_myself(void) __attribute__((noreturn));

#endif
