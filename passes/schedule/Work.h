// What a kernel has to do, from its shapes alone: what its time is measured against.
#ifndef HORNFELS_PASSES_SCHEDULE_WORK_H
#define HORNFELS_PASSES_SCHEDULE_WORK_H

#include "ir/Structure.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace hornfels {

/// fixed + perSample * batch + perId * (ids in all rows of tokens).
struct Amount {
  double fixed = 0, perSample = 0, perId = 0;
  Amount &operator+=(const Amount &other) {
    fixed += other.fixed, perSample += other.perSample, perId += other.perId;
    return *this;
  }
};

/// Of a kernel on tensors, before it is scheduled.
struct Work {
  /// Arithmetic on reals: 2 for a product that is added, 15 for exp and its like.
  Amount flops;
  /// Bytes that must come from memory and go there when nothing is read twice: operands and results, once
  /// each; of a table that is gathered from, a row for each id; of one that is scattered into, a row read and
  /// written.
  Amount read, written;
  /// Bytes of the different places that are touched; gathered tables aside.
  Amount touched;
  /// Gathered tables: `fixed` bytes in all, of which at most `perId` for each id are touched.
  Amount gathered;
};

Work workOf(mlir::func::FuncOp kernel);
/// Of one loop nest on tensors, alone in its kernel.
Work workOf(mlir::linalg::GenericOp op);

/// Keeps it with the kernel, as `horn.work`: three numbers each for flops, read, written, touched, gathered.
void describeWork(mlir::func::FuncOp kernel);

} // namespace hornfels

#endif
