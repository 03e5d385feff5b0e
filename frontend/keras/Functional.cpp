// A Functional model: layers, each with the calls that it has in the graph (`inbound_nodes`).
#include "frontend/keras/ReaderImpl.h"

#include <algorithm>

namespace hornfels::keras {

class FunctionalReader {
public:
  FunctionalReader(Reader &reader, const Object &object, Reader::Body body)
      : reader(reader), object(object), body(std::move(body)), hasMasks(makesMasks(reader.root)) {}

  std::unique_ptr<Definition> read(bool isMain) {
    const std::vector<Json> *list = reader.layersOf(object);
    if (!list)
      return nullptr;
    for (const Json &json : *list)
      addLayer(json);
    nameAll();
    readInputs();
    for (Layer &layer : layers)
      if (!layer.isInput)
        makeValue(layer);
    for (Call &call : calls)
      collectReferences(call, *call.json, 0);
    addCalls();
    readOutputs(isMain);
    dropUnused();
    return std::move(body.definition);
  }

private:
  struct Call {
    const Json *json;
    size_t layer;
    std::vector<size_t> needs; // calls
    std::string variable;      // empty until it is bound
    std::string masked;        // the variable whose mask its result has, where that is to be said
    std::string maskOrigin;    // of the mask that its result is or has
    std::vector<size_t> reads; // calls that its text names
    size_t uses = 0;           // how often it is named
    size_t statement = 0;      // where it is bound
  };
  struct Layer {
    Object object;
    std::string inFile, name, variable; // name: legal, one of its kind in this model
    bool isInput = false;
    std::vector<size_t> calls; // an InputLayer has one, which is bound from the start
    ExprPtr value;
    bool givesMany = false; // its calls give several tensors
    bool isBound = false; // a layer of several calls is bound to its variable, then called by it
  };
  /// `[layer, node, tensor]`
  struct Reference {
    size_t call = 0, tensor = 0;
    bool good = false;
  };

  void addLayer(const Json &json) {
    if (const Json *name = json.find("name"); name && name->isString())
      inFile.insert(name->text);
    std::optional<Object> found = isOperation(json) ? operationOf(json) : reader.objectOf(json, "a layer");
    if (!found)
      return;
    Layer layer{*found, reader.layerName(*found, ""), "", "", found->className == "InputLayer", {}, nullptr};
    layer.givesMany = Reader::givesMany(*found);
    auto [place, isNew] = byName.emplace(layer.inFile, layers.size());
    if (!isNew) {
      reader.error(found->place, "a second layer named `" + printable(layer.inFile.substr(0, 64)) + "`")
          .note(layers[place->second].object.place, "the first is here");
      return;
    }
    const Json *nodes = json.find("inbound_nodes");
    if (nodes && !reader.expect(*nodes, JsonKind::List, "`inbound_nodes`")) {
      byName.erase(place); // what refers to it says nothing new
      inFile.insert(layer.inFile);
      return;
    }
    auto add = [&](const Json *call) {
      layer.calls.push_back(calls.size());
      calls.push_back({call, layers.size(), {}, "", "", "", {}});
    };
    if (layer.isInput)
      add(&json);
    else if (nodes)
      for (const Json &node : nodes->items)
        add(&node);
    layers.push_back(std::move(layer));
  }

  //===------------------------------------------------------------------===//
  // Names
  //===------------------------------------------------------------------===//

  /// A variable is called as its layer where that hides nothing, so that the layer is named by it.
  void nameAll() {
    for (Layer &layer : layers)
      reader.readModelsIn(*layer.object.json);
    for (const auto &[json, name] : reader.nestedModels)
      body.names.reserve(name);
    NameSet names;
    for (Layer &layer : layers)
      layer.name = names.take(legalName(layer.inFile, "layer"));
    for (Layer &layer : layers)
      if (!layer.isInput && body.names.reserve(layer.name))
        layer.variable = layer.name;
    for (Layer &layer : layers)
      if (!layer.isInput && layer.variable.empty())
        layer.variable = body.names.take(layer.name + "_out");
  }

