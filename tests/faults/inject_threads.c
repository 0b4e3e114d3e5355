/* SPDX-License-Identifier: MIT */
/* The calls of pthreads that may be refused: they return why. */
#include <pthread.h>

#include "inject.h"

int __real_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*body)(void *), void *context) {
    int reason = inject_refusal(REQUEST_THREAD);
    return reason ? reason : __real_pthread_create(thread, attributes, body, context);
}

int __real_pthread_key_create(pthread_key_t *, void (*)(void *));
int __wrap_pthread_key_create(pthread_key_t *, void (*)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*end)(void *)) {
    int reason = inject_refusal(REQUEST_KEY);
    return reason ? reason : __real_pthread_key_create(key, end);
}

int __real_pthread_setspecific(pthread_key_t, const void *);
int __wrap_pthread_setspecific(pthread_key_t, const void *);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value) {
    int reason = inject_refusal(REQUEST_SPECIFIC);
    return reason ? reason : __real_pthread_setspecific(key, value);
}

int __real_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
int __wrap_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
int __wrap_pthread_atfork(void (*before)(void), void (*after)(void),
                          void (*in_child)(void)) {
    int reason = inject_refusal(REQUEST_ATFORK);
    return reason ? reason : __real_pthread_atfork(before, after, in_child);
}

int __real_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *);
int __wrap_pthread_cond_init(pthread_cond_t *bell, const pthread_condattr_t *attributes) {
    int reason = inject_refusal(REQUEST_COND);
    return reason ? reason : __real_pthread_cond_init(bell, attributes);
}

int __real_pthread_condattr_init(pthread_condattr_t *);
int __wrap_pthread_condattr_init(pthread_condattr_t *);
int __wrap_pthread_condattr_init(pthread_condattr_t *attributes) {
    int reason = inject_refusal(REQUEST_CONDATTR);
    return reason ? reason : __real_pthread_condattr_init(attributes);
}

int __real_pthread_condattr_setclock(pthread_condattr_t *, clockid_t);
int __wrap_pthread_condattr_setclock(pthread_condattr_t *, clockid_t);
int __wrap_pthread_condattr_setclock(pthread_condattr_t *attributes, clockid_t clock) {
    int reason = inject_refusal(REQUEST_CONDATTR_CLOCK);
    return reason ? reason : __real_pthread_condattr_setclock(attributes, clock);
}

int __real_pthread_mutex_trylock(pthread_mutex_t *);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex) {
    int reason = inject_refusal(REQUEST_TRYLOCK);
    return reason ? reason : __real_pthread_mutex_trylock(mutex);
}
