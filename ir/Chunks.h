// What is worth another thread: one rule for the passes that cut work and for the code that launches it.
#ifndef HORNFELS_IR_CHUNKS_H
#define HORNFELS_IR_CHUNKS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace hornfels::horn {

/// A kernel that takes less is not shared out.
inline constexpr double kSecondsWorthSplitting = 60e-6;

/// Seconds of one core, about: what binds it, arithmetic or memory.
inline double secondsOf(double flops, double bytes) {
  constexpr double flopsPerSecond = 2e11, bytesPerSecond = 5e10;
  return std::max(flops / flopsPerSecond, bytes / bytesPerSecond);
}

/// Rows of a chunk of a kernel of `rows` rows that takes `seconds`: enough to be worth another thread, a multiple of
/// `grain`; 0: one piece. It depends on shapes and on the model's batch size alone, so that the bits never depend on
/// threads.
inline int64_t chunkRows(int64_t rows, int64_t grain, double seconds) {
  constexpr double secondsOfAChunk = 20e-6;
  if (seconds < kSecondsWorthSplitting)
    return 0;
  double wanted = static_cast<double>(rows) * secondsOfAChunk / seconds;
  int64_t chunk = static_cast<int64_t>(std::ceil(wanted / static_cast<double>(grain))) * grain;
  return chunk * 2 > rows ? 0 : chunk;
}

/// The batch that a model is trained with; a usual one where it does not say.
inline int64_t batchSizeOf(mlir::ModuleOp module) {
  constexpr int64_t usual = 128;
  auto training = module->getAttrOfType<mlir::DictionaryAttr>("horn.training");
  auto batchSize = training ? training.getAs<mlir::IntegerAttr>("batch_size") : mlir::IntegerAttr();
  return batchSize ? batchSize.getInt() : usual;
}

} // namespace hornfels::horn

#endif
