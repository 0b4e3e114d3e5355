/* SPDX-License-Identifier: MIT */
#define FUZZ_IMPORTER import_opera
#include "fuzz_import.h"
