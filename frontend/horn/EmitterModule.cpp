// The attributes of the module: what the driver, the printer and the program need to know beside the
// functions.
#include "frontend/horn/EmitterImpl.h"

#include <algorithm>

using namespace mlir;

namespace hornfels::frontend {

namespace {

/// Builds one dictionary attribute.
class Entry {
public:
  explicit Entry(Emitter::Impl &impl, OpBuilder &builder) : impl(impl), builder(builder) {}
  void text(StringRef key, StringRef value) { attributes.append(key, builder.getStringAttr(value)); }
  void number(StringRef key, int64_t value) { attributes.append(key, builder.getI64IntegerAttr(value)); }
  void real(StringRef key, double value) { attributes.append(key, builder.getF64FloatAttr(value)); }
  void flag(StringRef key, bool value) { attributes.append(key, builder.getBoolAttr(value)); }
  void type(StringRef key, const TensorType &value) {
    attributes.append(key, TypeAttr::get(impl.type(value)));
  }
  void texts(StringRef key, const std::vector<std::string> &values) {
    SmallVector<StringRef> refs(values.begin(), values.end());
    attributes.append(key, builder.getStrArrayAttr(refs));
  }
  void numbers(StringRef key, const std::vector<int64_t> &values) {
    attributes.append(key, builder.getI64ArrayAttr(values));
  }
  Attribute take() { return attributes.getDictionary(builder.getContext()); }

private:
  Emitter::Impl &impl;
  OpBuilder &builder;
  NamedAttrList attributes;
};

} // namespace

void Emitter::describe(const ModuleDescription &d) {
  OpBuilder &builder = impl->builder;
  auto list = [&](const auto &entries, auto &&fill) {
    SmallVector<Attribute> attributes;
    for (const auto &each : entries) {
      Entry entry(*impl, builder);
      fill(entry, each);
      attributes.push_back(entry.take());
    }
    return builder.getArrayAttr(attributes);
  };
  auto port = [](Entry &entry, const ModuleDescription::PortEntry &p) {
    entry.text("name", p.name);
    entry.type("type", p.type);
    entry.text("position", p.position);
    entry.number("limit", p.limit);
    entry.text("limit_position", p.limitPosition);
    entry.flag("accepts_classes", p.acceptsClasses);
  };
  Operation *module = impl->module->getOperation();
  module->setAttr("horn.model", builder.getStringAttr(d.model));
  module->setAttr("horn.real", builder.getStringAttr(impl->real == Element::F64 ? "f64" : "f32"));
  module->setAttr("horn.source", builder.getStringAttr(d.source));
  module->setAttr("horn.variables", list(d.variables, [](Entry &entry, const auto &v) {
                    entry.text("name", v.name);
                    entry.text("role", v.role);
                    entry.type("type", v.type);
                    entry.text("layer", v.layer);
                  }));
  module->setAttr("horn.inputs", list(d.inputs, port));
  module->setAttr("horn.targets", list(d.targets, port));
  module->setAttr("horn.outputs", list(d.outputs, port));
  SmallVector<StringRef> metrics(d.metrics.begin(), d.metrics.end());
  module->setAttr("horn.metrics", builder.getStrArrayAttr(metrics));
  module->setAttr("horn.layers", list(d.layers, [](Entry &entry, const auto &l) {
                    entry.text("name", l.name);
                    entry.text("kind", l.kind);
                    entry.text("text", l.text);
                    entry.text("position", l.position);
                    if (!l.outputs.empty())
                      entry.type("output", l.outputs.front());
                    entry.number("parameters", l.parameters);
                    entry.texts("inputs", l.inputs);
                    if (std::any_of(l.inputCalls.begin(), l.inputCalls.end(), [](int64_t call) { return call != 0; }))
                      entry.numbers("input_calls", l.inputCalls);
                  }));
  if (!d.training)
    return;
  Entry training(*impl, builder);
  training.number("epochs", d.training->epochs);
  training.number("batch_size", d.training->batchSize);
  training.real("learning_rate", d.training->learningRate);
  if (!d.training->schedule.empty())
    training.text("schedule", d.training->schedule);
  training.text("position", d.training->position);
  training.text("epochs_position", d.training->epochsPosition);
  training.text("batch_size_position", d.training->batchSizePosition);
  module->setAttr("horn.training", training.take());
}

OwningOpRef<ModuleOp> Emitter::take() { return std::move(impl->module); }

} // namespace hornfels::frontend
