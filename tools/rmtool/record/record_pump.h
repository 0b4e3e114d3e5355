/* SPDX-License-Identifier: MIT */
/*
 * One log, as far as it goes now, into its trace; at its end, the trace into its place.
 */
#ifndef RMTOOL_RECORD_PUMP_H
#define RMTOOL_RECORD_PUMP_H

#include "record/record_images.h"

/* moved: set where anything was done. Returns: a status; the image is done then. */
int record_pump(struct record_session *session, struct record_image *image, bool urgent,
                bool *moved);

#endif
