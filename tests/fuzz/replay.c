/* SPDX-License-Identifier: MIT */
/*
 * The main program of a target without libFuzzer: each file of a folder, once.
 * Usage: fuzz-NAME FOLDER
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static int not_dotted(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Returns: false where the file cannot be read. */
static bool replay(const char *folder, const char *name) {
    char *path = NULL;
    uint8_t *data = NULL;
    size_t size = 0, n;
    bool whole = false;
    FILE *file;

    if (asprintf(&path, "%s/%s", folder, name) < 0) return false;
    file = fopen(path, "re");
    if (file) {
        char buffer[4096];
        FILE *copy = open_memstream((char **)&data, &size);
        while (copy && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
            fwrite(buffer, 1, n, copy);
        whole = copy && !ferror(file);
        if (copy) whole = fclose(copy) == 0 && whole;
        fclose(file);
    }
    if (whole) LLVMFuzzerTestOneInput(data, size);
    free(data);
    free(path);
    return whole;
}

int main(int argc, char **argv) {
    struct dirent **entries = NULL;
    int n = argc == 2 ? scandir(argv[1], &entries, not_dotted, alphasort) : -1;

    if (n <= 0) {
        printf("Bail out! no inputs in %s\n", argc == 2 ? argv[1] : "no folder");
        return 1;
    }
    printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        bool read = replay(argv[1], entries[i]->d_name);
        printf("%s %d - %s\n", read ? "ok" : "not ok", i + 1, entries[i]->d_name);
        fflush(stdout); /* before the next one crashes */
        free(entries[i]);
    }
    free(entries);
    return 0;
}
