#include "frontend/horn/Printer.h"

#include <charconv>

namespace hornfels::frontend {

namespace {

constexpr size_t lineWidth = 110;

// As in the parser: 0 is the pipe.
enum Precedence {
  pipeLevel,
  orLevel,
  andLevel,
  notLevel,
  comparisonLevel,
  sumLevel,
  productLevel,
  minusLevel,
  powerLevel,
  postfixLevel
};

int levelOf(BinaryOp op) {
  switch (op) {
  case BinaryOp::Or:
    return orLevel;
  case BinaryOp::And:
    return andLevel;
  case BinaryOp::Add:
  case BinaryOp::Subtract:
    return sumLevel;
  case BinaryOp::Multiply:
  case BinaryOp::Divide:
  case BinaryOp::FloorDivide:
  case BinaryOp::Modulo:
    return productLevel;
  case BinaryOp::Power:
    return powerLevel;
  default:
    return comparisonLevel;
  }
}

int levelOf(const Expr &e) {
  switch (e.kind) {
  case ExprKind::Pipe:
    return pipeLevel;
  case ExprKind::Binary:
    return levelOf(static_cast<const BinaryExpr &>(e).op);
  case ExprKind::Unary:
    return static_cast<const UnaryExpr &>(e).op == UnaryOp::Not ? notLevel : minusLevel;
  case ExprKind::Integer:
    return static_cast<const IntegerExpr &>(e).value < 0 ? minusLevel : postfixLevel;
  case ExprKind::Float:
    return static_cast<const FloatExpr &>(e).value < 0 ? minusLevel : postfixLevel;
  default:
    return postfixLevel;
  }
}

/// The shortest digits that give the same double, with a point or an exponent.
std::string floatText(double value) {
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string out(buffer, end);
  if (out.find_first_of(".e") == std::string::npos)
    out += ".0";
  return out;
}

std::string quoted(const std::string &value) {
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else
      out += c;
  }
  return out + "\"";
}

class Printer {
public:
  std::string out;

  void print(const SyntaxFile &file);
  void print(const Definition &definition);
  void print(const Expr &e, int minimum = pipeLevel);
  void print(const TypeExpr &type);

private:
  template <typename Items, typename Item> void commaSeparated(const Items &items, Item item) {
    bool isFirst = true;
    for (const auto &each : items) {
      if (!isFirst)
        out += ", ";
      isFirst = false;
      item(each);
    }
  }
  void printNode(const Expr &e);
  void print(const BinaryExpr &e);
  void print(const PipeExpr &e);
  void print(const CallExpr &e);
  void print(const IndexExpr &e);
  void print(const DictionaryExpr &e);
  void printTuple(const TupleExpr &e);
  void printValue(const Expr &e);
  void print(const ParameterList &list);
  void print(const Block &block);
  void print(const Stmt &statement);
  void print(const VariableStmt &statement);
  void print(const IfStmt &statement);
  void names(const std::vector<Name> &list) {
    commaSeparated(list, [&](const Name &name) { out += name.text; });
  }
  void newLine() { out += "\n" + std::string(size_t{4} * indent, ' '); }

