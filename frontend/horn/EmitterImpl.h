// What Emitter.cpp (operations) and EmitterModule.cpp (attributes of the module) share.
#pragma once

#include "frontend/horn/Emitter.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace hornfels::frontend {

using Value_ = mlir::Value; // `Value` is Horn's

struct Emitter::Impl {
  Impl(mlir::MLIRContext &context, Element real);

  Value_ value(Handle handle) const;
  mlir::Type element(Element element);
  mlir::RankedTensorType tensor(Element element, const Shape &shape);
  mlir::Type type(const TensorType &type);
  template <typename Op, typename... Args> Handle create(Args &&...args);

  struct Function {
    std::string name;
    std::unique_ptr<mlir::Block> block;                  // null when finished
    std::vector<std::unique_ptr<mlir::Block>> openScans; // bodies that are being built, the innermost last
    Function(std::string name, std::unique_ptr<mlir::Block> block)
        : name(std::move(name)), block(std::move(block)) {}
    Function(Function &&) = default;
    Function &operator=(Function &&) = default;
    ~Function() {
      while (!openScans.empty()) // an inner body uses values of an outer one
        openScans.pop_back();
    }
    mlir::Block *innermost() { return openScans.empty() ? block.get() : openScans.back().get(); }
  };
  Function &function() { return functions[static_cast<size_t>(currentFunction)]; }

  mlir::MLIRContext &context;
  Element real;
  mlir::OpBuilder builder;
  mlir::Location loc;
  Place place;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<Function> functions;
  int currentFunction = 0;
};

} // namespace hornfels::frontend