  void makeValue(Layer &layer) {
    bool isImplied = layer.variable == layer.name;
    if (isOperation(*layer.object.json))
      return;
    layer.value = reader.layerValue(layer.object, isImplied ? "" : layer.name);
  }

  //===------------------------------------------------------------------===//
  // References
  //===------------------------------------------------------------------===//

  /// A list that begins with a layer's name and two numbers.
  static bool isReference(const Json &json) {
    return json.isList() && json.items.size() >= 3 && json.items[0].isString() &&
           json.items[1].kind == JsonKind::Integer && json.items[2].kind == JsonKind::Integer;
  }

  /// `isEnd`: among input_layers and output_layers, where a model's own node counts as its first; Keras 2 counts it
  /// everywhere.
  Reference resolve(const Json &json, bool isEnd = false) {
    auto layer = byName.find(json.items[0].text);
    if (layer == byName.end() && inFile.count(json.items[0].text))
      return {}; // it was reported
    if (layer == byName.end()) {
      Nearest search(json.items[0].text);
      for (const Layer &each : layers)
        search.offer(each.inFile);
      reader
          .error(json.items[0].range,
                 "there is no layer `" + printable(json.items[0].text.substr(0, 64)) + "`")
          .didYouMean(search.name());
      return {};
    }
    const Layer &found = layers[layer->second];
    bool countsOwn = isModel(found) && (isEnd || (!found.calls.empty() && calls[found.calls[0]].json->isList()));
    int64_t node = json.items[1].integer - (countsOwn ? 1 : 0);
    if (node < 0 || static_cast<size_t>(node) >= found.calls.size()) {
      reader.error(json.items[1].range, "this layer has " + std::to_string(found.calls.size()) + " calls");
      return {};
    }
    int64_t tensor = json.items[2].integer;
    if (tensor < 0 || (tensor > 0 && !found.givesMany)) {
      reader.error(json.items[2].range, "this layer has one result");
      return {};
    }
    return {found.calls[static_cast<size_t>(node)], static_cast<size_t>(tensor), true};
  }

  /// The `[layer, node, tensor]` of a tensor, or null.
  static const Json *historyOf(const Json &json) {
    if (isReference(json))
      return &json;
    const Json *className = json.find("class_name");
    const Json *config = json.find("config");
    const Json *history = config ? config->find("keras_history") : nullptr;
    return className && className->text == "__keras_tensor__" && history && isReference(*history) ? history
                                                                                                  : nullptr;
  }

  /// What a call needs. Depth is bounded by that of the JSON.
  void collectReferences(Call &call, const Json &json, unsigned depth) {
    if (layers[call.layer].isInput)
      return;
    if (const Json *history = historyOf(json)) {
      if (Reference reference = resolve(*history); reference.good)
        call.needs.push_back(reference.call);
      if (history != &json)
        return;
    }
    for (const Json &item : json.items)
      if (item.isList() || item.isObject())
        collectReferences(call, item, depth + 1);
  }

  //===------------------------------------------------------------------===//
  // Inputs and outputs
  //===------------------------------------------------------------------===//

  /// `["a", 0, 0]`, a list of such, or an object of such.
  void forEachReference(const Json &json, std::vector<const Json *> &found) {
    if (isReference(json)) {
      found.push_back(&json);
      return;
    }
    if (!json.isList() && !json.isObject()) {
      reader.error(json.range, "expected [layer, node, tensor]");
      return;
    }
    for (const Json &item : json.items)
      forEachReference(item, found);
  }
  std::vector<const Json *> referencesAt(const char *key) {
    std::vector<const Json *> found;
    if (const Json *json = object.get(key))
      forEachReference(*json, found);
    if (found.empty())
      reader.error(object.place, std::string("the config of this model has no `") + key + "`");
    return found;
  }