  unsigned indent = 0;
};

void Printer::print(const Expr &e, int minimum) {
  bool isLoose = levelOf(e) < minimum;
  if (isLoose)
    out += '(';
  printNode(e);
  if (isLoose)
    out += ')';
}

void Printer::printNode(const Expr &e) {
  switch (e.kind) {
  case ExprKind::Integer:
    out += std::to_string(static_cast<const IntegerExpr &>(e).value);
    break;
  case ExprKind::Float: {
    const auto &number = static_cast<const FloatExpr &>(e);
    out += number.text.empty() ? floatText(number.value) : number.text;
    break;
  }
  case ExprKind::String:
    out += quoted(static_cast<const StringExpr &>(e).value);
    break;
  case ExprKind::Bool:
    out += static_cast<const BoolExpr &>(e).value ? "true" : "false";
    break;
  case ExprKind::None:
    out += "none";
    break;
  case ExprKind::Name:
    out += static_cast<const NameExpr &>(e).name;
    break;
  case ExprKind::List:
    out += '[';
    commaSeparated(static_cast<const ListExpr &>(e).elements, [&](const ExprPtr &x) { print(*x); });
    out += ']';
    break;
  case ExprKind::Dictionary:
    print(static_cast<const DictionaryExpr &>(e));
    break;
  case ExprKind::Tuple:
    printTuple(static_cast<const TupleExpr &>(e));
    break;
  case ExprKind::Unary: {
    const auto &unary = static_cast<const UnaryExpr &>(e);
    out += unary.op == UnaryOp::Not ? "not " : "-";
    print(*unary.operand, unary.op == UnaryOp::Not ? notLevel : minusLevel);
    break;
  }
  case ExprKind::Binary:
    print(static_cast<const BinaryExpr &>(e));
    break;
  case ExprKind::Pipe:
    print(static_cast<const PipeExpr &>(e));
    break;
  case ExprKind::Call:
    print(static_cast<const CallExpr &>(e));
    break;
  case ExprKind::Index:
    print(static_cast<const IndexExpr &>(e));
    break;
  case ExprKind::Range: {
    const auto &range = static_cast<const RangeExpr &>(e);
    print(*range.begin);
    out += "..";
    print(*range.end);
    break;
  }
  }
}

/// Sums and products associate to the left, comparisons not at all, powers to the right.
void Printer::print(const BinaryExpr &e) {
  int level = levelOf(e.op);
  bool isPower = e.op == BinaryOp::Power;
  print(*e.left, isPower ? postfixLevel : level == comparisonLevel ? level + 1 : level);
  out += std::string(" ") + spelling(e.op) + " ";
  print(*e.right, isPower ? minusLevel : level + 1);
}

void Printer::print(const PipeExpr &e) {
  print(*e.input, orLevel);
  for (const ExprPtr &stage : e.stages) {
    out += " |> ";
    print(*stage, orLevel);
  }
}

void Printer::print(const CallExpr &e) {
  print(*e.callee, postfixLevel);
  out += '(';
  commaSeparated(e.arguments, [&](const Argument &argument) {
    if (argument.name)
      out += argument.name->text + " = ";
    if (argument.isSpread)
      out += '*';
    print(*argument.value);
  });
  out += ')';
}

void Printer::print(const IndexExpr &e) {
  print(*e.base, postfixLevel);
  out += '[';
  commaSeparated(e.items, [&](const IndexItem &item) {
    if (item.kind == IndexItem::Kind::Ellipsis)
      out += "...";
    if (item.value)
      print(*item.value);
    if (item.kind != IndexItem::Kind::Slice)
      return;
    if (item.begin)
      print(*item.begin);
    out += ':';
    if (item.end)
      print(*item.end);
    if (item.step) {
      out += ':';
      print(*item.step);
    }
  });
  out += ']';
}

void Printer::print(const DictionaryExpr &e) {
  if (e.entries.empty()) {
    out += "{}";
    return;
  }
  out += "{ ";
  commaSeparated(e.entries, [&](const DictionaryEntry &entry) {
    out += entry.keyKind == DictionaryEntry::KeyKind::String ? quoted(entry.key.text) : entry.key.text;
    out += ": ";
    print(*entry.value);
  });
  out += " }";
}

void Printer::printTuple(const TupleExpr &e) {
  out += '(';
  commaSeparated(e.elements, [&](const ExprPtr &x) { print(*x); });
  out += e.elements.size() == 1 ? ",)" : ")";
}

/// The value of a statement: a tuple of several needs no parentheses, a pipe too long for its line gets one
/// stage a line.
void Printer::printValue(const Expr &e) {
  if (const auto *tuple = as<TupleExpr>(&e); tuple && tuple->elements.size() > 1) {
    commaSeparated(tuple->elements, [&](const ExprPtr &x) { print(*x); });
    return;
  }
  size_t before = out.size();
  size_t lineStart = out.rfind('\n') == std::string::npos ? 0 : out.rfind('\n') + 1;
  print(e);
  const auto *pipe = as<PipeExpr>(&e);
  if (!pipe || out.size() - lineStart <= lineWidth)
    return;
  out.resize(before);
  print(*pipe->input, orLevel);
  ++indent;
  for (const ExprPtr &stage : pipe->stages) {
    newLine();
    out += "|> ";
    print(*stage, orLevel);
  }
  --indent;
}

void Printer::print(const TypeExpr &type) {
  out += type.kind == TypeKind::Tensor ? spelling(type.element) : spelling(type.kind);
  if (type.kind != TypeKind::Tensor && type.kind != TypeKind::Tokens)
    return;
  out += '[';
  commaSeparated(type.axes, [&](const Axis &axis) {
    if (axis.isEllipsis)
      out += "...";
    else
      print(*axis.size);
  });
  out += ']';
}

void Printer::print(const ParameterList &list) {
  bool isKeywordOnly = false;
  out += '(';
  commaSeparated(list.parameters, [&](const Parameter &parameter) {
    if (parameter.isKeywordOnly && !isKeywordOnly)
      out += "*, ";
    isKeywordOnly |= parameter.isKeywordOnly || parameter.isVariadic;
    if (parameter.isVariadic)
      out += '*';
    out += parameter.name.text;
    if (parameter.type) {
      out += ": ";
      print(*parameter.type);
    }
    if (parameter.defaultValue) {
      out += " = ";
      print(*parameter.defaultValue);
    }
  });
  out += ')';
}

void Printer::print(const Block &block) {
  out += '{';
  ++indent;
  for (const StmtPtr &statement : block.statements) {
    newLine();
    print(*statement);
  }
  --indent;
  newLine();
  out += '}';
}

void Printer::print(const VariableStmt &statement) {
  static constexpr const char *words[] = {"weight ", "state ", "slot "};
  out += words[static_cast<int>(statement.variable)] + statement.name.text;
  if (statement.type) {
    out += ": ";
    print(*statement.type);
  }
  out += " = ";
  print(*statement.initial);
}

void Printer::print(const IfStmt &statement) {
  bool isFirst = true;
  for (const IfStmt::Branch &branch : statement.branches) {
    out += isFirst ? "if " : " else if ";
    isFirst = false;
    print(*branch.condition);
    out += ' ';
    print(branch.body);
  }
  if (statement.otherwise) {
    out += " else ";
    print(*statement.otherwise);
  }
}

void Printer::print(const Stmt &statement) {
  if (const auto *bind = as<BindStmt>(&statement)) {
    names(bind->targets);
    out += " = ";
    printValue(*bind->value);
  } else if (const auto *assign = as<AssignStmt>(&statement)) {
    out += assign->target.text + " := ";
    print(*assign->value);
  } else if (const auto *expression = as<ExpressionStmt>(&statement)) {
    printValue(*expression->value);
  } else if (const auto *condition = as<IfStmt>(&statement)) {
    print(*condition);
  } else if (const auto *loop = as<ForStmt>(&statement)) {
    out += "for ";
    names(loop->targets);
    out += " in ";
    print(*loop->iterable);
    out += ' ';
    print(loop->body);
  } else if (const auto *result = as<ReturnStmt>(&statement)) {
    out += "return ";
    printValue(*result->value);
  } else if (const auto *require = as<RequireStmt>(&statement)) {
    out += "require ";
    print(*require->condition);
  } else if (const auto *variable = as<VariableStmt>(&statement)) {
    print(*variable);
  } else if (const auto *definition = as<DefinitionStmt>(&statement)) {
    print(*definition->definition);
  } else if (const auto *step = as<StepStmt>(&statement)) {
    out += "step " + step->name.text + " ";
    print(step->body);
  } else if (const auto *minimize = as<MinimizeStmt>(&statement)) {
    out += "minimize ";
    print(*minimize->value);
    if (!minimize->over.empty())
      out += " over ";
    names(minimize->over);
  }
}

void Printer::print(const Definition &definition) {
  for (size_t at = 0; at < definition.documentation.size();) {
    size_t end = std::min(definition.documentation.find('\n', at), definition.documentation.size());
    out += end == at ? "#" : "# ";
    out += definition.documentation.substr(at, end - at);
    newLine();
    at = end + 1;
  }
  out += std::string(spelling(definition.kind)) + " " + definition.name.text;
  if (definition.configuration)
    print(*definition.configuration);
  if (definition.call)
    print(*definition.call);
  if (!definition.results.empty()) {
    out += definition.resultsAreTuple ? " -> (" : " -> ";
    commaSeparated(definition.results, [&](const Result &result) {
      if (result.name)
        out += result.name->text;
      if (result.name && result.type)
        out += ": ";
      if (result.type)
        print(*result.type);
    });
    if (definition.resultsAreTuple)
      out += definition.results.size() == 1 ? ",)" : ")";
  }
  out += definition.keepsMask ? " keeps_mask " : " ";
  print(definition.body);
}

void Printer::print(const SyntaxFile &file) {
  for (const Import &import : file.imports)
    out += "import " + quoted(import.path) + "\n";
  bool isFirst = file.imports.empty();
  for (const auto &definition : file.definitions) {
    if (!isFirst)
      out += "\n";
    isFirst = false;
    print(*definition);
    out += "\n";
  }
}

template <typename Node> std::string printed(const Node &node) {
  Printer printer;
  printer.print(node);
  return std::move(printer.out);
}

} // namespace

std::string printHorn(const SyntaxFile &file) { return printed(file); }
std::string printHorn(const Definition &definition) { return printed(definition); }
std::string printHorn(const Expr &expression) { return printed(expression); }
std::string printHorn(const TypeExpr &type) { return printed(type); }

} // namespace hornfels::frontend
