/* SPDX-License-Identifier: MIT */
/* Fetching: of files, and of a server that does all that goes wrong. Each fetch ends with a sentence or a body. */
#include <arpa/inet.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/fetch.h"
#include "serving.h"
#include "store/memory.h"

/* No machine is so slow. */
static const struct fetch_limits limits = {.most_bytes = 1 << 20,
                                           .connect_ms = 60000,
                                           .total_ms = 60000,
                                           .idle_ms = 60000,
                                           .most_at_once = 3};

/* What `done` was told. */
struct got {
    int times;
    char *error, *url, *type, *charset, *body;
    long status;
    size_t size;
};

static store_t *store;
static fetcher_t *fetcher;

static void begin_within(const struct fetch_limits *these) {
    store = store_open("fetched", COMPACT_STEADY);
    fetcher = fetcher_create(these);
    g_assert_nonnull(store);
    g_assert_nonnull(fetcher);
}

static void begin(void) { begin_within(&limits); }

static bool begin_served(void) {
    if (!serving_url("-")) {
        g_test_skip("there is no server");
        return false;
    }
    begin();
    return true;
}

static void end(void) {
    fetcher_destroy(fetcher);
    g_assert_cmpuint(store_close(store), ==, 0);
}

static void take(void *context, const struct fetch_result *result) {
    struct got *got = context;

    got->times++;
    got->error = g_strdup(result->error);
    got->url = g_strdup(result->url);
    got->type = g_strdup(result->type);
    got->charset = g_strdup(result->charset);
    got->status = result->status;
    got->size = result->size;
    g_assert_cmpint(result->body == NO_REF, ==, result->size == 0);
    if (result->body == NO_REF) return;
    g_assert_cmpuint(store_size(result->body), ==, result->size);
    got->body = g_strndup(store_lock(result->body), result->size);
    store_unlock(result->body);
    store_free(store, result->body);
}

static void drop(struct got *got) {
    g_free(got->error);
    g_free(got->url);
    g_free(got->type);
    g_free(got->charset);
    g_free(got->body);
    *got = (struct got){.times = 0};
}

static void poll_all(void) {
    while (fetcher_poll(fetcher, 50) > 0) {
    }
}

static struct got fetch(const char *url) {
    struct got got = {.times = 0};

    g_test_message("%s", url);
    g_assert_nonnull(fetch_begin(fetcher, store, url, take, &got));
    g_assert_cmpint(got.times, ==, 0);
    poll_all();
    g_assert_cmpint(got.times, ==, 1);
    return got;
}

static void assert_fine(const char *url, const char *type, const char *body) {
    struct got got = fetch(url);

    g_assert_cmpstr(got.error, ==, NULL);
    g_assert_cmpstr(got.url, ==, url);
    g_assert_cmpstr(got.type, ==, type);
    g_assert_cmpstr(got.body, ==, body);
    drop(&got);
}

/* Without a body. */
static void assert_fails(const char *url, const char *sentence) {
    struct got got = fetch(url);

    g_assert_cmpstr(got.error, ==, sentence);
    g_assert_cmpstr(got.body, ==, NULL);
    drop(&got);
}

/* ----------------------------------------------------------------- without a server */

static void test_about(void) {
    begin();
    assert_fine("about:blank", "text/html", NULL);
    assert_fine("about:blank#x", "text/html", NULL);
    assert_fails("about:config", "There is no such page.");
    assert_fails("gopher://h/", "The server does not speak HTTP.");
    end();
}

static void write_file(const char *folder, const char *name, const char *text, size_t n) {
    g_autofree char *path = g_build_filename(folder, name, NULL);

    g_assert_true(g_file_set_contents(path, text, (gssize)n, NULL));
}