  void readInputs() {
    for (const Json *json : referencesAt("input_layers")) {
      Reference reference = resolve(*json, true);
      if (!reference.good)
        continue;
      Layer &layer = layers[calls[reference.call].layer];
      if (!layer.isInput || !calls[reference.call].variable.empty()) {
        reader.error(json->range, layer.isInput ? "this input is here twice" : "this layer is no InputLayer");
        continue;
      }
      Reader::Input input{layer.inFile, "", layer.object.place, layer.object.get("batch_shape"),
                          layer.object.get("dtype")};
      if (!input.shape)
        input.shape = layer.object.get("batch_input_shape");
      for (const char *key : {"sparse", "ragged"})
        if (const Json *flag = layer.object.get(key); flag && !flag->isNull() && !flag->isFalse())
          reader.error(flag->range, std::string("an input that is ") + key + " is not known in this version");
      calls[reference.call].variable = reader.addInput(body, input);
    }
  }

  void readOutputs(bool isMain) {
    NameSet results;
    for (const Json *json : referencesAt("output_layers")) {
      Reference reference = resolve(*json, true);
      if (!reference.good || calls[reference.call].variable.empty()) { // lost; `compile_config` may name it
        std::string name = std::string(lostName) + json->items[0].text;
        reader.addResult(*body.definition, name, json->range);
        if (isMain)
          reader.outputs.push_back({json->items[0].text, name});
        continue;
      }
      const Layer &layer = layers[calls[reference.call].layer];
      ++calls[reference.call].uses;
      std::string name = calls[reference.call].variable;
      if (layer.givesMany) {
        std::string alias = body.names.take(layer.name + "_" + std::to_string(reference.tensor));
        bind(alias, tensorNode(json->range, reference));
        name = alias;
        results.reserve(name);
      } else if (layer.isInput || !results.reserve(name)) {
        std::string alias = body.names.take(name + "_out");
        bind(alias, nameNode(json->range, name));
        name = alias;
        results.reserve(name);
      }
      reader.addResult(*body.definition, name, json->range);
      if (isMain)
        reader.outputs.push_back({layer.inFile, name});
    }
  }

  //===------------------------------------------------------------------===//
  // Calls
  //===------------------------------------------------------------------===//

  void bind(const std::string &name, ExprPtr value) {
    SourceRange range = value->range;
    body.definition->body.statements.push_back(bindNode({name, range}, std::move(value)));
  }

  /// In an order in which each comes after what it needs, near that of the file.
  void addCalls() {
    std::vector<size_t> missing(calls.size(), 0);
    std::vector<std::vector<size_t>> users(calls.size());
    std::vector<bool> isReady(calls.size(), false);
    std::set<size_t> ready;
    for (size_t i = 0; i < calls.size(); ++i) {
      for (size_t need : calls[i].needs)
        users[need].push_back(i);
      missing[i] = calls[i].needs.size();
      if (missing[i] == 0)
        ready.insert(i);
    }
    size_t done = 0;
    while (!ready.empty()) {
      size_t next = *ready.begin();
      ready.erase(ready.begin());
      ++done;
      isReady[next] = true;
      current = next;
      addCall(calls[next]);
      calls[next].statement = body.definition->body.statements.size() - 1;
      if (!layers[calls[next].layer].isInput && !calls[next].variable.empty())
        order.push_back(next);
      for (size_t user : users[next])
        if (--missing[user] == 0)
          ready.insert(user);
    }
    if (done != calls.size())
      reportCycle(isReady);
  }

