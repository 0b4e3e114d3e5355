/* SPDX-License-Identifier: MIT */
/*
 * The main program of a target without libFuzzer: each file of a folder, once; then, for as long as is asked
 * for, inputs that are made of them by chance.
 * Usage: fuzz-NAME [--seconds N] [--seed N] FOLDER
 */
#include <dirent.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"

enum { INPUT_MOST = 4096 };

struct input {
    uint8_t *data;
    size_t size;
};

static int not_dotted(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Returns: false where the file cannot be read. */
static bool read_input(const char *folder, const char *name, struct input *input) {
    char *path = NULL;
    size_t n;
    bool whole = false;
    FILE *file;

    if (asprintf(&path, "%s/%s", folder, name) < 0) return false;
    file = fopen(path, "re");
    if (file) {
        char buffer[4096];
        FILE *copy = open_memstream((char **)&input->data, &input->size);
        while (copy && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
            fwrite(buffer, 1, n, copy);
        whole = copy && !ferror(file);
        if (copy) whole = fclose(copy) == 0 && whole;
        fclose(file);
    }
    free(path);
    return whole;
}

/* --- by chance --- */

static unsigned long long state;

/* splitmix64 */
static unsigned long long next(void) {
    unsigned long long x = state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static size_t below(size_t n) { return n > 0 ? (size_t)(next() % n) : 0; }

/* Stretches of two inputs, one after the other, and some bytes of them changed. */
static size_t splice(uint8_t *to, const struct input *inputs, size_t n) {
    size_t size = 0;

    for (unsigned part = 0; part < 2; part++) {
        const struct input *from = &inputs[below(n)];
        size_t begin = part == 0 ? 0 : below(from->size), most = INPUT_MOST - size;
        size_t length = below(from->size - begin + 1);
        if (length > most) length = most;
        memcpy(to + size, from->data + begin, length);
        size += length;
    }
    for (size_t k = size > 0 ? below(1 + size / 16) : 0; k > 0; k--)
        to[below(size)] = (uint8_t)next();
    return size;
}

static unsigned long long now_s(void) {
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec;
}

static void go_on(const struct input *inputs, size_t n, unsigned long long seconds) {
    unsigned long long until = now_s() + seconds, n_done = 0;

    printf("# seed %llu\n", state);
    fflush(stdout);
    while (n > 0 && now_s() < until) {
        uint8_t data[INPUT_MOST];
        LLVMFuzzerTestOneInput(data, splice(data, inputs, n));
        n_done++;
    }
    printf("# %llu inputs made of %zu\n", n_done, n);
}

/* --- all of them --- */

static unsigned long long number(const char *text, const char *option) {
    char *end;
    unsigned long long value = strtoull(text, &end, 0);

    if (*text != '\0' && *end == '\0') return value;
    fprintf(stderr, "fuzz: --%s takes a number, not '%s'\n", option, text);
    exit(2);
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
                                            {"seed", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    struct dirent **entries = NULL;
    unsigned long long seconds = 0;
    size_t n_inputs = 0;
    int option, n;

    state = (unsigned long long)time(NULL);
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == '?') return 2;
        if (option == 's') seconds = number(optarg, "seconds");
        if (option == 'r') state = number(optarg, "seed");
    }
    n = optind == argc - 1 ? scandir(argv[optind], &entries, not_dotted, alphasort) : -1;
    if (n <= 0) {
        printf("Bail out! no inputs in %s\n", n < 0 ? "no folder" : argv[optind]);
        return 1;
    }
    printf("1..%d\n", n);
    struct input *inputs = calloc((size_t)n, sizeof(*inputs));
    if (!inputs) return 3;
    for (int i = 0; i < n; i++) {
        struct input *input = &inputs[n_inputs];
        bool whole = read_input(argv[optind], entries[i]->d_name, input);
        if (whole) LLVMFuzzerTestOneInput(input->data, input->size), n_inputs++;
        printf("%s %d - %s\n", whole ? "ok" : "not ok", i + 1, entries[i]->d_name);
        fflush(stdout); /* before the next one crashes */
        free(entries[i]);
    }
    free(entries);
    if (seconds > 0) go_on(inputs, n_inputs, seconds);
    for (int i = 0; i < n; i++) free(inputs[i].data);
    free(inputs);
    return 0;
}
