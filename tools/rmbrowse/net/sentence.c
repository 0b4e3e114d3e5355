/* SPDX-License-Identifier: MIT */
#include "net/sentence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAY(...) snprintf(sentence, SENTENCE_MOST, __VA_ARGS__)

static void say_large(char *sentence, size_t most) {
    if (most % (1 << 20) == 0)
        SAY("It is larger than %zu MiB, the most that is fetched.", most >> 20);
    else
        SAY("It is larger than %zu bytes, the most that is fetched.", most);
}

static double seconds(long ms) { return (double)ms / 1000; }

static void say_late(char *sentence, CURL *easy, const struct fetch_limits *limits) {
    curl_off_t connected = 0;

    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
    if (connected == 0)
        SAY("There was no connection within %g s.", seconds(limits->connect_ms));
    else
        SAY("It had not come to its end after %g s.", seconds(limits->total_ms));
}

static void say_cut_off(char *sentence, CURL *easy) {
    curl_off_t expected = -1, came = 0;

    curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &expected);
    curl_easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &came);
    if (expected < 0)
        SAY("It was cut off after %lld bytes.", (long long)came);
    else
        SAY("It was cut off after %lld of %lld bytes.", (long long)came,
            (long long)expected);
}

static void say_not_connected(char *sentence, CURL *easy) {
    long error = 0;

    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    if (error)
        SAY("There is no connection to the server: %s.", strerror((int)error));
    else
        SAY("There is no connection to the server.");
}

static void say_unsupported(char *sentence, CURL *easy) {
    long redirections = 0;

    curl_easy_getinfo(easy, CURLINFO_REDIRECT_COUNT, &redirections);
    if (redirections > 0)
        SAY("It is redirected to an address that is not fetched.");
    else
        SAY("The server does not speak HTTP.");
}

void sentence_of(char sentence[SENTENCE_MOST], enum trouble trouble, CURLcode code,
                 CURL *easy, const char *detail, const struct fetch_limits *limits) {
    switch (trouble) {
    case TROUBLE_NONE: break;
    case TROUBLE_LARGE: say_large(sentence, limits->most_bytes); return;
    case TROUBLE_HEADERS: SAY("The server sends headers without an end."); return;
    case TROUBLE_SILENT:
        SAY("The server has sent nothing for %g s.", seconds(limits->idle_ms));
        return;
    case TROUBLE_MEMORY: SAY("There is no memory for it."); return;
    }
    switch (code) {
    case CURLE_OUT_OF_MEMORY: SAY("There is no memory for it."); break;
    case CURLE_FILESIZE_EXCEEDED: say_large(sentence, limits->most_bytes); break;
    case CURLE_OPERATION_TIMEDOUT: say_late(sentence, easy, limits); break;
    case CURLE_PARTIAL_FILE: say_cut_off(sentence, easy); break;
    case CURLE_COULDNT_CONNECT: say_not_connected(sentence, easy); break;
    case CURLE_COULDNT_RESOLVE_HOST: SAY("There is no host of that name."); break;
    case CURLE_GOT_NOTHING: SAY("The server hung up without an answer."); break;
    case CURLE_TOO_MANY_REDIRECTS: SAY("It is redirected without an end."); break;
    case CURLE_UNSUPPORTED_PROTOCOL: say_unsupported(sentence, easy); break;
    default:
        SAY("It could not be fetched: %s.", *detail ? detail : curl_easy_strerror(code));
    }
}

void sentence_of_status(char sentence[SENTENCE_MOST], long status, const char *reason) {
    if (*reason)
        SAY("The server says: %ld %s.", status, reason);
    else
        SAY("The server says: %ld.", status);
}

bool sentence_of_file(char sentence[SENTENCE_MOST], const char *url) {
    CURLU *parser = curl_url();
    char *path = NULL;
    struct stat about;
    bool fine = false;

    if (!parser) {
        SAY("There is no memory for it.");
        return false;
    }
    if (curl_url_set(parser, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(parser, CURLUPART_PATH, &path, CURLU_URLDECODE) != CURLUE_OK)
        SAY("That is not the name of a file.");
    else if (stat(path, &about) != 0 || access(path, R_OK) != 0)
        SAY("The file cannot be read: %s.", strerror(errno));
    else if (S_ISDIR(about.st_mode))
        SAY("It is a directory.");
    else if (!S_ISREG(about.st_mode))
        SAY("It is no ordinary file.");
    else
        fine = true;
    curl_free(path);
    curl_url_cleanup(parser);
    return fine;
}
