// Prints one mapped kernel (passes/map) as a CUDA function.
#ifndef HORNFELS_CODEGEN_CUDA_DEVICEKERNELPRINTER_H
#define HORNFELS_CODEGEN_CUDA_DEVICEKERNELPRINTER_H

#include "codegen/Names.h"
#include "codegen/cpp/Expression.h"
#include "ir/Points.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace hornfels {

/// A kernel's CUDA: its function, and how a launch calls it.
struct PrintedDeviceKernel {
  std::string name;
  std::string text;
  /// For each parameter the operand of a launch (inputs, then outputs) that it takes.
  llvm::SmallVector<unsigned> parameters;
  bool takesBatch = false;
  std::string blocks; ///< of a launch, an expression in `batch`
  std::string shared; ///< bytes of shared memory of a block: an expression; "0" for none
  int64_t sharedBytes = 0; ///< the same where it is a number of ours
};

/// The line before a kernel's name: threads of a block, and blocks that a multiprocessor should hold.
std::string launchBounds(int64_t threads, int64_t resident);

/// One thread owns each point of a stage and makes what its units give there; between stages the block waits. What has no
/// spelling is refused.
class DeviceKernelPrinter {
public:
  /// What is printed: a kernel to launch; a function for rows from begin to end that a loop on the device calls; one that a
  /// block calls which does a whole step.
  enum class Use { launched, ofLoop, ofBlock };
  DeviceKernelPrinter(mlir::func::FuncOp kernel, NameScope &file, Use use = Use::launched);
  mlir::FailureOr<PrintedDeviceKernel> print();

private:
  struct Stage {
    llvm::SmallVector<unsigned> units; ///< numbers
    llvm::SmallVector<int64_t> sizes;
    int64_t across = 1;
    bool together = false;
  };
  /// Where the elements of a value are.
  struct Place {
    enum Kind { none, memory, shared, local } kind = none;
    std::string base;
    llvm::SmallVector<int64_t> strides;
    mlir::Type element;
    bool ofRows = false; ///< shared: it begins with the block's first row
  };
  /// Values of the dimensions of a unit at a point.
  using Index = llvm::SmallVector<Linear>;

  // DeviceKernelPrinter.cpp: the kernel as a whole.
  void collect();
  void nameParameters();
  void placeResults();
  void placeShared();
  std::string tableOf(mlir::arith::ConstantOp constant);
  mlir::LogicalResult printUniform();
  mlir::LogicalResult printForm();
  mlir::LogicalResult printPoints(const Stage &stage);
  mlir::LogicalResult printSeveral(const Stage &stage, int64_t several);
  bool liesTogether(const Stage &stage, mlir::Value value);
  mlir::LogicalResult printRows();
  mlir::LogicalResult printWhole();
  mlir::LogicalResult printShared(const Stage &stage, const std::string &count, llvm::StringRef row);
  std::string signature(PrintedDeviceKernel &printed);
  std::string scratch();
  std::string textOfCount(llvm::ArrayRef<int64_t> sizes);

  // StagePrinter.cpp: what one thread does at a point.
  /// Names the axes of point `p`, of which there are those of `sizes`; `row`: what to add to the first.
  llvm::SmallVector<Linear> decode(llvm::StringRef p, llvm::ArrayRef<int64_t> sizes, bool isLong, llvm::StringRef row);
  mlir::LogicalResult printBody(const Stage &stage, llvm::ArrayRef<Linear> point, llvm::StringRef owner, bool skipsFirst = false);
  mlir::LogicalResult printUnit(const Unit &unit, const Stage &stage, llvm::ArrayRef<Linear> point);
  mlir::LogicalResult printSum(const Unit &unit, const Stage &stage, llvm::ArrayRef<Linear> point);
  mlir::LogicalResult printInLoops(const Unit &unit, const Stage &stage, Index &index, llvm::function_ref<mlir::LogicalResult()> body);
  Index indexOf(const Unit &unit, const Points &points, llvm::ArrayRef<Linear> point);
  /// Lines that find the dimensions of a unit from the element of its result: what is printed where there are none.
  void solve(const Unit &unit, llvm::ArrayRef<Linear> point, Index &index, llvm::StringRef otherwise);
  mlir::FailureOr<std::string> insertion(const Unit &unit, llvm::ArrayRef<Linear> point);
  mlir::FailureOr<llvm::SmallVector<Expr>> evaluate(mlir::linalg::GenericOp op, const Index &index, mlir::Value accumulator,
                                                    const std::string &accumulated);
  void define(mlir::Value value, Expr expression, const Unit &unit, const Stage &stage, llvm::ArrayRef<Linear> offsets);
  void store(mlir::Value value, const std::string &text, llvm::ArrayRef<Linear> place);
  Expr read(mlir::Value value, llvm::ArrayRef<Linear> place);
  llvm::SmallVector<Linear> placesOf(mlir::AffineMap map, const Index &index);
  std::string elementOf(const Place &place, llvm::ArrayRef<Linear> at);
  std::string boundsOfPart(const Unit &unit, const Linear &part);

  // ProductPrinter.cpp, IdsPrinter.cpp.
  mlir::LogicalResult printProduct(const Stage &stage);
  std::string operandOf(const Unit &unit, const Points &points, unsigned number, bool isColumns, llvm::ArrayRef<Linear> others);
  mlir::LogicalResult printIds(const Stage &stage);
  mlir::LogicalResult printGatherSum(const Stage &stage, horn::GatherSumOp gather);
  mlir::LogicalResult printScatter(const Stage &stage, mlir::Operation *op);
  mlir::LogicalResult printFinish(const Stage &stage, const std::string &call);
  mlir::LogicalResult printEpilogue(const Stage &stage, llvm::ArrayRef<Linear> point, llvm::StringRef element);

  void line(const llvm::Twine &text);
  Linear linearOf(mlir::AffineExpr expr, const Index &index);
  Place placeOf(mlir::Value value);
  bool isReturned(mlir::Value value);
  bool isReadIn(const Stage &stage, mlir::Value value);
  int64_t attribute(mlir::Operation *op, llvm::StringRef name, int64_t otherwise) {
    auto value = op->getAttrOfType<mlir::IntegerAttr>(name);
    return value ? value.getInt() : otherwise;
  }

  mlir::func::FuncOp kernel;
  NameScope &file;
  NameScope names;
  bool ofLoop, ofBlock;
  std::string out, prelude;
  unsigned depth = 1;
  std::vector<Unit> units;
  std::vector<Stage> stages;
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<mlir::Value, Expr> values; ///< scalars, and elements of the current point
  llvm::DenseMap<mlir::Value, std::string> tokens;
  llvm::SmallVector<std::pair<unsigned, mlir::Value>> parameters; ///< operand of the launch and the value in the kernel
  llvm::DenseSet<mlir::Value> written;
  llvm::DenseMap<mlir::Value, std::string> together; ///< what several points of a thread write at once: element `q` of it
  std::string rowName = "row", partName = "part"; ///< the block's first row; the thread's number among those of its point
  std::string guard; ///< who stores, where several threads share a point
  std::string blocks, sharedText;
  int64_t resident = 0; ///< blocks that a multiprocessor should hold: other than horn.resident
  int64_t threads = 256, sharedBytes = 0, scratchAt = -1;
  bool usesBatch = false, usesShared = false, singleRow = false;
};

} // namespace hornfels

#endif
