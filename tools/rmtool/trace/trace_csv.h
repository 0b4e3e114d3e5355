/* SPDX-License-Identifier: MIT */
/*
 * A trace as a table: one row for each event.
 */
#ifndef RMTOOL_TRACE_CSV_H
#define RMTOOL_TRACE_CSV_H

#include "base/output.h"
#include "trace/trace.h"

/*
 * Reads the trace to its end and writes the header row and the rows. Events and blocks are
 * counted from 1; the time is empty where the trace has none; live bytes are those after the
 * event. Returns: a status.
 */
int trace_csv_write(struct trace *trace, struct output *output);

#endif
