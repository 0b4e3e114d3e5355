#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A server for tests, on the loopback: files of a directory, and all that can go wrong.

Usage: server.py [--root DIRECTORY] [--port N]

Prints "port N", and ends when its standard input does: it does not outlive who has begun it.

  /-/status/N                 that status, with a page that says so; 204 and 304 without
  /-/type?type=T&body=B       B, of the Content-Type T; without `type` there is no such header; ?status=N
  /-/redirect?to=URL&status=N to another place, of this server or elsewhere
  /-/loop/N                   to /-/loop/N+1, without an end
  /-/bytes/N                  N bytes "0123456789...", of a known length; ?chunked=1: of an unknown one;
                              ?gzip=1: packed; ?ms=N: that late; ?lie=N: of a Content-Length longer by N
  /-/cut                      chunks that break off
  /-/nothing                  hangs up without an answer
  /-/garbage                  an answer that is not HTTP
  /-/headers                  headers without an end
  /-/hang                     never answers
  /-/hang/body                says that 1000 bytes come, sends 10, then no more
  /-/forever                  bytes without an end, as fast as they are taken
  /-/drip?ms=N                a byte every so many milliseconds, without an end
  /-/most                     the most requests answered at the same time since this was last asked
  anything else               the file of that name in DIRECTORY; 404
"""
import argparse
import gzip
import http.server
import os
import sys
import threading
import time
import urllib.parse

WORDS = "<!DOCTYPE html><title>{0}</title><h1>{0}</h1><p>This is what the server says.\n"


class Busy:
    """How many requests are being answered."""

    def __init__(self):
        self.lock = threading.Lock()
        self.now = self.most = 0

    def change(self, by):
        with self.lock:
            self.now += by
            self.most = max(self.most, self.now)

    def ask(self):
        with self.lock:
            most, self.most = self.most, self.now
            return most


busy = Busy()


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *words):
        pass

    def do_GET(self):
        place = urllib.parse.urlsplit(self.path)
        self.ask = dict(urllib.parse.parse_qsl(place.query, keep_blank_values=True))
        parts = place.path.split("/")
        if parts[:2] != ["", "-"]:
            super().do_GET()
            return
        if parts[2] == "most":
            self.answer(200, str(busy.ask()).encode(), {"Content-Type": "text/plain"})
            return
        busy.change(1)
        try:
            self.special(parts[2], parts[3] if len(parts) > 3 else "")
        finally:
            busy.change(-1)

    def special(self, name, argument):
        method = getattr(self, "say_" + name, None)
        if method:
            method(argument)
        else:
            self.say_status("404")

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status, body, headers):
        self.head(status, {"Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def break_off(self):
        self.close_connection = True

    def hang(self):
        self.wfile.flush()
        time.sleep(600)

    def say_status(self, argument):
        status = int(argument)
        title = "{} {}".format(status, self.responses.get(status, ("Unknown",))[0])
        if status in (204, 304):
            self.head(status, {})
        else:
            self.answer(status, WORDS.format(title).encode(), {"Content-Type": "text/html"})

    def say_type(self, _):
        headers = {"Content-Type": self.ask["type"]} if "type" in self.ask else {}
        self.answer(int(self.ask.get("status", "200")), self.ask.get("body", "").encode(), headers)

    def say_redirect(self, _):
        self.answer(int(self.ask.get("status", "302")), b"elsewhere", {"Location": self.ask["to"]})

    def say_loop(self, argument):
        self.answer(302, b"", {"Location": "/-/loop/{}".format(int(argument or "0") + 1)})

    def say_bytes(self, argument):
        body = (b"0123456789" * (int(argument) // 10 + 1))[: int(argument)]
        headers = {"Content-Type": "text/plain"}
        time.sleep(int(self.ask.get("ms", "0")) / 1000)
        if "gzip" in self.ask:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        if "chunked" in self.ask:
            self.head(200, {"Transfer-Encoding": "chunked", **headers})
            for at in range(0, len(body), 1000):
                self.chunk(body[at : at + 1000])
            self.chunk(b"")
            return
        if "lie" in self.ask:
            headers["Content-Length"] = str(len(body) + int(self.ask["lie"]))
            headers["Connection"] = "close"
        self.answer(200, body, headers)

    def chunk(self, body):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(body), body))

    def say_cut(self, _):
        self.head(200, {"Transfer-Encoding": "chunked", "Content-Type": "text/html"})
        self.chunk(b"<p>It begins,")
        self.wfile.write(b"ff\r\nand br")
        self.break_off()

    def say_nothing(self, _):
        self.break_off()

    def say_garbage(self, _):
        self.wfile.write(bytes(range(256)) * 4)
        self.break_off()

    def say_headers(self, _):
        self.send_response(200)
        self.flush_headers()
        while True:
            self.wfile.write(b"X-Again: and again\r\n" * 100)

    def say_hang(self, argument):
        if argument == "body":
            self.head(200, {"Content-Length": "1000", "Content-Type": "text/html"})
            self.wfile.write(b"0123456789")
        self.hang()

    def say_forever(self, _):
        self.head(200, {"Connection": "close", "Content-Type": "text/html"})
        while True:
            self.wfile.write(b"<p>and so on\n" * 1000)

    def say_drip(self, _):
        self.head(200, {"Connection": "close", "Content-Type": "text/html"})
        while True:
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(int(self.ask.get("ms", "100")) / 1000)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients that hang up are what some tests are about."""


def leave_with_parent():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.devnull)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()

    def handler(*arguments):
        return Handler(*arguments, directory=options.root)

    server = Server(("127.0.0.1", options.port), handler)
    print("port", server.server_address[1], flush=True)
    threading.Thread(target=leave_with_parent, daemon=True).start()
    server.serve_forever()


main()
