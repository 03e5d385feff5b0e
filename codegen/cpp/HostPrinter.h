// Prints a step (train_step, evaluate_step, predict, initialize): a list of kernel calls on buffers.
#ifndef HORNFELS_CODEGEN_CPP_HOSTPRINTER_H
#define HORNFELS_CODEGEN_CPP_HOSTPRINTER_H

#include "codegen/cpp/KernelPrinter.h"
#include "ir/HornDialect.h"
#include "llvm/ADT/StringMap.h"

namespace hornfels {

/// Where things are in the ABI: the position of each name among inputs, targets, outputs, metrics and variables.
struct Interface {
  llvm::StringMap<unsigned> data; ///< inputs, then targets
  llvm::StringMap<unsigned> outputs, metrics, variables;
};

/// A kernel as a step calls it, or a copy between buffers.
struct Lap {
  std::string name, layer;
  int32_t tokens = -1; ///< the input whose ids it goes through
  mlir::DictionaryAttr work; ///< horn.work; null for a copy
  int64_t copiedBytes = 0;
  bool products = false; ///< of matrices, on a device
};

/// What all passes through the loops around a launch have to do, where one has to do `once`.
mlir::DictionaryAttr workOfPasses(horn::LaunchOp launch, mlir::DictionaryAttr once);

/// "[512][16] f32"
std::string bufferShape(mlir::MemRefType type);
/// " + t % 2 * 32": where a slot's elements begin in its buffer; `step` is the loop's counter.
std::string slotOffset(horn::SlotOp slot, llvm::StringRef step);

class HostPrinter {
public:
  HostPrinter(mlir::func::FuncOp host, const llvm::StringMap<PrintedKernel> &kernels, const Interface &interface,
              NameScope &file, bool takesLaps = false)
      : host(host), kernels(kernels), interface(interface), names(&file), takesLaps(takesLaps) {}
  mlir::FailureOr<std::string> print();
  /// After print: what the time is taken of, in order.
  const std::vector<Lap> &getLaps() const { return laps; }

private:
  /// Rows that go through a loop together: what they carry and a weight of it stay in the second cache.
  static constexpr int64_t kRowsOfBlock = 64;

  void line(const llvm::Twine &text, unsigned depth = 0) {
    out += std::string(2 + 2 * depth, ' ') + text.str() + "\n";
  }
  mlir::LogicalResult nameArgument(mlir::BlockArgument argument);
  void nameBuffer(mlir::Operation *op, unsigned depth);
  void nameSlot(horn::SlotOp slot, unsigned depth);
  /// Operations of a step, or of a loop in it.
  mlir::LogicalResult printBlock(mlir::Block &block, unsigned depth);
  mlir::LogicalResult printLoop(mlir::scf::ForOp loop, unsigned depth);
  int64_t chunkRows(mlir::func::FuncOp kernel) const;
  int64_t tileOf(mlir::scf::ForOp loop) const;
  std::optional<double> secondsByRow(mlir::scf::ForOp loop) const;
  mlir::LogicalResult printLaunch(horn::LaunchOp launch, unsigned depth);
  /// The call of a kernel with what a launch gives it, `depth` levels in.
  mlir::LogicalResult printRun(horn::LaunchOp launch, llvm::StringRef kernel, unsigned depth);
  mlir::LogicalResult printLazyLaunch(horn::LaunchOp launch);
  void lapOf(horn::LaunchOp launch, llvm::StringRef kernel, unsigned depth);
  void lap(Lap what, unsigned depth = 0);
  int32_t tokensOf(horn::LaunchOp launch);
  bool isUsed(mlir::Value value) const { return !value.use_empty(); }

  mlir::func::FuncOp host;
  const llvm::StringMap<PrintedKernel> &kernels;
  const Interface &interface;
  NameScope names;
  std::string out, closing;
  llvm::DenseMap<mlir::Value, std::string> spelled;
  bool usesBatch = false, usesStep = false;
  const bool takesLaps;
  llvm::DenseMap<mlir::Value, std::string> counters; ///< of loops
  bool inRows = false; ///< within a block of rows that runs a loop: begin and end are known
  std::string clock; ///< the local variable, when laps are taken
  std::vector<Lap> laps;
};

} // namespace hornfels

#endif