static void test_files(void) {
    g_autofree char *folder = g_dir_make_tmp(NULL, NULL);
    g_autofree char *large = g_strnfill((2 << 20), 'x');
    g_autofree char *base = g_strconcat("file://", folder, "/", NULL);
    g_autofree char *pipe = g_build_filename(folder, "pipe", NULL);
    static const char *const names[] = {"page.html", "a b",  "empty.css",
                                        "large",     "full", "pipe"};

    begin();
    write_file(folder, "page.html", "<p>text", 7);
    write_file(folder, "a b", "bytes", 5);
    write_file(folder, "empty.css", "", 0);
    write_file(folder, "large", large, limits.most_bytes + 1);
    write_file(folder, "full", large, limits.most_bytes);
    g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_autofree char *url = g_strconcat(base, i == 1 ? "a%20b" : names[i], NULL);
        switch (i) {
        case 0: assert_fine(url, "text/html", "<p>text"); break;
        case 1: assert_fine(url, "", "bytes"); break;
        case 2: assert_fine(url, "text/css", NULL); break;
        case 3:
            assert_fails(url, "It is larger than 1 MiB, the most that is fetched.");
            break;
        case 4:
            large[limits.most_bytes] = '\0';
            assert_fine(url, "", large);
            break;
        case 5: assert_fails(url, "It is no ordinary file."); break;
        }
        g_assert_cmpint(g_chmod(path, 0), ==, 0);
        if (access(path, R_OK) != 0) /* not for root */
            assert_fails(url, "The file cannot be read: Permission denied.");
        g_assert_cmpint(g_unlink(path), ==, 0);
        assert_fails(url, "The file cannot be read: No such file or directory.");
    }
    assert_fails(base, "It is a directory.");
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    assert_fails("file:///a%00b", "That is not the name of a file.");
    end();
}

/* A port of the loopback: nobody listens there, or somebody does who accepts nobody, whose queue is full. */
static int own_port(int sockets[8], bool listens) {
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 8; i++) {
        sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        g_assert_cmpint(sockets[i], >=, 0);
    }
    g_assert_cmpint(bind(sockets[0], (struct sockaddr *)&at, sizeof at), ==, 0);
    g_assert_cmpint(getsockname(sockets[0], (struct sockaddr *)&at, &n), ==, 0);
    if (listens) {
        g_assert_cmpint(listen(sockets[0], 0), ==, 0);
        for (int i = 1; i < 8; i++)
            if (connect(sockets[i], (struct sockaddr *)&at, sizeof at) == 0) continue;
    }
    return ntohs(at.sin_port);
}

static void assert_port_fails(bool listens, const char *sentence) {
    int sockets[8];
    g_autofree char *url =
        g_strdup_printf("http://127.0.0.1:%d/", own_port(sockets, listens));

    assert_fails(url, sentence);
    for (int i = 0; i < 8; i++) close(sockets[i]);
}

static void test_no_server(void) {
    struct fetch_limits impatient = limits;
    g_autofree char *longest = g_strnfill(70, 'h'), *name = NULL;

    begin();
    assert_port_fails(false, "There is no connection to the server: Connection refused.");
    name = g_strconcat("http://", longest, ".invalid/", NULL); /* asks nobody */
    assert_fails(name, "There is no host of that name.");
    end();

    impatient.connect_ms = 300;
    begin_within(&impatient);
    assert_port_fails(true, "There was no connection within 0.3 s.");
    end();
}

/* ----------------------------------------------------------------------- with one */

static void test_answers(void) {
    struct got got;

    if (!begin_served()) return;
    assert_fine(serving_url("-/bytes/12"), "text/plain", "012345678901");
    assert_fine(serving_url("-/bytes/12?gzip=1#x"), "text/plain", "012345678901");
    assert_fine(serving_url("-/bytes/0"), "text/plain", NULL);
    assert_fine(serving_url("-/status/204"), "", NULL);
    assert_fine(serving_url("-/type?body=b"), "", "b");
    got = fetch(serving_url("-/type?type=Text/HTML;charset=UTF-8&body=b"));
    g_assert_cmpstr(got.type, ==, "text/html");
    g_assert_cmpstr(got.charset, ==, "utf-8");
    drop(&got);

    got = fetch(serving_url("-/status/404"));
    g_assert_cmpstr(got.error, ==, "The server says: 404 Not Found.");
    g_assert_cmpint(got.status, ==, 404);
    g_assert_nonnull(strstr(got.body, "This is what the server says."));
    drop(&got);
    got = fetch(serving_url("-/status/500"));
    g_assert_cmpstr(got.error, ==, "The server says: 500 Internal Server Error.");
    g_assert_nonnull(got.body);
    drop(&got);
    end();
}

