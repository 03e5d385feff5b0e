// Types: what a parameter accepts, and the sizes that a tensor's type binds.
#include "frontend/horn/Interpreter.h"

#include <fmt/format.h>

namespace hornfels::frontend {

/// The conditions at the head of a body that are about one parameter: the allowed range, for messages.
static std::string requirements(const Definition &definition, const std::string &parameter,
                                const SourceManager &sources) {
  std::string text;
  for (const StmtPtr &statement : definition.body.statements) {
    auto *require = as<RequireStmt>(statement);
    if (!require)
      continue;
    std::string condition(sources.text(require->condition->range));
    size_t at = condition.find(parameter);
    if (at != std::string::npos)
      text += (text.empty() ? " with " : " and ") + condition;
  }
  return text;
}

bool Interpreter::checkParameterType(const Parameter &parameter, const Value &value, SourceRange place) {
  if (!parameter.type || isPoison(value))
    return !isPoison(value);
  if (isNone(value) && as<NoneExpr>(parameter.defaultValue))
    return true;
  bool fits = true;
  auto *tensor = tensorIn(value);
  switch (parameter.type->kind) {
  case TypeKind::Int:
    fits = getIf<int64_t>(value);
    break;
  case TypeKind::Float:
    fits = numberIn(value) || (tensor && tensor->known) ||
           // a schedule: a function of the step
           (functionIn(value) && parameter.name.text == "learning_rate" &&
            frame().definition->kind == DefinitionKind::Optimizer);
    break;
  case TypeKind::Bool:
    fits = getIf<bool>(value);
    break;
  case TypeKind::String:
    fits = getIf<std::string>(value);
    break;
  case TypeKind::Shape:
    if (listIn(value))
      return shapeFrom(value, place).has_value();
    fits = getIf<int64_t>(value);
    break;
  case TypeKind::List:
    fits = listIn(value);
    break;
  case TypeKind::Layer:
    fits = layerIn(value) || (functionIn(value) && functionIn(value)->definition->kind == DefinitionKind::Model);
    break;
  case TypeKind::Function:
    fits = isCallable(value);
    break;
  case TypeKind::Tensor:
    fits = (tensor && !tensor->vocabulary) || numberIn(value) || listIn(value);
    break;
  case TypeKind::Tokens:
    fits = tensor && tensor->vocabulary;
    break;
  }
  if (fits)
    return true;
  const Definition &definition = *frame().definition;
  std::string expected(parameter.type->kind == TypeKind::Tensor || parameter.type->kind == TypeKind::Tokens
                           ? diagnostics.sources().text(parameter.type->range)
                           : std::string_view(spelling(parameter.type->kind)));
  bool isVowel = std::string_view("aeiou").find(expected.front()) != std::string_view::npos;
  error(place,
        fmt::format("{}: {} takes {} {}{}, found {}", definition.name.text, parameter.name.text,
                    isVowel ? "an" : "a", expected,
                    requirements(definition, parameter.name.text, diagnostics.sources()), show(value)));
  return false;
}

std::optional<int64_t> Interpreter::sizeOf(const Expr &expr) {
  Value value = evaluate(expr);
  if (std::holds_alternative<BatchValue>(value))
    return batchSize;
  if (auto *size = getIf<int64_t>(value)) {
    if (*size >= 0)
      return *size;
    error(expr.range, fmt::format("a size is not negative, found {}", *size));
  } else if (!isPoison(value)) {
    error(expr.range, fmt::format("a size is an int, found {}", show(value)));
  }
  return std::nullopt;
}

static std::string sizeText(int64_t size) { return size == batchSize ? "batch" : std::to_string(size); }

/// Does the tensor have the type? A bare new name in the type is bound to the size it stands at.
bool Interpreter::bindTensorType(const TypeExpr &type, const std::string &what, const TensorInfo &tensor,
                                 SourceRange place, bool mayBind) {
  const std::string &kind = frame().definition->name.text;
  std::string expected(diagnostics.sources().text(type.range));
  auto mismatch = [&](const std::string &why) {
    Diagnostic &reported =
        error(place, fmt::format("{}: {} is {}, expected {}{}", kind, what, show(tensor), expected, why));
    noteTensor(reported, tensor);
    return false;
  };
  Shape shape = tensor.shape;
  bool hasBatchAxis = frame().definition->kind == DefinitionKind::Model; // left out in its types
  if (hasBatchAxis && !shape.empty())
    shape.erase(shape.begin());
  auto bindSize = [&](const Axis &axis, int64_t size, size_t position) {
    auto *name = as<NameExpr>(axis.size);
    if (mayBind && name && name->name != "batch" && !frame().scope->find(name->name)) {
      SourceRange from = position < tensor.axisPlaces.size() ? tensor.axisPlaces[position] : SourceRange();
      Value bound = size == batchSize ? Value(BatchValue()) : Value(size);
      frame().scope->names[name->name] = {bound, from.isValid() ? from : place};
      return true;
    }
    std::optional<int64_t> wanted = sizeOf(*axis.size);
    if (!wanted)
      return false;
    if (*wanted == size)
      return true;
    std::string text(diagnostics.sources().text(axis.range));
    std::string equals = text == sizeText(*wanted) ? text : fmt::format("{} = {}", text, sizeText(*wanted));
    mismatch(fmt::format(": axis {} is {}, not {}", position, sizeText(size), equals));
    return false;
  };
  if (type.kind == TypeKind::Tokens)
    return tensor.vocabulary ? bindSize(type.axes.front(), tensor.vocabulary, 0) : mismatch("");
  if (tensor.vocabulary)
    return mismatch("");
  bool elementFits = true;
  switch (type.element) {
  case ElementType::I32:
  case ElementType::I64:
  case ElementType::U8:
    elementFits = isInteger(tensor.element);
    break;
  case ElementType::Bool:
    elementFits = tensor.element == Element::Bool;
    break;
  default:
    break; // integers and bools convert to real
  }
  if (!elementFits)
    return mismatch("");
  size_t leading = 0;
  while (leading < type.axes.size() && !type.axes[leading].isEllipsis)
    ++leading;
  bool hasEllipsis = leading < type.axes.size();
  size_t trailing = hasEllipsis ? type.axes.size() - leading - 1 : 0;
  if (shape.size() < leading + trailing || (!hasEllipsis && shape.size() != leading))
    return mismatch("");
  for (size_t i = 0; i < leading; ++i)
    if (!bindSize(type.axes[i], shape[i], i + hasBatchAxis))
      return false;
  if (hasEllipsis) {
    Shape middle(shape.begin() + static_cast<long>(leading), shape.end() - static_cast<long>(trailing));
    if (!frame().ellipsis)
      frame().ellipsis = middle;
    else if (*frame().ellipsis != middle)
      return mismatch(fmt::format(": `...` stands for {} here", shapeText(*frame().ellipsis)));
  }
  for (size_t i = 0; i < trailing; ++i) {
    size_t position = shape.size() - trailing + i;
    if (!bindSize(type.axes[leading + 1 + i], shape[position], position + hasBatchAxis))
      return false;
  }
  return true;
}

/// Checks a result against its declared type, and remembers what gave its sizes.
bool Interpreter::checkResult(const Definition &definition, Value &result, SourceRange range) {
  if (definition.results.empty())
    return true;
  auto placeOf = [&](const Result &declared) { return range.isValid() ? range : declared.range; };
  bool isModel =
      definition.kind == DefinitionKind::Model; // its one output stands alone, in parentheses or not
  if (!definition.resultsAreTuple || (isModel && definition.results.size() == 1)) {
    const Result &declared = definition.results[0];
    return !declared.type || checkOneResult(definition, *declared.type, result, placeOf(declared));
  }
  const ListValue *list = listIn(result);
  if (isPoison(result))
    return true;
  if (!list || list->elements.size() != definition.results.size()) {
    error(range, fmt::format("{}: returns {}, its type has {} values", definition.name.text, show(result),
                             definition.results.size()));
    return false;
  }
  std::vector<Value> values = list->elements;
  bool isGood = true;
  for (size_t i = 0; i < values.size(); ++i)
    if (definition.results[i].type)
      isGood &=
          checkOneResult(definition, *definition.results[i].type, values[i], placeOf(definition.results[i]));
  result = makeList(std::move(values), list->isTuple);
  return isGood;
}

bool Interpreter::checkOneResult(const Definition &definition, const TypeExpr &type, Value &result,
                                 SourceRange range) {
  const TensorInfo *tensor = tensorIn(result);
  if (isPoison(result))
    return true;
  if (!tensor) {
    if (type.kind != TypeKind::Tensor)
      return true;
    error(range, fmt::format("{}: returns {}, its type says {}", definition.name.text, show(result),
                             diagnostics.sources().text(type.range)));
    return false;
  }
  if (!bindTensorType(type, "the result", *tensor, range, true))
    return false;
  auto copy = std::make_shared<TensorInfo>(*tensor);
  copy->axisPlaces.resize(copy->shape.size());
  for (size_t back = 1; back <= type.axes.size() && back <= copy->shape.size(); ++back) {
    const Axis &axis = type.axes[type.axes.size() - back];
    if (axis.isEllipsis)
      break;
    if (auto *name = as<NameExpr>(axis.size))
      if (const Binding *binding = frame().scope->find(name->name))
        copy->axisPlaces[copy->shape.size() - back] = binding->place;
  }
  result = Tensor(std::move(copy));
  return true;
}

std::optional<Element> Interpreter::elementOf(const TypeExpr &type) {
  switch (type.element) {
  case ElementType::Real:
    return options.real;
  case ElementType::F32:
    return Element::F32;
  case ElementType::F64:
    return Element::F64;
  case ElementType::I32:
    return Element::I32;
  case ElementType::I64:
    return Element::I64;
  case ElementType::Bool:
    return Element::Bool;
  default:
    break;
  }
  error(type.range, fmt::format("the element type {} is not supported yet", spelling(type.element)));
  return std::nullopt;
}

static bool isTooLarge(const Shape &shape) {
  int64_t elements = 1;
  for (int64_t size : shape)
    if (size != batchSize && __builtin_mul_overflow(elements, std::max<int64_t>(size, 1), &elements))
      return true;
  return elements > (int64_t{1} << 48);
}

std::optional<Shape> Interpreter::shapeOf(const TypeExpr &type, bool withBatch) {
  Shape shape;
  if (withBatch)
    shape.push_back(batchSize);
  for (const Axis &axis : type.axes) {
    if (axis.isEllipsis) {
      error(axis.range, "`...` has no meaning here: give every size");
      return std::nullopt;
    }
    // A list of sizes stands for all of them.
    auto *name = as<NameExpr>(axis.size);
    if (std::optional<Value> value = name ? lookup(name->name) : std::nullopt; value && listIn(*value)) {
      std::optional<Shape> sizes = shapeFrom(*value, axis.range);
      if (!sizes)
        return std::nullopt;
      shape.insert(shape.end(), sizes->begin(), sizes->end());
      continue;
    }
    std::optional<int64_t> size = sizeOf(*axis.size);
    if (!size)
      return std::nullopt;
    if (*size == 0) {
      error(axis.range, "a size must be at least 1");
      return std::nullopt;
    }
    if (withBatch && *size == batchSize) {
      error(axis.range, "the batch axis is left out in the types of a model");
      return std::nullopt;
    }
    shape.push_back(*size);
  }
  if (shape.size() > maximumRank) {
    error(type.range, fmt::format("limit of {} axes exceeded", maximumRank));
    return std::nullopt;
  }
  if (isTooLarge(shape)) {
    error(type.range, fmt::format("{} has too many elements", shapeText(shape)));
    return std::nullopt;
  }
  return shape;
}

/// A list of sizes (or one size) as a shape.
std::optional<Shape> Interpreter::shapeFrom(const Value &value, SourceRange range) {
  const ListValue *list = listIn(value);
  const std::vector<Value> sizes = list ? list->elements : std::vector<Value>{value};
  const SourceRange whole = range;
  Shape shape;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Value &size = sizes[i];
    range = list ? list->placeOf(i, whole) : whole;
    auto *number = getIf<int64_t>(size);
    if (isPoison(size))
      return std::nullopt;
    if (!number && !std::holds_alternative<BatchValue>(size)) {
      error(range, fmt::format("a shape is a list of ints, found {}", show(size)));
      return std::nullopt;
    }
    if (!number && !shape.empty()) {
      error(range, "the batch is always the first axis");
      return std::nullopt;
    }
    if (number && *number < -1) {
      error(range, fmt::format("a size is not negative, found {}", *number));
      return std::nullopt;
    }
    shape.push_back(number ? *number : batchSize);
  }
  if (shape.size() > maximumRank || isTooLarge(shape)) {
    error(whole,
          fmt::format("{} is beyond the limits (rank {}, 2^48 elements)", shapeText(shape), maximumRank));
    return std::nullopt;
  }
  return shape;
}

} // namespace hornfels::frontend