  /// Among the calls that never became ready each needs another such: going that way ends in the circle.
  void reportCycle(const std::vector<bool> &isReady) {
    size_t at = 0;
    while (isReady[at])
      ++at;
    std::vector<size_t> way;
    while (std::find(way.begin(), way.end(), at) == way.end()) {
      way.push_back(at);
      at = *std::find_if(calls[at].needs.begin(), calls[at].needs.end(),
                         [&](size_t need) { return !isReady[need]; });
    }
    way.erase(way.begin(), std::find(way.begin(), way.end(), at));
    std::string circle;
    for (size_t i = 0; i <= way.size() && i <= 16; ++i)
      circle += (i ? " → " : "") + layers[calls[way[i % way.size()]].layer].name;
    if (way.size() > 16)
      circle += " → ...";
    Diagnostic &error = reader.error(layers[calls[way[0]].layer].object.place,
                                     "layers that need each other in a circle: " + circle);
    for (size_t i = 1; i < way.size() && i < 16; ++i)
      error.note(layers[calls[way[i]].layer].object.place,
                 "`" + layers[calls[way[i]].layer].name + "` is here");
  }

  void addCall(Call &call) {
    Layer &layer = layers[call.layer];
    if (layer.isInput)
      return;
    std::vector<ExprPtr> arguments = argumentsOf(call);
    SourceRange place = layer.object.place;
    applyMask(call, arguments);
    if (arguments.empty()) {
      reader.error(call.json->range, "a call of `" + layer.name + "` without a tensor");
      return;
    }
    if (isOperation(*layer.object.json)) {
      if (const Json *keywords = call.json->isObject() ? call.json->find("kwargs") : nullptr)
        refuseKeywords(*keywords);
      call.variable = isFirst(call) ? layer.variable : body.names.take(layer.variable);
      ExprPtr value = operation(layer, std::move(arguments));
      if (hasMasks && call.maskOrigin.empty() && !isMaskOperation(layer.object.className)) // Keras's operators drop masks
        value = withMask(std::move(value), noneNode(place));
      bind(call.variable, std::move(value));
      return;
    }
    ExprPtr callee;
    if (layer.calls.size() == 1) {
      call.variable = layer.variable;
      callee = std::move(layer.value);
    } else if (isModel(layer)) {
      call.variable = isFirst(call) ? layer.variable : body.names.take(layer.variable);
      callee = nameNode(place, static_cast<NameExpr &>(*layer.value).name);
    } else {
      if (!layer.isBound)
        bind(layer.variable, called(std::move(layer.value)));
      layer.isBound = true;
      call.variable = body.names.take(layer.variable);
      callee = nameNode(place, layer.variable);
    }
    std::vector<Argument> keywords = keywordsOf(call, layer);
    if (arguments.size() == 1 && keywords.empty() && !as<ListExpr>(arguments[0])) {
      auto pipe = std::make_unique<PipeExpr>(place);
      pipe->input = std::move(arguments[0]);
      pipe->stages.push_back(std::move(callee));
      bind(call.variable, std::move(pipe));
      return;
    }
    std::vector<Argument> list;
    for (ExprPtr &each : arguments)
      list.push_back(argument(std::move(each)));
    for (Argument &each : keywords)
      list.push_back(std::move(each));
    bool isBare = layer.calls.size() == 1 && !isModel(layer);
    bind(call.variable,
         callNode(place, isBare ? called(std::move(callee)) : std::move(callee), std::move(list)));
    if (call.masked.empty())
      return;
    std::vector<Argument> of;
    of.push_back(argument(nameNode(place, call.masked)));
    ExprPtr whole = withMask(nameNode(place, call.variable), callNode(place, nameNode(place, "mask"), std::move(of)));
    call.variable = body.names.take(call.variable + "_masked"); // the layer is named by the first
    bind(call.variable, std::move(whole));
  }

  static bool isModel(const Layer &layer) {
    return layer.object.className == "Functional" || layer.object.className == "Model";
  }
  bool isFirst(const Call &call) const { return &calls[layers[call.layer].calls.front()] == &call; }

  /// `add` as `add()`: a layer, not the operation of its name.
  static ExprPtr called(ExprPtr value) {
    if (!as<NameExpr>(value))
      return value;
    SourceRange range = value->range;
    return callNode(range, std::move(value), {});
  }