/* Of a length that is known and one that is not, up to the limit, and beyond. */
static void test_lengths(void) {
    static const size_t sizes[] = {1, 16 << 10, (16 << 10) + 1, 100000, 1 << 20};

    if (!begin_served()) return;
    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++)
        for (int way = 0; way < 3; way++) {
            struct got got = fetch(serving_url("-/bytes/%zu%s", sizes[i],
                                               way == 0   ? ""
                                               : way == 1 ? "?chunked=1"
                                                          : "?gzip=1"));
            g_assert_cmpstr(got.error, ==, NULL);
            g_assert_cmpuint(got.size, ==, sizes[i]);
            for (size_t at = 0; at < got.size; at++)
                g_assert_cmpint(got.body[at], ==, '0' + (int)(at % 10));
            drop(&got);
        }
    for (int way = 0; way < 3; way++)
        assert_fails(serving_url("-/bytes/%d%s", (1 << 20) + 1,
                                 way == 0   ? ""
                                 : way == 1 ? "?chunked=1"
                                            : "?gzip=1"),
                     "It is larger than 1 MiB, the most that is fetched.");
    end();
}

static void test_redirections(void) {
    struct got got;

    if (!begin_served()) return;
    got = fetch(serving_url("-/redirect?to=/-/bytes/3#place"));
    g_assert_cmpstr(got.error, ==, NULL);
    g_assert_cmpstr(got.url, ==, serving_url("-/bytes/3#place"));
    g_assert_cmpstr(got.body, ==, "012");
    drop(&got);
    got = fetch(serving_url("-/redirect?to=/-/bytes/3%%23other#place"));
    g_assert_cmpstr(got.url, ==, serving_url("-/bytes/3#other"));
    drop(&got);
    got = fetch(serving_url("-/redirect?to=file:///etc/passwd"));
    g_assert_cmpstr(got.error, ==, "It is redirected to an address that is not fetched.");
    g_assert_cmpstr(got.url, ==, serving_url("-/redirect?to=file:///etc/passwd"));
    g_assert_null(got.body);
    drop(&got);
    assert_fails(serving_url("-/loop"), "It is redirected without an end.");
    end();
}

static void test_mischief(void) {
    struct got got;

    if (!begin_served()) return;
    assert_fails(serving_url("-/bytes/100?lie=50"),
                 "It was cut off after 100 of 150 bytes.");
    got = fetch(serving_url("-/bytes/100?lie=-50"));
    g_assert_cmpstr(got.error, ==, NULL);
    g_assert_cmpuint(got.size, ==, 50);
    drop(&got);
    assert_fails(serving_url("-/bytes/9?lie=999999999999"),
                 "It is larger than 1 MiB, the most that is fetched.");
    assert_fails(serving_url("-/cut"), "It was cut off after 19 bytes.");
    assert_fails(serving_url("-/nothing"), "The server hung up without an answer.");
    assert_fails(serving_url("-/garbage"), "The server does not speak HTTP.");
    assert_fails(serving_url("-/headers"), "The server sends headers without an end.");
    assert_fails(serving_url("-/forever"),
                 "It is larger than 1 MiB, the most that is fetched.");
    end();
}

static void test_patience(void) {
    static const char silent[] = "The server has sent nothing for 0.2 s.";
    struct fetch_limits impatient = limits;
    gint64 before;

    if (!begin_served()) return;
    end();
    impatient.idle_ms = 200;
    begin_within(&impatient);
    before = g_get_monotonic_time();
    assert_fails(serving_url("-/hang"), silent);
    assert_fails(serving_url("-/hang/body"), silent);
    g_assert_cmpint(g_get_monotonic_time() - before, >=, 400000);
    assert_fails(serving_url("-/drip?ms=60000"), silent);
    end();

    impatient = limits;
    impatient.total_ms = 700;
    begin_within(&impatient);
    assert_fails(serving_url("-/drip?ms=20"), "It had not come to its end after 0.7 s.");
    end();
}

static void test_no_memory(void) {
    if (!begin_served()) return;
    memory_limit(1);
    assert_fails(serving_url("-/bytes/1000000"), "There is no memory for it.");
    assert_fails(serving_url("-/bytes/1000000?chunked=1"), "There is no memory for it.");
    assert_fine(serving_url("-/bytes/1"), "text/plain", "0");
    memory_limit(0);
    end();
}

/* ------------------------------------------------------------------------- many */

enum { MANY = 40 };

/* The most requests that the server answered at once since this was asked last; some of tests before are among them,
   which it has not seen to be given up. */
static int most_at_once(void) {
    struct got got = fetch(serving_url("-/most"));
    int most = atoi(got.body);

    drop(&got);
    return most;
}

