/* SPDX-License-Identifier: MIT */
#include "locks/lockmodel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/say.h"
#include "base/units.h"

/* -------------------------------------------------------------------------- names */

static bool parse_life(const char *text, struct lockmodel_spec *spec) {
    char copy[LOCKMODEL_NAME], *own, *foreign = NULL;
    double number;

    snprintf(copy, sizeof(copy), "%s", text);
    own = strchr(copy, ':');
    if (own) {
        *own++ = '\0';
        foreign = strchr(own, ':');
        if (!foreign) return false;
        *foreign++ = '\0';
        char factor[LOCKMODEL_NAME + 2];
        snprintf(factor, sizeof(factor), "%sx", own);
        if (!parse_factor(factor, &number)) return false;
        spec->own = (uint64_t)(number * LOCKMODEL_UNIT + 0.5);
        snprintf(factor, sizeof(factor), "%sx", foreign);
        if (!parse_factor(factor, &number)) return false;
        spec->foreign = (uint64_t)(number * LOCKMODEL_UNIT + 0.5);
    }
    if (!parse_count(copy, &spec->parameter) || spec->parameter == 0 ||
        spec->parameter > UINT32_MAX || spec->own == 0 || spec->foreign == 0)
        return false;
    spec->parameter *= LOCKMODEL_UNIT;
    return true;
}

static bool parse_gap(const char *text, struct lockmodel_spec *spec) {
    char copy[LOCKMODEL_NAME];
    size_t length = strlen(text);

    snprintf(copy, sizeof(copy), "%s", text);
    spec->kind = LOCKMODEL_GAP;
    if (length > 1 && copy[length - 1] == 'i') {
        copy[length - 1] = '\0';
        spec->kind = LOCKMODEL_PAUSE;
    }
    return parse_count(copy, &spec->parameter);
}

bool lockmodel_parse(const char *text, struct lockmodel_spec *spec) {
    *spec = (struct lockmodel_spec){.own = LOCKMODEL_UNIT, .foreign = LOCKMODEL_UNIT / 2};
    if (strlen(text) >= LOCKMODEL_NAME) return false;
    strcpy(spec->name, text);
    if (strcmp(text, "none") == 0) return true;
    if (strcmp(text, "truth") == 0) {
        spec->kind = LOCKMODEL_TRUTH;
        return true;
    }
    if (strncmp(text, "gap:", 4) == 0) return parse_gap(text + 4, spec);
    if (strncmp(text, "life:", 5) == 0) {
        spec->kind = LOCKMODEL_LIFE;
        return parse_life(text + 5, spec);
    }
    spec->kind = LOCKMODEL_FRAME;
    if (strcmp(text, "frame") == 0) return true;
    return strncmp(text, "frame:", 6) == 0 && parse_count(text + 6, &spec->parameter) &&
           spec->parameter < ACCESS_DEPTH_MAX;
}

const char *lockmodel_kind_name(enum lockmodel_kind kind) {
    static const char *const names[] = {"none", "gap", "pause", "frame", "life", "truth"};

    return names[kind];
}

/* --------------------------------------------------------------------------- room */

bool lockmodel_reserve(struct lockmodel *model, uint32_t slot) {
    size_t capacity = model->book.capacity;

    if (!lockbook_reserve(&model->book, slot)) return false;
    if (model->spec.kind != LOCKMODEL_TRUTH || model->book.capacity == capacity)
        return true;
    uint32_t *nested = realloc(model->nested, model->book.capacity * sizeof(*nested));
    if (!nested) return false;
    memset(nested + capacity, 0, (model->book.capacity - capacity) * sizeof(*nested));
    model->nested = nested;
    return true;
}

static bool reserve_block(struct lockmodel *model) {
    if (!lockbook_reserve_lock(&model->book)) return false;
    if (model->capacity >= model->book.since_capacity) return true;
    struct lockmodel_block *blocks =
        realloc(model->blocks, model->book.since_capacity * sizeof(*blocks));
    if (!blocks) return false;
    model->blocks = blocks;
    model->capacity = model->book.since_capacity;
    return true;
}

