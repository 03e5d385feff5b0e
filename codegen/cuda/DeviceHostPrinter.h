// Prints a step for a device: a list of launches on buffers in its memory.
#ifndef HORNFELS_CODEGEN_CUDA_DEVICEHOSTPRINTER_H
#define HORNFELS_CODEGEN_CUDA_DEVICEHOSTPRINTER_H

#include "codegen/cpp/HostPrinter.h"
#include "codegen/cuda/DeviceKernelPrinter.h"

namespace hornfels {

/// Kernels that are launched, and functions that loops on the device or a block that does a whole step call, by the kernel's
/// name.
struct DeviceKernels {
  llvm::StringMap<PrintedDeviceKernel> launched, ofLoops, ofBlocks;
};

/// Every launch in the loop computes rows of samples, each from its own row alone: a block of threads goes through all of it
/// with its rows.
bool runsOnDevice(mlir::scf::ForOp loop);

class DeviceHostPrinter {
public:
  DeviceHostPrinter(mlir::func::FuncOp host, const DeviceKernels &kernels, const Interface &interface, NameScope &file,
                    bool takesLaps = false)
      : host(host), kernels(kernels), interface(interface), file(file), names(&file), takesLaps(takesLaps) {}
  /// The step, and before it the kernels of its loops.
  mlir::FailureOr<std::string> print();
  /// What the clock stops after, in the order of the calls.
  const std::vector<Lap> &getLaps() const { return laps; }

private:
  void line(const llvm::Twine &text, unsigned depth = 0);
  mlir::LogicalResult nameArgument(mlir::BlockArgument argument);
  void nameBuffer(mlir::Operation *op, unsigned depth);
  void nameSlot(horn::SlotOp slot, unsigned depth);
  void name(mlir::Value value, llvm::StringRef wish, const std::string &type, const std::string &text, unsigned depth);
  mlir::LogicalResult printBlock(mlir::Block &block, unsigned depth);
  mlir::LogicalResult printLoop(mlir::scf::ForOp loop, unsigned depth);
  mlir::LogicalResult printLoopKernel(mlir::scf::ForOp loop, unsigned depth);
  mlir::LogicalResult printInLoopKernel(mlir::Block &block, unsigned depth, const std::string &begin, const std::string &end);
  mlir::LogicalResult printLaunch(horn::LaunchOp launch, unsigned depth);
  mlir::LogicalResult printSingleBlock(int64_t samples);
  void copy(mlir::memref::CopyOp copy, unsigned depth);

  // DeviceLaps.cpp: the clock between the kernels.
  void lap(Lap what, unsigned depth);
  Lap lapOf(horn::LaunchOp launch, const std::string &name);
  Lap lapOf(mlir::Operation *several, const std::string &name);
  int32_t tokensOf(horn::LaunchOp launch);

  mlir::func::FuncOp host;
  const DeviceKernels &kernels;
  const Interface &interface;
  NameScope &file;
  NameScope names;
  /// The name of a value, for a line that uses it.
  const std::string &use(mlir::Value value);

  std::string out, loops;
  /// A name outside of all loops is printed if something uses it.
  struct Declaration {
    mlir::Value value;
    std::string text;
  };
  std::vector<Declaration> declarations;
  llvm::DenseSet<mlir::Value> used;
  struct Named {
    std::string name, type;
  };
  llvm::DenseMap<mlir::Value, Named> spelled;
  llvm::DenseMap<mlir::Value, std::string> counters; ///< of loops
  bool usesBatch = false, takesLaps = false;
  std::vector<Lap> laps;
};

} // namespace hornfels

#endif
