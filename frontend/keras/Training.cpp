// `compile_config` to a `train` block.
#include "frontend/keras/ReaderImpl.h"

#include <algorithm>

namespace hornfels::keras {

/// RMSprop -> rmsprop: Keras finds optimizers by their lower case.
static std::string lowerCase(std::string text) {
  for (char &c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

ExprPtr Reader::optimizerOf(const Json &json) {
  std::optional<Object> object;
  if (json.isString())
    object = Object{&json, json.text, json.range, nullptr};
  else
    object = objectOf(json, "the optimizer");
  if (!object)
    return nullptr;
  std::string name = lowerCase(object->className);
  const Definition *definition = library.find(name, DefinitionKind::Optimizer);
  if (!definition) {
    Nearest search(name);
    for (const auto &[candidate, each] : library.program().definitions)
      if (each->kind == DefinitionKind::Optimizer)
        search.offer(candidate);
    error(object->place, "the library has no optimizer `" + printable(name.substr(0, 64)) + "`")
        .didYouMean(search.name());
    return nullptr;
  }
  return valueNode(
      object->place, name,
      argumentsOf(*definition, *object,
                  {"clipnorm", "clipvalue", "global_clipnorm", "weight_decay", "use_ema", "ema_momentum",
                   "ema_overwrite_frequency", "gradient_accumulation_steps", "loss_scale_factor"}));
}

ExprPtr Reader::lossOf(const Json &json) {
  return json.isNull() ? noneNode(json.range) : functionOf(json, "loss");
}

ExprPtr Reader::metricOf(const Json &json) { return functionOf(json, "metric"); }

/// One metric or a list of them; a list in a list is flattened.
ExprPtr Reader::metricsOf(const Json &json) {
  if (!json.isList())
    return json.isNull() ? listNode(json.range, {}) : metricOf(json);
  std::vector<ExprPtr> elements;
  for (const Json &item : json.items) {
    ExprPtr element = metricsOf(item);
    if (auto *list = asMutable<ListExpr>(element))
      std::move(list->elements.begin(), list->elements.end(), std::back_inserter(elements));
    else
      elements.push_back(element ? std::move(element) : lostNode(item.range));
  }
  return listNode(json.range, std::move(elements));
}

ExprPtr Reader::weightOf(const Json &json) {
  if (json.isNumber())
    return floatNode(json.range, json.real);
  expect(json, JsonKind::Float, "a loss weight");
  return nullptr;
}

/// What stands for one output, for each in a list, or for some by name: for one output that, else a
/// dictionary.
ExprPtr Reader::perOutput(const Json &json, const std::string &what, ExprPtr (Reader::*one)(const Json &)) {
  bool isObject = json.isObject() && !json.find("class_name");
  bool isEach = json.isList() && (outputs.size() > 1 || one != &Reader::metricsOf);
  if (!isObject && !isEach) {
    if (outputs.size() < 2 || one == &Reader::lossOf)
      return (this->*one)(json);
    error(json.range, what + " of a model with several outputs: expected a list or an object");
    return nullptr;
  }
  if (isEach && json.items.size() != outputs.size()) {
    error(json.range, what + ": the model has " + std::to_string(outputs.size()) + " outputs, the list has " +
                          std::to_string(json.items.size()) + " elements");
    return nullptr;
  }
  auto dictionary = std::make_unique<DictionaryExpr>(json.range);
  for (size_t i = 0; i < json.items.size(); ++i) {
    const Json &item = json.items[i];
    const OutputName *output = nullptr;
    Nearest search(isObject ? json.keys[i].text : "");
    for (const OutputName &each : outputs) {
      search.offer(each.inFile);
      if (isObject ? each.inFile == json.keys[i].text : &each == &outputs[i])
        output = &each;
    }
    if (!output) {
      error(json.keys[i].range,
            what + ": the model has no output `" + printable(json.keys[i].text.substr(0, 64)) + "`")
          .didYouMean(search.name());
      continue;
    }
    if (item.isNull() && one != &Reader::lossOf)
      continue;
    ExprPtr value = (this->*one)(item);
    if (!value)
      value = lostNode(item.range);
    if (outputs.size() == 1)
      return value;
    dictionary->entries.push_back({DictionaryEntry::KeyKind::Name,
                                   Name{output->inHorn, isObject ? json.keys[i].range : item.range},
                                   std::move(value)});
  }
  return dictionary;
}

static bool isEmpty(const Json &json) {
  return json.isNull() ||
         ((json.isList() || json.isObject()) && std::all_of(json.items.begin(), json.items.end(), isEmpty));
}

void Reader::readTraining(const Json &config) {
  if (!expect(config, JsonKind::Object, "`compile_config`") || config.items.empty() || outputs.empty())
    return;
  auto train = std::make_unique<Definition>();
  train->kind = DefinitionKind::Train;
  train->name = {mainName, config.range};
  train->range = train->header = train->body.range = config.range;
  auto set = [&](const std::string &name, ExprPtr value) {
    if (!value)
      value = lostNode(config.range);
    SourceRange place = value->range;
    train->body.statements.push_back(bindNode({name, place}, std::move(value)));
  };
  auto given = [&](const char *key) -> const Json * {
    const Json *json = config.find(key);
    return json && !isEmpty(*json) ? json : nullptr;
  };
  const Json *loss = given("loss");
  if (!loss)
    return; // nothing to train for: evaluate and train are left out
  if (const Json *optimizer = given("optimizer"))
    set("optimizer", optimizerOf(*optimizer));
  set("loss", perOutput(*loss, "loss", &Reader::lossOf));
  if (const Json *weights = given("loss_weights"))
    set("loss_weights", perOutput(*weights, "loss_weights", &Reader::weightOf));
  if (const Json *metrics = given("metrics")) {
    ExprPtr value = perOutput(*metrics, "metrics", &Reader::metricsOf);
    if (value && outputs.size() == 1 && !as<ListExpr>(value)) {
      std::vector<ExprPtr> elements;
      SourceRange range = value->range;
      elements.push_back(std::move(value));
      value = listNode(range, std::move(elements));
    }
    set("metrics", std::move(value));
  }
  if (const Json *weighted = given("weighted_metrics"))
    error(weighted->range, "weighted metrics are not known in this version");
  for (size_t i = 0; i < config.keys.size(); ++i) {
    const std::string &key = config.keys[i].text;
    static const std::set<std::string> known = {"optimizer",
                                                "loss",
                                                "loss_weights",
                                                "metrics",
                                                "name",
                                                "run_eagerly",
                                                "steps_per_execution",
                                                "jit_compile",
                                                "build_input_shape",
                                                "weighted_metrics",
                                                "auto_scale_loss"};
    if (!known.count(key) && !isEmpty(config.items[i]))
      error(config.keys[i].range, "`compile_config` takes no `" + printable(key.substr(0, 64)) + "`");
  }
  models.push_back(std::move(train));
}

} // namespace hornfels::keras
