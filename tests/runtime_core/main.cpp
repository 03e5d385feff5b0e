// Runs the tests, or returns 77 (skipped) where the processor lacks what they were compiled for.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#ifndef HORNFELS_TEST_LEVEL
#define HORNFELS_TEST_LEVEL ""
#endif

#if defined(__x86_64__)
__attribute__((target("arch=x86-64"))) static bool runs(const char *level) {
  __builtin_cpu_init();
  const bool v3 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (std::strcmp(level, "x86-64-v3") == 0)
    return v3;
  if (std::strcmp(level, "x86-64-v4") == 0)
    return v4;
  return true;
}
#else
static bool runs(const char *) { return true; }
#endif

int main(int argc, char **argv) {
  if (!runs(HORNFELS_TEST_LEVEL)) {
    std::printf("skipped: this processor has not %s\n", HORNFELS_TEST_LEVEL);
    return 77;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