void lockmodel_finish(struct lockmodel *model) {
    for (uint32_t i = 0; i < model->n_stacks; i++) free(model->stacks[i].frames);
    free(model->stacks);
    free(model->blocks);
    free(model->heap);
    free(model->nested);
    lockbook_finish(&model->book);
}

/* Nothing has changed then: a block that is locked is where its kind of model keeps it. */
static void out_of_memory(struct lockmodel *model) {
    if (model->status == STATUS_OK)
        model->status =
            complain(STATUS_IO, "no memory for the model %s", model->spec.name);
}

/* Returns: false without memory. */
static bool lock(struct lockmodel *model, uint32_t slot) {
    if (!reserve_block(model)) {
        out_of_memory(model);
        return false;
    }
    lockbook_lock(&model->book, slot);
    if (model->on_change && model->status == STATUS_OK)
        model->status = model->on_change(model->context, true, slot);
    return true;
}

static void unlock(struct lockmodel *model, uint32_t slot) {
    lockbook_unlock(&model->book, slot);
    if (model->on_change && model->status == STATUS_OK)
        model->status = model->on_change(model->context, false, slot);
}

static inline bool is_locked(const struct lockmodel *model, uint32_t slot) {
    return lockbook_is_locked(&model->book, slot);
}

/* Of one that is locked. */
static inline struct lockmodel_block *block_of(const struct lockmodel *model,
                                               uint32_t slot) {
    return &model->blocks[model->book.held[slot] - 1];
}

/* --------------------------------------------------------------------- gap: a list */

static void leave_list(struct lockmodel *model, uint32_t slot) {
    struct lockmodel_block *block = block_of(model, slot);

    if (block->a)
        block_of(model, block->a - 1)->b = block->b;
    else
        model->first = block->b;
    if (block->b)
        block_of(model, block->b - 1)->a = block->a;
    else
        model->last = block->a;
}

static void join_list(struct lockmodel *model, uint32_t slot) {
    struct lockmodel_block *block = block_of(model, slot);

    block->a = model->last;
    block->b = 0;
    if (model->last)
        block_of(model, model->last - 1)->b = slot + 1;
    else
        model->first = slot + 1;
    model->last = slot + 1;
}

static void gap_access(struct lockmodel *model, uint32_t slot, uint64_t now) {
    if (model->last != slot + 1) {
        if (is_locked(model, slot))
            leave_list(model, slot);
        else if (!lock(model, slot))
            return;
        join_list(model, slot);
    }
    block_of(model, slot)->last = now;
}

/* Unlocks those whose last access was at `last` or before. */
static void gap_expire(struct lockmodel *model, uint64_t last) {
    while (model->first && block_of(model, model->first - 1)->last <= last) {
        uint32_t slot = model->first - 1;
        leave_list(model, slot);
        unlock(model, slot);
    }
}

/* --------------------------------------------------------- frame: lists by depth */

static struct lockmodel_stack *frame_stack(struct lockmodel *model, uint32_t stack) {
    if (stack >= model->n_stacks) {
        uint32_t n = stack + stack / 2 + 1;
        struct lockmodel_stack *stacks = realloc(model->stacks, n * sizeof(*stacks));
        if (!stacks) return NULL;
        memset(stacks + model->n_stacks, 0, (n - model->n_stacks) * sizeof(*stacks));
        model->stacks = stacks;
        model->n_stacks = n;
    }
    return &model->stacks[stack];
}