  std::vector<ExprPtr> argumentsOf(const Call &call) {
    std::vector<ExprPtr> arguments;
    const Json &json = *call.json;
    auto add = [&](const Json &each) { arguments.push_back(tensorOf(each)); };
    if (json.isList()) { // Keras 2: [[layer, node, tensor, keywords], ...]
      if (isReference(json))
        add(json);
      for (const Json &each : isReference(json) ? std::vector<Json>{} : json.items) {
        if (each.isList() && each.items.size() > 3)
          refuseKeywords(each.items[3]);
        add(each);
      }
      if (arguments.size() < 2)
        return arguments;
      std::vector<ExprPtr> one;
      one.push_back(listNode(json.range, std::move(arguments)));
      return one;
    }
    if (!reader.expect(json, JsonKind::Object, "a call"))
      return arguments;
    if (const Json *list = json.find("args"); list && reader.expect(*list, JsonKind::List, "`args`"))
      for (const Json &each : list->items) {
        // Keras calls a model of several inputs on a list of them.
        bool isSpread = each.isList() && !isReference(each) && isModel(layers[call.layer]);
        for (const Json &item : isSpread ? each.items : std::vector<Json>{})
          add(item);
        if (!isSpread)
          add(each);
      }
    return arguments;
  }

  /// Keywords that the definition has: `initial_state`.
  std::vector<Argument> keywordsOf(const Call &call, const Layer &layer) {
    std::vector<Argument> list;
    const Json *keywords = call.json->isObject() ? call.json->find("kwargs") : nullptr;
    if (!keywords)
      return list;
    const Definition *definition =
        reader.library.find(reader.library.layerKind(layer.object.className), DefinitionKind::Layer);
    std::set<std::string> known;
    if (definition && definition->call)
      for (size_t i = 1; i < definition->call->parameters.size(); ++i)
        known.insert(definition->call->parameters[i].name.text);
    for (size_t i = 0; i < keywords->keys.size(); ++i)
      if (known.count(keywords->keys[i].text) && !saysNothing(keywords->items[i]))
        list.push_back(argument(tensorOf(keywords->items[i]), keywords->keys[i].text));
    if (layer.object.className == "Resizing")
      known.insert("training"); // always written, as true, its default; the layer does the same with both
    refuseKeywords(*keywords, known);
    return list;
  }

  /// Null, or a list of nulls: `mask` of several inputs.
  static bool saysNothing(const Json &json) {
    return json.isNull() || (json.isList() && std::all_of(json.items.begin(), json.items.end(), saysNothing));
  }

  /// `mask` and `training` say nothing where they are null; a mask that is a tensor is read by `applyMask`.
  void refuseKeywords(const Json &keywords, const std::set<std::string> &known = {}) {
    for (size_t i = 0; i < keywords.keys.size(); ++i)
      if (!saysNothing(keywords.items[i]) && !known.count(keywords.keys[i].text) &&
          !(keywords.keys[i].text == "mask" && historyOf(keywords.items[i])) &&
          !(keywords.keys[i].text == "training" && keywords.items[i].isFalse()))
        reader.error(keywords.keys[i].range, "a call with `" +
                                                 printable(keywords.keys[i].text.substr(0, 64)) +
                                                 "` is not known in this version");
  }

  /// What a call gave, or one of its results.
  ExprPtr tensorNode(SourceRange range, const Reference &reference) {
    ExprPtr name = nameNode(range, calls[reference.call].variable);
    if (!layers[calls[reference.call].layer].givesMany)
      return name;
    return indexNode(range, std::move(name), static_cast<int64_t>(reference.tensor));
  }

