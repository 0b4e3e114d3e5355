#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is in a picture: a PNG as Cairo writes it, or what Xvfb -fbdir shows of its screen.

Usage: pixels.py FILE QUESTION..., each answered by a line:

  size            "WIDTH HEIGHT"
  colours X Y W H how many colours there are in a part of it
  at X Y          "rrggbb"
  find RRGGBB     how many pixels have that colour
  within OTHER N  where the first N lines of the picture OTHER are in it, "X Y" or "nowhere"
"""
import struct
import sys
import zlib


def unfilter(kind, line, above, step):
    """A line of a PNG as it was before its filter."""
    for i in range(len(line)):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = up
        elif kind == 3:
            add = (left + up) // 2
        else:
            about = left + up - corner
            add = min((abs(about - left), 0, left), (abs(about - up), 1, up),
                      (abs(about - corner), 2, corner))[2]
        line[i] = line[i] + add & 255
    return line


def read_png(data):
    """Lines of three bytes a pixel."""
    at, packed = 8, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            assert (depth, colour, interlaced) == (8, 2, 0), "not a PNG of Cairo's"
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    raw = zlib.decompress(packed)
    lines, above = [], bytearray(3 * width)
    for y in range(height):
        begin = y * (3 * width + 1)
        line = bytearray(raw[begin + 1:begin + 1 + 3 * width])
        if raw[begin]:
            line = unfilter(raw[begin], line, above, 3)
        lines.append(bytes(line))
        above = line
    return width, height, lines


def read_xwd(data):
    """X's own form, of 32 bits a pixel."""
    head = struct.unpack(">25I", data[:100])
    width, height, order, bits, pitch = head[4], head[5], head[7], head[11], head[12]
    assert bits == 32 and order == 0, "not a screen of 32 bits"
    begin = head[0] + head[19] * 12
    lines = []
    for y in range(height):
        line = data[begin + y * pitch:begin + y * pitch + 4 * width]
        three = bytearray(3 * width)
        three[0::3], three[1::3], three[2::3] = line[2::4], line[1::4], line[0::4]
        lines.append(bytes(three))
    return width, height, lines


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    return read_png(data) if data[:4] == b"\x89PNG" else read_xwd(data)


def within(lines, others):
    """Where the lines of one picture are in the other."""
    for y in range(len(lines) - len(others) + 1):
        x = lines[y].find(others[0])
        while x >= 0:
            end = x + len(others[0])
            if x % 3 == 0 and all(lines[y + i][x:end] == line for i, line in enumerate(others)):
                return f"{x // 3} {y}"
            x = lines[y].find(others[0], x + 1)
    return "nowhere"


def answer(width, height, lines, words):
    """Takes a question from the words."""
    what = words.pop(0)
    if what == "size":
        return f"{width} {height}"
    if what == "colours":
        x, y, w, h = (int(words.pop(0)) for _ in range(4))
        return len({line[i:i + 3] for line in lines[y:y + h]
                    for i in range(3 * x, 3 * min(x + w, width), 3)})
    if what == "at":
        x, y = int(words.pop(0)), int(words.pop(0))
        return lines[y][3 * x:3 * x + 3].hex()
    if what == "find":
        colour = bytes.fromhex(words.pop(0))
        return sum(line[i:i + 3] == colour for line in lines for i in range(0, 3 * width, 3))
    if what == "within":
        return within(lines, read(words.pop(0))[2][:int(words.pop(0))])
    sys.exit(__doc__)


picture = read(sys.argv[1])
questions = sys.argv[2:]
while questions:
    print(answer(*picture, questions))
