/* A pool of threads for the steps of generated models: the `hornfels_pool` of abi.h, made of POSIX threads.
 * C99 and C++17.
 *
 *   hornfels_pool *pool = hornfels_pool_create(2);
 *   model.set_pool(handle, pool);
 *   ...
 *   hornfels_pool_destroy(pool);
 */
#ifndef HORNFELS_POOL_H
#define HORNFELS_POOL_H

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A pool in which `threads` threads work, the caller of run() among them; 0: as many as the process may use
 * processors. At most 64. Null when memory is out; fewer threads when the system gives no more
 * (hornfels_pool_threads tells). run() does not allocate; it may be called from several threads and from
 * inside a task: while a run is going on, another one does all its chunks on its own thread. The threads of
 * the pool take no signals, and in a task denormals count as zero. */
hornfels_pool *hornfels_pool_create(int32_t threads);

/* Ends the threads. No run() may be going on. Null is allowed. */
void hornfels_pool_destroy(hornfels_pool *pool);

/* How many threads work, the caller's included. */
int32_t hornfels_pool_threads(const hornfels_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
