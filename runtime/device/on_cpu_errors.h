/* Errors of the CUDA runtime: the numbers and names of CUDA. Part of on_cpu.h. */
#ifndef HORNFELS_DEVICE_ON_CPU_ERRORS_H
#define HORNFELS_DEVICE_ON_CPU_ERRORS_H

#define HORNFELS_CUDA_ERRORS(error)                                                                          \
  error(cudaSuccess, 0, "no error") error(cudaErrorInvalidValue, 1, "invalid argument") error(               \
      cudaErrorMemoryAllocation, 2,                                                                          \
      "out of memory") error(cudaErrorInitializationError, 3,                                                \
                             "initialization error") error(cudaErrorInvalidConfiguration, 9,                 \
                                                           "invalid configuration argument")                 \
      error(cudaErrorInvalidMemcpyDirection, 21, "invalid copy direction for memcpy") error(                 \
          cudaErrorInsufficientDriver, 35, "CUDA driver version is insufficient for CUDA runtime version")   \
          error(cudaErrorInvalidDeviceFunction, 98, "invalid device function") error(                        \
              cudaErrorNoDevice, 100, "no CUDA-capable device is detected")                                  \
              error(cudaErrorInvalidDevice, 101, "invalid device ordinal") error(                            \
                  cudaErrorNoKernelImageForDevice, 209,                                                      \
                  "no kernel image is available for execution on the device")                                \
                  error(cudaErrorInvalidResourceHandle, 400,                                                 \
                        "invalid resource handle") error(cudaErrorNotReady, 600, "device not ready")         \
                      error(cudaErrorIllegalAddress, 700, "an illegal memory access was encountered") error( \
                          cudaErrorLaunchOutOfResources, 701, "too many resources requested for launch")     \
                          error(cudaErrorLaunchFailure, 719,                                                 \
                                "unspecified launch failure") error(cudaErrorCooperativeLaunchTooLarge, 720, \
                                                                    "too many blocks in cooperative launch") \
                              error(cudaErrorNotSupported, 801, "operation not supported")                   \
                                  error(cudaErrorStreamCaptureUnsupported, 900,                              \
                                        "operation not permitted when stream is capturing")                  \
                                      error(cudaErrorStreamCaptureInvalidated, 901,                          \
                                            "operation failed due to a previous error during capture")       \
                                          error(cudaErrorIllegalState, 401,                                  \
                                                "the operation cannot be performed in the present state")    \
                                              error(cudaErrorStreamCaptureUnmatched, 903,                    \
                                                    "capture was not initiated in this stream")              \
                                                  error(cudaErrorStreamCaptureUnjoined, 904,                 \
                                                        "capturing stream has unjoined work")                \
                                                      error(cudaErrorStreamCaptureImplicit, 906,             \
                                                            "operation would make the legacy stream depend " \
                                                            "on a capturing blocking stream")                \
                                                          error(cudaErrorUnknown, 999, "unknown error")

#define HORNFELS_CUDA_ERROR(name, number, text) name = number,
enum cudaError { HORNFELS_CUDA_ERRORS(HORNFELS_CUDA_ERROR) };
#undef HORNFELS_CUDA_ERROR
typedef cudaError cudaError_t;

inline const char *cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define HORNFELS_CUDA_ERROR(name, number, text)                                                              \
  case name:                                                                                                 \
    return #name;
    HORNFELS_CUDA_ERRORS(HORNFELS_CUDA_ERROR)
#undef HORNFELS_CUDA_ERROR
  }
  return "unrecognized error code";
}

inline const char *cudaGetErrorString(cudaError_t error) {
  switch (error) {
#define HORNFELS_CUDA_ERROR(name, number, text)                                                              \
  case name:                                                                                                 \
    return text;
    HORNFELS_CUDA_ERRORS(HORNFELS_CUDA_ERROR)
#undef HORNFELS_CUDA_ERROR
  }
  return "unrecognized error code";
}

#endif
