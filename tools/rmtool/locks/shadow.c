/* SPDX-License-Identifier: MIT */
#include "locks/shadow.h"

#include <stdlib.h>
#include <string.h>

#include "locks/access.h"

#define STACK_BYTES ((uint64_t)8 << 20)

static bool add_stack(struct shadow *shadow, uint64_t base, uint32_t place) {
    if (shadow->n == shadow->capacity) {
        uint32_t capacity = shadow->capacity ? shadow->capacity * 2 : 16;
        struct shadow_stack *stacks = realloc(shadow->stacks, capacity * sizeof(*stacks));
        if (stacks) shadow->stacks = stacks;
        uint32_t *by_base = realloc(shadow->by_base, capacity * sizeof(*by_base));
        if (by_base) shadow->by_base = by_base;
        if (!stacks || !by_base) return false;
        shadow->capacity = capacity;
    }
    memmove(shadow->by_base + place + 1, shadow->by_base + place,
            (shadow->n_by_base - place) * sizeof(*shadow->by_base));
    shadow->by_base[place] = shadow->n;
    shadow->n_by_base++;
    shadow->stacks[shadow->n] = (struct shadow_stack){.base = base};
    shadow->current = shadow->n++;
    return true;
}

/* Stack 0 is there before the first call, with the frame of nobody: its base is not known
   until then. */
bool shadow_init(struct shadow *shadow) {
    *shadow = (struct shadow){0};
    return add_stack(shadow, 0, 0);
}

void shadow_finish(struct shadow *shadow) {
    for (uint32_t i = 0; i < shadow->n; i++) free(shadow->stacks[i].frames);
    free(shadow->stacks);
    free(shadow->by_base);
    *shadow = (struct shadow){0};
}

/* Where in by_base the lowest base is that is not below slot. */
static uint32_t place_of(const struct shadow *shadow, uint64_t slot) {
    uint32_t low = 0, high = shadow->n_by_base;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (shadow->stacks[shadow->by_base[middle]].base < slot)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool holds(const struct shadow_stack *stack, uint64_t slot) {
    return slot <= stack->base && stack->base - slot < STACK_BYTES;
}

/* The lowest frame of a stack whose slot is above; frames behind it have ended. */
static uint32_t frames_above(const struct shadow_stack *stack, uint64_t slot) {
    uint32_t depth = stack->depth;

    /* Nearly always the last one or two. */
    while (depth > 0 && stack->frames[depth - 1].slot <= slot) depth--;
    return depth;
}

/* Makes the stack current that a call at a slot is on. A little above the base is that
   stack too: the program has returned further than it was seen to be called. */
static bool enter_stack(struct shadow *shadow, uint64_t slot) {
    struct shadow_stack *stack = &shadow->stacks[shadow->current];
    uint32_t place;

    if (stack->base == 0) { /* the first call of all */
        stack->base = slot;
        return true;
    }
    place = place_of(shadow, slot);
    if (place < shadow->n_by_base) {
        uint32_t found = shadow->by_base[place];
        if (holds(&shadow->stacks[found], slot)) {
            shadow->current = found;
            return true;
        }
    }
    if (place > 0) {
        uint32_t below = shadow->by_base[place - 1];
        if (slot - shadow->stacks[below].base < 4096) {
            shadow->stacks[below].base = slot;
            shadow->current = below;
            return true;
        }
    }
    if (shadow->n == ACCESS_STACKS_MAX) return true; /* taken for one of this stack */
    return add_stack(shadow, slot, place);
}

static bool call(struct shadow *shadow) {
    struct shadow_stack *stack = &shadow->stacks[shadow->current];

    if (stack->base == 0 || !holds(stack, shadow->slot) || shadow->n > 1) {
        if (!enter_stack(shadow, shadow->slot)) return false;
        stack = &shadow->stacks[shadow->current];
    }
    stack->depth = frames_above(stack, shadow->slot);
    if (stack->depth < stack->low) stack->low = stack->depth;
    if (stack->depth == stack->capacity) {
        uint32_t capacity = stack->capacity ? stack->capacity * 2 : 64;
        struct shadow_frame *frames = realloc(stack->frames, capacity * sizeof(*frames));
        if (!frames) return false;
        stack->frames = frames;
        stack->capacity = capacity;
    }
    if (stack->depth < ACCESS_DEPTH_MAX)
        stack->frames[stack->depth++] = (struct shadow_frame){shadow->slot, shadow->next};
    return true;
}

/* A load of 8 bytes and then a jump: a return where it was from the slot of a frame, and
   went where that one was called. Jumps through tables are the others. */
static void maybe_return(struct shadow *shadow, uint64_t pc) {
    uint32_t number = shadow->current, low = 0, high;
    struct shadow_stack *stack = &shadow->stacks[number];

    if (shadow->n > 1 && !holds(stack, shadow->slot)) {
        uint32_t place = place_of(shadow, shadow->slot);
        if (place == shadow->n_by_base) return;
        number = shadow->by_base[place];
        stack = &shadow->stacks[number];
    }
    for (high = stack->depth; low < high;) { /* slots descend */
        uint32_t middle = low + (high - low) / 2;
        if (stack->frames[middle].slot > shadow->slot)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == stack->depth || stack->frames[low].slot != shadow->slot ||
        stack->frames[low].returns_to != pc)
        return;
    shadow->current = number;
    stack->depth = low;
    if (low < stack->low) stack->low = low;
}

bool shadow_change(struct shadow *shadow, uint64_t pc) {
    if (shadow->access == 'S') /* the same instruction again: "rep stos" */
        return pc == shadow->pc || call(shadow);
    if (shadow->access == 'L') maybe_return(shadow, pc);
    return true;
}
