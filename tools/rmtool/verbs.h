/* SPDX-License-Identifier: MIT */
/*
 * The verbs of rmtool. Each is called as main() is, with its own name in argv[0], and
 * returns the exit status. A verb may be called several times in one process: it keeps
 * nothing between calls.
 */
#ifndef RMTOOL_VERBS_H
#define RMTOOL_VERBS_H

int verb_replay(int argc, char **argv);
int verb_minheap(int argc, char **argv);
int verb_compare(int argc, char **argv);
int verb_plot(int argc, char **argv);
int verb_record(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_generate(int argc, char **argv);
int verb_top(int argc, char **argv);
int verb_micro(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_cut(int argc, char **argv);
int verb_convert(int argc, char **argv);
int verb_locks(int argc, char **argv);

#endif
