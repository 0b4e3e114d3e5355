/* SPDX-License-Identifier: MIT */
/*
 * In the library as it is mutated: its requests to the system, which it is linked to make by these (--wrap). A
 * program with tests/faults/inject.c has its own, which come first.
 */
#include <pthread.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define PASS_ON(result, name, parameters, arguments)                                     \
    result __real_##name parameters;                                                     \
    result __wrap_##name parameters;                                                     \
    __attribute__((noinline)) result __wrap_##name parameters {                          \
        return __real_##name arguments;                                                  \
    }

PASS_ON(void *, mmap64, (void *at, size_t n, int access, int flags, int fd, off_t from),
        (at, n, access, flags, fd, from))
PASS_ON(int, munmap, (void *at, size_t n), (at, n))
PASS_ON(int, mprotect, (void *at, size_t n, int access), (at, n, access))
PASS_ON(int, madvise, (void *at, size_t n, int advice), (at, n, advice))
PASS_ON(int, close, (int fd), (fd))
PASS_ON(int, setpriority, (int which, id_t who, int priority), (which, who, priority))
PASS_ON(ssize_t, getrandom, (void *to, size_t n, unsigned flags), (to, n, flags))
PASS_ON(int, pthread_create,
        (pthread_t * thread, const pthread_attr_t *how, void *(*run)(void *), void *with),
        (thread, how, run, with))
PASS_ON(int, pthread_key_create, (pthread_key_t * key, void (*at_end)(void *)),
        (key, at_end))
PASS_ON(int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value))
PASS_ON(int, pthread_atfork, (void (*before)(void), void (*in)(void), void (*of)(void)),
        (before, in, of))
PASS_ON(int, pthread_cond_init, (pthread_cond_t * cond, const pthread_condattr_t *how),
        (cond, how))
PASS_ON(int, pthread_condattr_init, (pthread_condattr_t * how), (how))
PASS_ON(int, pthread_condattr_setclock, (pthread_condattr_t * how, clockid_t clock),
        (how, clock))
PASS_ON(int, pthread_mutex_unlock, (pthread_mutex_t * mutex), (mutex))
PASS_ON(int, pthread_key_delete, (pthread_key_t key), (key))
PASS_ON(pid_t, getpid, (void), ())
PASS_ON(ssize_t, write, (int fd, const void *from, size_t n), (fd, from, n))
PASS_ON(int, clock_gettime, (clockid_t clock, struct timespec *now), (clock, now))
PASS_ON(int, pthread_mutex_trylock, (pthread_mutex_t * mutex), (mutex))

/* Whatever was given: three words at most, in registers, none of which is read where there are fewer. */
long __real_syscall(long, ...);
long __wrap_syscall(long, ...);
long __wrap_syscall(long number, ...) {
    va_list list;
    long a[3];

    va_start(list, number);
    for (unsigned i = 0; i < 3; i++) a[i] = va_arg(list, long);
    va_end(list);
    return __real_syscall(number, a[0], a[1], a[2]);
}

int __real_ioctl(int, unsigned long, ...);
int __wrap_ioctl(int, unsigned long, ...);
int __wrap_ioctl(int fd, unsigned long command, ...) {
    va_list list;

    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    return __real_ioctl(fd, command, argument);
}
