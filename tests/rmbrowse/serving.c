/* SPDX-License-Identifier: MIT */
#include "serving.h"

#include <glib.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static GPid server;
static int its_input = -1;
static int port;

/* The port that it prints when it is ready. */
static int read_port(int output) {
    FILE *from = fdopen(output, "r");
    int number = 0;

    g_assert_cmpint(fscanf(from, "port %d", &number), ==, 1);
    fclose(from);
    return number;
}

bool serving_begin(const char *root) {
    g_autofree char *script = g_test_build_filename(G_TEST_DIST, "server.py", NULL);
    const char *words[] = {"python3", script, root ? "--root" : NULL, root, NULL};
    int output;

    if (!g_spawn_async_with_pipes(NULL, (char **)words, NULL,
                                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL,
                                  NULL, &server, &its_input, &output, NULL, NULL))
        return false;
    g_setenv("no_proxy", "*", TRUE);
    port = read_port(output);
    return true;
}

const char *serving_url(const char *format, ...) {
    static char urls[8][512];
    static unsigned turn;
    char *url = urls[turn++ % 8];
    va_list arguments;
    int n;

    if (port == 0) return NULL;
    n = snprintf(url, sizeof *urls, "http://127.0.0.1:%d/", port);
    va_start(arguments, format);
    vsnprintf(url + n, sizeof *urls - (size_t)n, format, arguments);
    va_end(arguments);
    return url;
}

void serving_end(void) {
    if (port == 0) return;
    port = 0;
    close(its_input);
    waitpid(server, NULL, 0);
    g_spawn_close_pid(server);
}
