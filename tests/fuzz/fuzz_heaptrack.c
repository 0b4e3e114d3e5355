/* SPDX-License-Identifier: MIT */
#define FUZZ_IMPORTER import_heaptrack
#include "fuzz_import.h"
