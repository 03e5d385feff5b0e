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

class HostPrinter {
public:
  HostPrinter(mlir::func::FuncOp host, const llvm::StringMap<PrintedKernel> &kernels, const Interface &interface,
              NameScope &file)
      : host(host), kernels(kernels), interface(interface), names(&file) {}
  mlir::FailureOr<std::string> print();

private:
  void line(const llvm::Twine &text) { out += "  " + text.str() + "\n"; }
  mlir::LogicalResult nameArgument(mlir::BlockArgument argument);
  void nameBuffer(mlir::Operation *op);
  mlir::LogicalResult printLaunch(horn::LaunchOp launch);
  bool isUsed(mlir::Value value) const { return !value.use_empty(); }

  mlir::func::FuncOp host;
  const llvm::StringMap<PrintedKernel> &kernels;
  const Interface &interface;
  NameScope names;
  std::string out, closing;
  llvm::DenseMap<mlir::Value, std::string> spelled;
  bool usesBatch = false, usesStep = false;
};

} // namespace hornfels

#endif