/* Where the first frame is that is not above this depth: nearly always at the end. */
static uint32_t frame_place(const struct lockmodel_stack *stack, uint32_t depth) {
    uint32_t low = 0, high = stack->n;

    if (high == 0 || stack->frames[high - 1].depth < depth) return high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (stack->frames[middle].depth < depth)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Frames deeper than the present one have ended: so what lies behind is no more than UP. */
static struct lockmodel_frame *frame_at(struct lockmodel_stack *stack, uint32_t depth) {
    uint32_t place = frame_place(stack, depth);

    if (place < stack->n && stack->frames[place].depth == depth)
        return &stack->frames[place];
    if (stack->n == stack->capacity) {
        uint32_t capacity = stack->capacity ? stack->capacity * 2 : 16;
        struct lockmodel_frame *frames =
            realloc(stack->frames, capacity * sizeof(*frames));
        if (!frames) return NULL;
        stack->frames = frames;
        stack->capacity = capacity;
    }
    memmove(stack->frames + place + 1, stack->frames + place,
            (stack->n - place) * sizeof(*stack->frames));
    stack->n++;
    stack->frames[place] = (struct lockmodel_frame){.depth = depth};
    return &stack->frames[place];
}

static void frame_leave(struct lockmodel *model, uint32_t slot) {
    struct lockmodel_block *block = block_of(model, slot);
    struct lockmodel_stack *stack = &model->stacks[block->stack];

    if (block->a)
        block_of(model, block->a - 1)->b = block->b;
    else
        stack->frames[frame_place(stack, block->depth)].head = block->b;
    if (block->b) block_of(model, block->b - 1)->a = block->a;
}

static void frame_access(struct lockmodel *model, const struct access_item *item,
                         uint32_t number) {
    struct lockmodel_stack *stack;
    struct lockmodel_frame *frame;
    uint32_t depth = item->depth > model->spec.parameter
                         ? item->depth - (uint32_t)model->spec.parameter
                         : 0;

    if (is_locked(model, item->slot)) return;
    stack = frame_stack(model, number);
    frame = stack ? frame_at(stack, depth) : NULL;
    if (!frame) {
        out_of_memory(model);
        return;
    }
    if (!lock(model, item->slot)) return;
    *block_of(model, item->slot) =
        (struct lockmodel_block){.b = frame->head, .depth = depth, .stack = number};
    if (frame->head) block_of(model, frame->head - 1)->a = item->slot + 1;
    frame->head = item->slot + 1;
}

/* The frames deeper than `low` have ended. */
static void frame_end(struct lockmodel *model, uint32_t number, uint32_t low) {
    if (number >= model->n_stacks) return;
    struct lockmodel_stack *stack = &model->stacks[number];

    for (; stack->n > 0 && stack->frames[stack->n - 1].depth > low; stack->n--) {
        while (stack->frames[stack->n - 1].head) {
            uint32_t slot = stack->frames[stack->n - 1].head - 1;
            frame_leave(model, slot);
            unlock(model, slot);
        }
    }
}

/* ------------------------------------------------------------------- life: a heap */

/* An access only ever makes a block live longer. So its place in the heap may be that of an
   earlier access: when it comes to the top, it is put where it belongs by then. */

static uint64_t life_of(const struct lockmodel_block *block) {
    return (uint64_t)block->b << 32 | block->a;
}

/* The access after which the life is 0: locked with a life above 0 until then. */
static uint64_t life_due(const struct lockmodel *model, uint32_t slot) {
    const struct lockmodel_block *block = block_of(model, slot);
    uint64_t foreign = model->spec.foreign;

    return block->last + (life_of(block) + foreign - 1) / foreign;
}

static void heap_put(struct lockmodel *model, size_t at, struct lockmodel_due due) {
    model->heap[at] = due;
    block_of(model, due.slot)->depth = (uint32_t)at + 1;
}

static void heap_up(struct lockmodel *model, size_t at, struct lockmodel_due due) {
    for (; at > 0 && model->heap[(at - 1) / 2].due > due.due; at = (at - 1) / 2)
        heap_put(model, at, model->heap[(at - 1) / 2]);
    heap_put(model, at, due);
}

static void heap_down(struct lockmodel *model, size_t at, struct lockmodel_due due) {
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= model->n_heap) break;
        if (child + 1 < model->n_heap &&
            model->heap[child + 1].due < model->heap[child].due)
            child++;
        if (model->heap[child].due >= due.due) break;
        heap_put(model, at, model->heap[child]);
        at = child;
    }
    heap_put(model, at, due);
}

static void heap_remove(struct lockmodel *model, size_t at) {
    struct lockmodel_due last = model->heap[--model->n_heap];

    if (at == model->n_heap) return;
    if (at > 0 && model->heap[(at - 1) / 2].due > last.due)
        heap_up(model, at, last);
    else
        heap_down(model, at, last);
}