  ExprPtr tensorOf(const Json &json) {
    if (const Json *history = historyOf(json)) {
      Reference reference = resolve(*history);
      if (reference.good && layers[calls[reference.call].layer].isInput &&
          calls[reference.call].variable.empty())
        reader.error(history->range, "this input is not among `input_layers`");
      bool isBound = reference.good && !calls[reference.call].variable.empty();
      if (isBound) {
        calls[current].reads.push_back(reference.call);
        ++calls[reference.call].uses;
      }
      return isBound ? tensorNode(json.range, reference) : lostNode(json.range);
    }
    if (json.isNumber())
      return json.kind == JsonKind::Integer ? integerNode(json.range, json.integer)
                                            : floatNode(json.range, json.real);
    if (!json.isList()) {
      reader.error(json.range, std::string("expected a tensor, found ") + spelling(json.kind));
      return lostNode(json.range);
    }
    std::vector<ExprPtr> elements;
    for (const Json &item : json.items)
      elements.push_back(tensorOf(item));
    return listNode(json.range, std::move(elements));
  }

  //===------------------------------------------------------------------===//
  // keras.ops: `a - b` in Python is a layer of its own
  //===------------------------------------------------------------------===//

  static bool isOperation(const Json &json) {
    const Json *module = json.find("module");
    return module && module->isString() && module->text.rfind("keras.", 0) == 0 &&
           module->text.find(".ops.") != std::string::npos;
  }
  std::optional<Object> operationOf(const Json &json) {
    const Json *className = reader.stringAt(json, "class_name", "an operation");
    if (!className)
      return std::nullopt;
    return Object{&json, className->text, className->range, json.find("config")};
  }

  ExprPtr operation(const Layer &layer, std::vector<ExprPtr> arguments) {
    ExprPtr node = operationNode(layer.object, std::move(arguments));
    if (node)
      return node;
    SourceRange place = layer.object.place;
    reader.error(place, "the operation `" + printable(layer.object.className.substr(0, 64)) +
                            "` is not known in this version");
    return lostNode(place);
  }

  //===------------------------------------------------------------------===//
  // Masks
  //===------------------------------------------------------------------===//

  /// The tensor under `mask`, or null where there is none, or what it says is null.
  const Json *maskOf(const Call &call) {
    const Json *keywords = call.json->isObject() ? call.json->find("kwargs") : nullptr;
    const Json *mask = keywords ? keywords->find("mask") : nullptr;
    return mask ? historyOf(*mask) : nullptr;
  }

  /// Tensors and numbers of an argument, also those in a list. Only a first result may have a mask.
  void addSources(const Json &json, std::vector<MaskSource> &sources) {
    if (const Json *history = historyOf(json)) {
      Reference reference = resolve(*history);
      if (!reference.good)
        return;
      std::string place = std::to_string(reference.call) + ":" + std::to_string(reference.tensor);
      sources.push_back({place, reference.tensor ? "" : calls[reference.call].maskOrigin, std::nullopt});
    } else if (json.isNumber()) {
      sources.push_back({"", "", json.real});
    } else if (json.isList()) {
      for (const Json &item : json.items)
        addSources(item, sources);
    }
  }

  static ExprPtr withMask(ExprPtr x, ExprPtr mask) {
    SourceRange place = x->range;
    std::vector<Argument> list;
    list.push_back(argument(std::move(x)));
    list.push_back(argument(std::move(mask)));
    return callNode(place, nameNode(place, "with_mask"), std::move(list));
  }

