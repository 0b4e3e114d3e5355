/* SPDX-License-Identifier: MIT */
/*
 * What 'rmtool record' says of what it has recorded.
 */
#ifndef RMTOOL_RECORD_REPORT_H
#define RMTOOL_RECORD_REPORT_H

#include "record/record_images.h"

/* A line for each trace on standard error: standard output is the command's. */
void record_report_print(const struct record_session *session);

/* All of it on standard output. exit_status: of the command. Returns: a status. */
int record_report_json(const struct record_session *session, int exit_status);

#endif
