/* SPDX-License-Identifier: MIT */
#define FUZZ_IMPORTER import_rep
#include "fuzz_import.h"
