/* What generated kernels include: native vectors, their loads and stores, and elementary functions that give
 * a vector lane and a scalar the same bits. C++17, g++ or clang++; no header but <stdint.h> and <stddef.h>,
 * so that a kernel file compiles fast. README.md has the table of functions and their measured errors. */
#ifndef HORNFELS_VECTOR_H
#define HORNFELS_VECTOR_H

#include "lanes.h"
#include "memory_access.h"

#include "arithmetic.h"
#include "denormals.h"
#include "exponential.h"
#include "logarithm.h"

#include "error_function.h"
#include "orthonormal.h"
#include "power.h"
#include "trigonometry.h"

#endif
