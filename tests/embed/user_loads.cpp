// A program that knows of the shared object nothing but one name.
#include <cstdio>
#include <dlfcn.h>

int main(int, char **arguments) {
  void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return std::printf("%s\n", dlerror()), 1;
  using function = int();
  auto both_work = reinterpret_cast<function *>(dlsym(library, "both_work"));
  return both_work ? both_work() : 1;
}
