/* SPDX-License-Identifier: MIT */
/*
 * In the library as it is mutated: what its jumps note (see `instrument`) lies in the file that RMALLOC_JUMPS
 * names, if it names one. So it is there whatever becomes of the process, of its children, and of theirs.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The system's own: `system.c` has others, and a test may refuse what is asked of those. */
void *__real_mmap64(void *, size_t, int, int, int, off_t);
int __real_close(int);

extern unsigned char __start_jumps[] __attribute__((visibility("hidden")));
extern unsigned char __stop_jumps[] __attribute__((visibility("hidden")));

/* Before the constructors of the library. */
__attribute__((constructor(101))) static void map_jumps(void) {
    const char *name = getenv("RMALLOC_JUMPS");
    size_t bytes = (size_t)(__stop_jumps - __start_jumps);

    if (name == NULL) return;
    int file = open(name, O_RDWR | O_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0 ||
        __real_mmap64(__start_jumps, bytes, PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED)
        abort();
    __real_close(file);
}
