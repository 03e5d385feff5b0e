// Preloaded, makes MKL take the kernels that the processor's instructions allow, whoever made it.
extern "C" int mkl_serv_intel_cpu_true() { return 1; }
