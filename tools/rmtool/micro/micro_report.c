/* SPDX-License-Identifier: MIT */
#include "micro/micro_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/member.h"

static const char *sign(const struct micro_row *row) {
    return row->goal_kind == MICRO_AT_MOST    ? "<="
           : row->goal_kind == MICRO_AT_LEAST ? ">="
                                              : "";
}

static const char *verdict(const struct micro_row *row) {
    if (isnan(row->value) || row->goal_kind == MICRO_NO_GOAL) return "";
    return micro_meets(row) ? "met" : "missed";
}

void micro_print(const struct micro *micro, const struct provenance *provenance) {
    const char *group = "";

    printf("rmtool %s, %s\n%s\nrounds: %u, seed: %" PRIu64 "\n\n", tool_version,
           provenance->machine, provenance->command ? provenance->command : "rmtool",
           micro->rounds, micro->seed);
    for (size_t i = 0; i < micro->n; i++) {
        const struct micro_row *row = &micro->rows[i];
        char what[128], number[32], goal[48] = "";

        if (row->detail) continue;
        if (strcmp(group, row->group) != 0)
            printf("%s%s\n", *group ? "\n" : "", row->group);
        group = row->group;
        snprintf(what, sizeof(what), "%s", row->what);
        if (row->x_unit)
            snprintf(what, sizeof(what), "%s, %.10g %s", row->what, row->x, row->x_unit);
        if (isnan(row->value)) {
            printf("  %-64s %s\n", what, row->note);
            continue;
        }
        snprintf(number, sizeof(number), row->value < 100 ? "%.2f" : "%.0f", row->value);
        if (row->goal_kind != MICRO_NO_GOAL)
            snprintf(goal, sizeof(goal), "%s %g, %s", sign(row), row->goal, verdict(row));
        printf("  %-64s %8s %-6s %s%s", what, number, row->unit, goal,
               row->note[0] ? row->note : "");
        putchar('\n');
    }
}

int micro_print_json(const struct micro *micro) {
    json_t *rows = json_array(), *object = json_object();

    for (size_t i = 0; i < micro->n; i++) {
        const struct micro_row *row = &micro->rows[i];
        json_t *item = json_object();
        member_text(item, "group", row->group);
        member_text(item, "what", row->what);
        if (row->x_unit) {
            member_real(item, "x", row->x);
            member_text(item, "x_unit", row->x_unit);
        }
        if (!isnan(row->value)) {
            member_real(item, "value", row->value);
            member_text(item, "unit", row->unit);
        }
        if (row->goal_kind != MICRO_NO_GOAL) {
            member_real(item, row->goal_kind == MICRO_AT_MOST ? "at_most" : "at_least",
                        row->goal);
            json_object_set_new(item, "met", json_boolean(micro_meets(row)));
        }
        if (row->note[0]) member_text(item, "note", row->note);
        json_array_append_new(rows, item);
    }
    member_text(object, "version", tool_version);
    member_count(object, "rounds", micro->rounds);
    json_object_set_new(object, "rows", rows);
    return member_print(object);
}

/* A field of a CSV file: a comma in it would end it. */
static void write_text(FILE *file, const char *text) {
    for (; *text; text++) fputc(*text == ',' ? ';' : *text, file);
}

int micro_write_csv(const struct micro *micro, const char *path,
                    const struct provenance *provenance) {
    struct output output;
    int status = output_open(&output, path);

    if (status) return status;
    output_provenance(&output, provenance);
    fputs("group,what,x,x_unit,value,unit,goal,verdict,note\n", output.file);
    for (size_t i = 0; i < micro->n; i++) {
        const struct micro_row *row = &micro->rows[i];
        fprintf(output.file, "%s,", row->group);
        write_text(output.file, row->what);
        if (row->x_unit)
            fprintf(output.file, ",%.10g,%s,", row->x, row->x_unit);
        else
            fputs(",,,", output.file);
        if (!isnan(row->value)) fprintf(output.file, "%.6g", row->value);
        fprintf(output.file, ",%s,", row->unit);
        if (row->goal_kind != MICRO_NO_GOAL)
            fprintf(output.file, "%s %g", sign(row), row->goal);
        fprintf(output.file, ",%s,", verdict(row));
        write_text(output.file, row->note);
        fputc('\n', output.file);
    }
    return output_close(&output);
}
