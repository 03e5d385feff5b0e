// The files of one model: the kernels and steps, the table of the ABI, the header, the build file.
#ifndef HORNFELS_CODEGEN_PROJECT_MODELPRINTER_H
#define HORNFELS_CODEGEN_PROJECT_MODELPRINTER_H

#include "codegen/Codegen.h"
#include "codegen/cpp/HostPrinter.h"
#include "codegen/cuda/DeviceHostPrinter.h"

namespace hornfels {

class ModelPrinter {
public:
  ModelPrinter(mlir::ModuleOp module, const CodegenOptions &options);
  mlir::FailureOr<GeneratedModel> print();

private:
  // ModelPrinter.cpp: the source.
  std::string heading() const;
  std::string targetCheck() const;
  mlir::FailureOr<std::string> printSource();
  mlir::LogicalResult printKernels(std::string &text);
  std::string kernelComment(mlir::func::FuncOp kernel) const;
  mlir::FailureOr<std::string> printSteps();

  // DeviceSource.cpp: the source for a GPU.
  mlir::FailureOr<std::string> printDeviceSource();
  mlir::LogicalResult printDeviceKernels(std::string &text);
  mlir::FailureOr<std::string> printDeviceSteps();

  // Laps.cpp: what `hornfels bench` builds has.
  std::string printLapTable() const;
  std::string printBenchSupport() const;
  std::string printDeviceBenchSupport() const;

  // Table.cpp: the table and the header.
  bool isPacked() const;
  std::string printPanels() const;
  std::string printLazyTables() const;
  std::string printTable();
  std::string printProgram();
  bool isDouble() const;
  std::string deviceScope() const { return "hornfels::device::" + name + "_model_code"; }
  std::string printTensors(llvm::StringRef list, llvm::StringRef entries);
  std::string printHeader() const;
  std::string printCppHeader() const; // CppHeader.cpp
  std::string structureHash() const;
  mlir::ArrayAttr list(llvm::StringRef name) const;
  std::string text(llvm::StringRef attribute) const;
  int32_t tokenRows(llvm::StringRef input) const;

  mutable mlir::ModuleOp module; ///< MLIR's handles are not const
  const CodegenOptions &options;
  std::string name;
  NameScope file;
  Interface interface;
  llvm::StringMap<PrintedKernel> kernels;
  DeviceKernels deviceKernels;
  llvm::StringMap<std::string> steps; ///< which of the four there are
  llvm::StringMap<std::vector<Lap>> laps; ///< of each step
};

} // namespace hornfels

#endif