  /// `with_mask(x, m)` where a call is given a mask that x has not anyway.
  void applyMask(Call &call, std::vector<ExprPtr> &arguments) {
    const Layer &layer = layers[call.layer];
    const Json *list = call.json->isObject() ? call.json->find("args") : call.json;
    bool isOperator = isOperation(*layer.object.json);
    std::vector<MaskSource> sources, given;
    if (list && list->isList() && !isReference(*list) && call.json->isObject() && !isOperator && !list->items.empty())
      list = &list->items.front();
    if (list)
      addSources(*list, sources);
    if (isOperator) {
      call.maskOrigin = originOfOperation(layer.object, sources);
      return;
    }
    bool isOne = sources.size() == 1 && !arguments.empty();
    if (const Json *mask = maskOf(call); mask && isOne) {
      addSources(*mask, given);
      bool hasIt = !given.empty() && !given[0].origin.empty() && given[0].origin == sources[0].origin;
      if (!hasIt)
        arguments[0] = withMask(std::move(arguments[0]), tensorOf(*mask));
      sources[0].origin = given.empty() ? "" : given[0].origin;
    } else if (hasMasks && !arguments.empty() && isWithoutMask(call)) {
      SourceRange place = arguments[0]->range;
      if (auto *name = as<NameExpr>(arguments[0]); name && !layer.givesMany)
        call.masked = name->name;
      arguments[0] = withMask(std::move(arguments[0]), noneNode(place));
    }
    const Definition *definition = reader.library.find(reader.library.layerKind(layer.object.className), DefinitionKind::Layer);
    call.maskOrigin = originOfLayer(layer.object, definition && definition->keepsMask, sources);
    if (!call.masked.empty() && !isSequence(layer.object))
      call.masked.clear();
    if (layer.givesMany && isWithoutMask(call))
      call.maskOrigin.clear();
  }

  /// Whether anything in the file makes a mask.
  static bool makesMasks(const Json &json) {
    const Json *zero = json.find("mask_zero"), *className = json.find("class_name");
    if ((zero && zero->isTrue()) || (className && className->isString() && className->text == "Masking"))
      return true;
    return std::any_of(json.items.begin(), json.items.end(), makesMasks);
  }

  /// Operations that masks are computed by: what they give is a mask, or part of one.
  static bool isMaskOperation(const std::string &name) {
    static const std::set<std::string> names = {"NotEqual", "LogicalOr", "LogicalAnd", "ExpandDims", "Concatenate",
                                                "Any",      "ZerosLike", "OnesLike"};
    return names.count(name) != 0;
  }

  /// Given an initial state, Keras's recurrent layers do not look at the mask that their input has; their sequences have it
  /// all the same.
  bool isWithoutMask(const Call &call) const {
    static const std::set<std::string> recurrent = {"LSTM", "GRU", "SimpleRNN", "Bidirectional"};
    const Json *keywords = call.json->isObject() ? call.json->find("kwargs") : nullptr;
    const Json *state = keywords ? keywords->find("initial_state") : nullptr;
    const Json *list = call.json->isObject() ? call.json->find("args") : nullptr;
    bool hasState = (state && !saysNothing(*state)) || (list && list->isList() && list->items.size() > 1);
    return recurrent.count(layers[call.layer].object.className) && hasState;
  }

  /// Operations that nothing reads: they made masks that need not be said.
  void dropUnused() {
    auto &statements = body.definition->body.statements;
    for (size_t i = order.size(); i-- > 0;) {
      const Call &call = calls[order[i]];
      if (call.uses > 0 || !isOperation(*layers[call.layer].object.json))
        continue;
      for (size_t read : call.reads)
        --calls[read].uses;
      statements[call.statement].reset();
    }
    std::erase(statements, nullptr);
  }

  Reader &reader;
  const Object &object;
  Reader::Body body;
  std::vector<Layer> layers;
  std::vector<Call> calls;
  std::map<std::string, size_t> byName;
  std::vector<size_t> order; // of the calls in the body
  bool hasMasks;             // otherwise nothing is said of them
  size_t current = 0;        // the call whose arguments are read
  std::set<std::string> inFile; // the names of all layers, of those too that could not be read
};

void Reader::readFunctional(const Object &object, bool isMain) {
  FunctionalReader functional(*this, object, beginModel(object, "functional", isMain));
  if (auto definition = functional.read(isMain))
    models.push_back(std::move(definition));
}

} // namespace hornfels::keras
