/* SPDX-License-Identifier: MIT */
/*
 * The comments of a trace: its header, and the times between events. They say nothing that
 * the events depend on; trace.c's third part.
 */
#ifndef RMTOOL_TRACE_HEADER_H
#define RMTOOL_TRACE_HEADER_H

#include "trace/trace.h"

/* The first line, which has to be there, and all comments up to the first line that is
   none, which is left in trace->pending. Returns: a status. */
int header_read(struct trace *trace);

/* A comment between events: "# time: ", seconds, and up to nine decimals. What is no time
   is a comment like any other. */
void header_time(struct trace *trace, const char *line, size_t length);

/* The trace's name: what is printable of it, and the file's own up to its first point. */
void header_set_name(struct trace *trace, const char *text, size_t length);
void header_name_by_path(struct trace *trace);

#endif
