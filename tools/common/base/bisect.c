/* SPDX-License-Identifier: MIT */
#include "base/bisect.h"

#include "base/say.h"

static int try_one(struct bisection *bisection, uint64_t size, bisect_try_fn *try_size,
                   void *context) {
    bool good = false;
    int status;

    bisection->runs++;
    status = try_size(context, size, &good);
    if (status == STATUS_OK) *(good ? &bisection->suffices : &bisection->fails) = size;
    return status;
}

int bisect(struct bisection *bisection, uint64_t first, bisect_try_fn *try_size,
           void *context) {
    uint64_t size = first;
    int status = STATUS_OK;

    for (; status == STATUS_OK && bisection->suffices == 0; size += size / 2) {
        if (bisection->fails >= bisection->most) return STATUS_OK;
        status = try_one(bisection, size < bisection->most ? size : bisection->most,
                         try_size, context);
    }
    while (status == STATUS_OK &&
           bisection->suffices - bisection->fails > bisection->resolution) {
        size = bisection->fails + (bisection->suffices - bisection->fails) / 2;
        status = try_one(bisection, size, try_size, context);
    }
    return status;
}
