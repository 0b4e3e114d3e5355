/* SPDX-License-Identifier: MIT */
#define FUZZ_IMPORTER import_mtrace
#include "fuzz_import.h"
