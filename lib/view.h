/* SPDX-License-Identifier: MIT */
/* Heaps of another process: rmalloc_view.h says all of it. */
#ifndef RM_VIEW_H
#define RM_VIEW_H

#include "image.h"

/* The magic is the public header's and the registry's: they must be one. */
_Static_assert(sizeof RM_VIEW_MAGIC == sizeof REGISTRY_MAGIC &&
                   sizeof RM_VIEW_MAGIC == RM_VIEW_MAGIC_BYTES + 1,
               "one magic");

#endif