/* Room for one more. */
static bool heap_reserve(struct lockmodel *model) {
    if (model->n_heap < model->heap_capacity) return true;
    size_t capacity = model->heap_capacity ? model->heap_capacity * 2 : 256;
    struct lockmodel_due *heap = realloc(model->heap, capacity * sizeof(*heap));
    if (!heap) return false;
    model->heap = heap;
    model->heap_capacity = capacity;
    return true;
}

/* now: the number of this access. */
static void life_access(struct lockmodel *model, uint32_t slot, uint64_t now) {
    bool locked = is_locked(model, slot);
    uint64_t life = 0;

    if (!locked && !heap_reserve(model)) {
        out_of_memory(model);
        return;
    }
    if (!locked && !lock(model, slot)) return;
    struct lockmodel_block *block = block_of(model, slot);
    if (locked) {
        uint64_t lost = (now - block->last - 1) * model->spec.foreign;
        life = life_of(block) > lost ? life_of(block) - lost : 0;
    }
    life += model->spec.own;
    if (life > model->spec.parameter) life = model->spec.parameter;
    block->a = (uint32_t)life;
    block->b = (uint32_t)(life >> 32);
    block->last = now;
    if (locked) return;
    model->n_heap++;
    heap_up(model, model->n_heap - 1,
            (struct lockmodel_due){life_due(model, slot), slot});
}

static void life_expire(struct lockmodel *model, uint64_t now) {
    while (model->n_heap > 0 && model->heap[0].due <= now) {
        uint32_t slot = model->heap[0].slot;
        uint64_t due = life_due(model, slot);
        if (due > now) {
            heap_down(model, 0, (struct lockmodel_due){due, slot});
        } else {
            heap_remove(model, 0);
            unlock(model, slot);
        }
    }
}

/* -------------------------------------------------------------------------- calls */

void lockmodel_before(struct lockmodel *model, const struct access_item *item,
                      uint32_t stack) {
    if (model->spec.kind == LOCKMODEL_FRAME) {
        if (item->op != ACCESS_STACK) frame_end(model, stack, item->low);
    } else if (model->spec.kind == LOCKMODEL_PAUSE) {
        /* T instructions without one, and this is a later one: T + 1 behind the last. */
        if (item->instructions > model->spec.parameter)
            gap_expire(model, item->instructions - model->spec.parameter - 1);
    }
}

void lockmodel_access(struct lockmodel *model, const struct access_item *item,
                      uint32_t stack) {
    switch (model->spec.kind) {
    case LOCKMODEL_GAP:
        gap_access(model, item->slot, model->book.population->clock + 1);
        break;
    case LOCKMODEL_PAUSE: gap_access(model, item->slot, item->instructions); break;
    case LOCKMODEL_FRAME: frame_access(model, item, stack); break;
    case LOCKMODEL_LIFE:
        life_access(model, item->slot, model->book.population->clock + 1);
        break;
    default: break;
    }
}

void lockmodel_after(struct lockmodel *model) {
    uint64_t clock = model->book.population->clock;

    if (model->spec.kind == LOCKMODEL_GAP) {
        if (clock > model->spec.parameter)
            gap_expire(model, clock - model->spec.parameter);
    } else if (model->spec.kind == LOCKMODEL_LIFE) {
        life_expire(model, clock);
    }
}

void lockmodel_drop(struct lockmodel *model, uint32_t slot) {
    if (!is_locked(model, slot)) return;
    switch (model->spec.kind) {
    case LOCKMODEL_GAP:
    case LOCKMODEL_PAUSE: leave_list(model, slot); break;
    case LOCKMODEL_FRAME: frame_leave(model, slot); break;
    case LOCKMODEL_LIFE: heap_remove(model, block_of(model, slot)->depth - 1); break;
    case LOCKMODEL_TRUTH: model->nested[slot] = 0; break;
    case LOCKMODEL_NONE: break;
    }
    unlock(model, slot);
}

void lockmodel_own_lock(struct lockmodel *model, uint32_t slot) {
    if (model->nested[slot] > 0 || lock(model, slot)) model->nested[slot]++;
}

void lockmodel_own_unlock(struct lockmodel *model, uint32_t slot) {
    if (model->nested[slot] > 0 && --model->nested[slot] == 0) unlock(model, slot);
}