static void test_many(void) {
    struct got got[MANY] = {{.times = 0}};
    int before, most;

    if (!begin_served()) return;
    most_at_once();
    before = most_at_once();
    for (int i = 0; i < MANY; i++)
        fetch_begin(fetcher, store, serving_url("-/bytes/%d?ms=10", 1000 * i), take,
                    &got[i]);
    poll_all();
    for (int i = 0; i < MANY; i++) {
        g_assert_cmpint(got[i].times, ==, 1);
        g_assert_cmpstr(got[i].error, ==, NULL);
        g_assert_cmpuint(got[i].size, ==, 1000 * i);
        drop(&got[i]);
    }
    most = most_at_once();
    g_assert_cmpint(most, >, 0);
    g_assert_cmpint(most, <=, before + (int)limits.most_at_once);
    end();
}

/* Fetches that begin and cancel others when they are done, at random. */
struct crowd {
    struct member {
        struct crowd *crowd;
        fetch_t *fetch; /* NULL: it does not go */
    } members[MANY];
    int left; /* to be begun */
    int begun, done, cancelled;
};

static void one_more(struct crowd *crowd);

static void member_done(void *context, const struct fetch_result *result) {
    struct member *member = context;
    struct crowd *crowd = member->crowd;
    struct member *other = &crowd->members[g_test_rand_int_range(0, MANY)];

    g_assert_nonnull(member->fetch);
    member->fetch = NULL;
    crowd->done++;
    store_free(store, result->body);
    if (other->fetch) {
        fetch_cancel(other->fetch);
        other->fetch = NULL;
        crowd->cancelled++;
    }
    for (int n = g_test_rand_int_range(0, 4); n > 0; n--) one_more(crowd);
}

static void one_more(struct crowd *crowd) {
    static const char *const paths[] = {"-/bytes/70000", "-/nothing",
                                        "-/bytes/9?chunked=1", "-/redirect?to=/-/bytes/5",
                                        "-/bytes/2000000"};
    unsigned kind = (unsigned)g_test_rand_int_range(0, G_N_ELEMENTS(paths) + 2);
    struct member *member = crowd->members;

    while (member < crowd->members + MANY && member->fetch) member++;
    if (member == crowd->members + MANY || crowd->left == 0) return;
    crowd->left--;
    crowd->begun++;
    *member = (struct member){.crowd = crowd};
    member->fetch =
        fetch_begin(fetcher, store,
                    kind == G_N_ELEMENTS(paths)  ? "about:blank"
                    : kind > G_N_ELEMENTS(paths) ? "file:///nowhere"
                                                 : serving_url("%s", paths[kind]),
                    member_done, member);
    g_assert_nonnull(member->fetch);
}

static void test_crowd(void) {
    struct crowd crowd = {.left = 300};

    if (!begin_served()) return;
    while (crowd.left > 0) {
        one_more(&crowd);
        fetcher_poll(fetcher, g_test_rand_int_range(0, 3));
    }
    poll_all();
    g_assert_cmpint(crowd.done + crowd.cancelled, ==, crowd.begun);
    for (int i = 0; i < MANY; i++) g_assert_null(crowd.members[i].fetch);
    end();
}

static void test_destroy(void) {
    struct got got = {.times = 0};
    fetch_t *fetch;

    if (!begin_served()) return;
    for (int i = 0; i < 5; i++) { /* some wait for others */
        fetch = fetch_begin(fetcher, store, serving_url("-/drip?ms=1"), take, &got);
        g_assert_nonnull(fetch);
    }
    for (int i = 0; i < 20; i++) g_assert_cmpuint(fetcher_poll(fetcher, 10), ==, 5);
    g_assert_cmpuint(fetch_received(fetch), ==, 0);
    end();
    g_assert_cmpint(got.times, ==, 0);
    serving_end();
    fetcher_destroy(NULL);
}

int main(int argc, char **argv) {
    int status;

    g_test_init(&argc, &argv, NULL);
    g_setenv("no_proxy", "*", TRUE);
    g_test_add_func("/fetch/about", test_about);
    g_test_add_func("/fetch/files", test_files);
    g_test_add_func("/fetch/no-server", test_no_server);
    g_test_add_func("/fetch/answers", test_answers);
    g_test_add_func("/fetch/lengths", test_lengths);
    g_test_add_func("/fetch/redirections", test_redirections);
    g_test_add_func("/fetch/mischief", test_mischief);
    g_test_add_func("/fetch/patience", test_patience);
    g_test_add_func("/fetch/no-memory", test_no_memory);
    g_test_add_func("/fetch/many", test_many);
    g_test_add_func("/fetch/crowd", test_crowd);
    g_test_add_func("/fetch/destroy", test_destroy);
    serving_begin(NULL);
    status = g_test_run();
    serving_end();
    return status;
}
