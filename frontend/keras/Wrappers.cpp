// Layers in the configuration of layers: Bidirectional, TimeDistributed and what else wraps one; models among them.
#include "frontend/keras/ReaderImpl.h"

namespace hornfels::keras {

static bool isModelObject(const Json &json) {
  const Json *className = json.find("class_name");
  return className && (className->text == "Functional" || className->text == "Model") && json.find("config");
}

/// Reads the models that a layer's configuration holds, so that their names are taken before others are given.
void Reader::readModelsIn(const Json &json) {
  if (isModelObject(json)) {
    const Json *className = json.find("class_name"), *config = json.find("config");
    Object object{&json, className->text, className->range, config->isObject() ? config : nullptr};
    if (object.config && !nestedModels.count(&json))
      readModel(object, false);
    return;
  }
  const Json *config = json.find("config");
  if (!config || !config->isObject())
    return;
  for (const char *key : {"layer", "backward_layer"})
    if (const Json *inner = config->find(key))
      readModelsIn(*inner);
  if (const Json *layers = config->find("layers"))
    for (const Json &inner : layers->items)
      readModelsIn(inner);
}

/// A layer that another one takes as `parameter`, by its name in the file. bidirectional itself puts `forward_` before
/// that of its layer.
ExprPtr Reader::wrappedLayer(const Json &json, const Definition &wrapper, const Parameter &parameter) {
  if (json.isNull())
    return noneNode(json.range);
  std::optional<Object> layer = objectOf(json, "a layer");
  if (!layer)
    return nullptr;
  std::string kind = library.layerKind(layer->className);
  std::string name = legalName(layerName(*layer, kind), kind);
  const std::string forward = "forward_";
  if (wrapper.name.text == "bidirectional" && parameter.name.text == "layer" && name.size() > forward.size() &&
      name.compare(0, forward.size(), forward) == 0)
    name = name.substr(forward.size());
  ExprPtr value = layerValue(*layer, name == kind ? "" : name);
  auto *call = dynamic_cast<CallExpr *>(value.get());
  if (call && wrapper.name.text == "bidirectional") // it sees to that itself
    std::erase_if(call->arguments, [](const Argument &each) { return each.name && each.name->text == "zero_output_for_mask"; });
  return value;
}

/// The same but for names, seeds and what only says where an object is shared.
static bool isSame(const Json &a, const Json &b) {
  if (a.kind != b.kind || a.text != b.text || a.boolean != b.boolean || a.integer != b.integer || a.real != b.real)
    return false;
  if (a.isList()) {
    if (a.items.size() != b.items.size())
      return false;
    for (size_t i = 0; i < a.items.size(); ++i)
      if (!isSame(a.items[i], b.items[i]))
        return false;
  }
  for (size_t i = 0; i < a.keys.size(); ++i) {
    const std::string &key = a.keys[i].text;
    if (key == "name" || key == "seed" || key == "shared_object_id" || key == "build_config" || key == "go_backwards")
      continue;
    const Json *other = b.find(key);
    if (!other || !isSame(a.items[i], *other))
      return false;
  }
  return a.keys.size() == b.keys.size();
}

/// Whether a Bidirectional's backward layer is the one that it makes by itself.
bool Reader::isMirror(const Json &forward, const Json &backward) {
  const Json *config = forward.find("config"), *back = backward.find("config");
  if (!config || !back || !isSame(forward, backward))
    return false;
  auto nameIn = [](const Json &json, std::string_view prefix) {
    const Json *name = json.find("name");
    std::string text = name ? name->text : "";
    return text.compare(0, prefix.size(), prefix) == 0 ? text.substr(prefix.size()) : text + " ";
  };
  const Json *way = config->find("go_backwards"), *wayBack = back->find("go_backwards");
  return way && wayBack && way->isFalse() && wayBack->isTrue() &&
         nameIn(*config, "forward_") == nameIn(*back, "backward_");
}

/// Whether a call of this layer gives several tensors.
bool Reader::givesMany(const Object &layer) {
  const Json *states = layer.get("return_state");
  if (states && states->isTrue())
    return true;
  if (isModelObject(*layer.json)) {
    const Json *outputs = layer.get("output_layers");
    return outputs && (outputs->isObject() || (outputs->isList() && outputs->items.size() > 1 && !outputs->items[0].isString()));
  }
  const Json *inner = layer.get("layer"), *mode = layer.get("merge_mode");
  if (!inner || !mode)
    return false;
  const Json *config = inner->find("config");
  const Json *innerStates = config ? config->find("return_state") : nullptr;
  return mode->isNull() || (innerStates && innerStates->isTrue());
}

} // namespace hornfels::keras
