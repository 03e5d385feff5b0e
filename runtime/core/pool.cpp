/* The chunks of a run are split evenly into as many shares as there are threads; share i belongs to thread i,
 * so that in every step the same thread sees the same part of the data. A share is run by whoever claims it
 * first: its owner, or the caller, who after its own share takes those whose owners have not woken up. So an
 * idle, slow or absent worker costs time only if it has begun, and many threads on few processors do no harm.
 *
 * A run has a ticket: its number (upper bits) and its count of shares (lowest 8 bits); tickets only grow.
 * claims[i] is the last ticket for which share i was claimed. A worker reads the job only after its claim,
 * and a job stays as it is until all its shares are done: that orders everything. */
#include "pool.h"

#include <atomic>
#include <new>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "denormals.h"

namespace {

constexpr int max_threads = 64;
constexpr int ticket_shift = 8;
constexpr uint64_t share_mask = (uint64_t{1} << ticket_shift) - 1;
/* Waiting: about 20 us of looking, then some turns for others, then sleep. */
constexpr int spins = 1000;
constexpr int yields = 20;

inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

struct mutex_lock {
  pthread_mutex_t &mutex;
  explicit mutex_lock(pthread_mutex_t &m) : mutex(m) { pthread_mutex_lock(&mutex); }
  ~mutex_lock() { pthread_mutex_unlock(&mutex); }
  mutex_lock(const mutex_lock &) = delete;
  mutex_lock &operator=(const mutex_lock &) = delete;
};

/* Blocks until ready() holds: looks, yields, then sleeps on the condition. Whoever makes it hold does so with
 * a sequentially consistent store and then calls wake(). */
struct gate {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  std::atomic<int> sleepers{0};

  ~gate() {
    pthread_cond_destroy(&condition);
    pthread_mutex_destroy(&mutex);
  }

  template <class Ready> void wait(Ready ready) {
    for (int i = 0; i < spins; ++i) {
      if (ready())
        return;
      relax();
    }
    for (int i = 0; i < yields; ++i) {
      if (ready())
        return;
      sched_yield();
    }
    mutex_lock lock(mutex);
    sleepers.fetch_add(
        1); /* before ready() is asked again: the waker stores first and looks here afterwards */
    while (!ready())
      pthread_cond_wait(&condition, &mutex);
    sleepers.fetch_sub(1);
  }

  void wake() {
    if (sleepers.load() == 0)
      return;
    mutex_lock lock(mutex);
    pthread_cond_broadcast(&condition);
  }
};

struct job {
  int64_t chunks = 0;
  void (*task)(void *, int64_t) = nullptr;
  void *context = nullptr;
};

struct alignas(64) claim_slot {
  std::atomic<uint64_t> ticket{0};
};

struct thread_pool;

struct worker {
  thread_pool *pool = nullptr;
  int index = 0;
  pthread_t thread{};
};

struct thread_pool {
  hornfels_pool interface {};
  int threads = 1; /* the caller's included: workers 1 .. threads - 1 */
  worker workers[max_threads];
  claim_slot claims[max_threads];
  job current;
  gate start, done;
  alignas(64) std::atomic<uint64_t> ticket{0};
  std::atomic<bool> stop{false};
  alignas(64) std::atomic<int> unfinished{0}; /* shares */
  alignas(64) std::atomic<bool> busy{false};

  /* True for the one thread that may run share `index` of this ticket. */
  bool claim(int index, uint64_t t) {
    uint64_t last = claims[index].ticket.load(std::memory_order_relaxed);
    return last < t && claims[index].ticket.compare_exchange_strong(last, t, std::memory_order_acq_rel);
  }

  /* Chunks [index * chunks / shares, (index + 1) * chunks / shares), without overflow of the products. */
  void run_share(int index, int shares) {
    const int64_t each = current.chunks / shares, rest = current.chunks % shares;
    const int64_t first = index * each + (index < rest ? index : rest);
    const int64_t last = first + each + (index < rest ? 1 : 0);
    for (int64_t c = first; c < last; ++c)
      current.task(current.context, c);
    if (unfinished.fetch_sub(1) == 1)
      done.wake();
  }

  void work(int index) {
    hornfels::flush_denormals flush;
    uint64_t seen = 0;
    for (;;) {
      start.wait([&] { return ticket.load() != seen || stop.load(); });
      if (stop.load())
        return;
      seen = ticket.load();
      const int shares = int(seen & share_mask);
      if (index < shares && claim(index, seen))
        run_share(index, shares);
    }
  }

  void run(const job &j) {
    hornfels::flush_denormals flush;
    if (j.chunks <= 0)
      return;
    if (threads == 1 || j.chunks == 1 || busy.exchange(true, std::memory_order_acquire)) {
      for (int64_t c = 0; c < j.chunks; ++c)
        j.task(j.context, c);
      return;
    }
    const int shares = j.chunks < threads ? int(j.chunks) : threads;
    current = j;
    unfinished.store(shares, std::memory_order_relaxed);
    const uint64_t t =
        (((ticket.load(std::memory_order_relaxed) >> ticket_shift) + 1) << ticket_shift) | uint64_t(shares);
    ticket.store(t);
    start.wake();
    for (int i = 0; i < shares; ++i)
      if (claim(i, t))
        run_share(i, shares);
    done.wait([&] { return unfinished.load() == 0; });
    busy.store(false, std::memory_order_release);
  }
};

void run_pool(void *pool, int64_t chunks, void (*task)(void *, int64_t), void *context) {
  static_cast<thread_pool *>(pool)->run({chunks, task, context});
}

void *run_worker(void *argument) {
  worker *w = static_cast<worker *>(argument);
  w->pool->work(w->index);
  return nullptr;
}

/* Processors that this process may use. */
int available_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0)
    return CPU_COUNT(&set);
#endif
  const long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 ? int(n < max_threads ? n : max_threads) : 1;
}

/* Starts the workers, with all signals blocked in them; stops at the first that the system refuses. */
void start_workers(thread_pool &pool, int threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (pool.threads < threads) {
    worker &w = pool.workers[pool.threads];
    w.pool = &pool;
    w.index = pool.threads;
    if (pthread_create(&w.thread, nullptr, run_worker, &w) != 0)
      break;
    ++pool.threads;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace

extern "C" hornfels_pool *hornfels_pool_create(int32_t threads) {
  thread_pool *pool = new (std::nothrow) thread_pool;
  if (!pool)
    return nullptr;
  const int wanted = threads > 0 ? threads : available_processors();
  start_workers(*pool, wanted < max_threads ? wanted : max_threads);
  pool->interface.run = run_pool;
  pool->interface.pool = pool;
  return &pool->interface;
}

extern "C" void hornfels_pool_destroy(hornfels_pool *handle) {
  if (!handle)
    return;
  thread_pool *pool = static_cast<thread_pool *>(handle->pool);
  pool->stop.store(true);
  pool->start.wake();
  for (int i = 1; i < pool->threads; ++i)
    pthread_join(pool->workers[i].thread, nullptr);
  delete pool;
}

extern "C" int32_t hornfels_pool_threads(const hornfels_pool *handle) {
  return static_cast<const thread_pool *>(handle->pool)->threads;
}
