#include "plot.h"

#include <algorithm>

#include "runtime/core/text.h"
#include "runtime/program/callbacks/python_text.h"
#include "runtime/program/failure.h"

namespace hornfels {

std::vector<double> smoothed(const std::vector<double> &values, double factor) {
  std::vector<double> result;
  for (const double value : values)
    result.push_back(result.empty() ? value : result.back() * factor + value * (1 - factor));
  return result;
}

namespace {

bool is_validation(const std::string &name) { return name.compare(0, 4, "val_") == 0; }

/* "mae" is MAE, "top_k_accuracy" is top k accuracy. */
std::string spoken(const std::string &name) {
  for (const char *initials : {"mae", "mse", "rmse", "mape", "msle", "auc"})
    if (name == initials) {
      std::string upper = name;
      for (char &c : upper)
        c = static_cast<char>(c - 'a' + 'A');
      return upper;
    }
  std::string words = name;
  std::replace(words.begin(), words.end(), '_', ' ');
  return words;
}

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z')
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::vector<double> column(const history &past, const std::string &name) {
  std::vector<double> values;
  for (const logs &epoch : past.all())
    for (const auto &one : epoch)
      if (one.first == name)
        values.push_back(one.second);
  return values;
}

panel smooth_panel(const history &past, const std::string &name, const plot_smoothing &how) {
  const bool held_out = is_validation(name);
  const std::string metric = spoken(held_out ? name.substr(4) : name);
  std::vector<double> values = column(past, name);
  const int64_t skip = std::min<int64_t>(how.skip, static_cast<int64_t>(values.size()));
  values.erase(values.begin(), values.begin() + skip);
  const std::string what = (held_out ? "Validation " : "Training ") + metric;
  panel result{what + ", smoothed", "Epochs", what, {}};
  result.curves.push_back(
      {format("factor %g", how.factor) +
           (skip > 0 ? format(", first %lld left out", static_cast<long long>(skip)) : ""),
       curve::line, held_out, past.first_epoch() + skip + 1, smoothed(values, how.factor)});
  return result;
}

} // namespace

std::vector<panel> panels_of(const history &past, const plot_smoothing &smoothing) {
  std::vector<panel> list;
  if (past.all().empty())
    return list;
  std::vector<std::string> names;
  for (const auto &one : past.all().front())
    names.push_back(one.first);
  /* The loss first, as in the book. */
  std::stable_partition(names.begin(), names.end(), [](const std::string &name) { return name == "loss"; });
  const int64_t first = past.first_epoch() + 1;
  std::vector<panel> smooth;
  for (const std::string &name : names) {
    if (is_validation(name))
      continue;
    const std::string metric = spoken(name);
    if (name == "learning_rate") {
      list.push_back({"Learning rate",
                      "Epochs",
                      "Learning rate",
                      {{metric, curve::line, 0, first, column(past, name)}}});
      continue;
    }
    const bool both = std::find(names.begin(), names.end(), "val_" + name) != names.end();
    panel one{(both ? "Training and validation " : "Training ") + metric, "Epochs", capital(metric), {}};
    one.curves.push_back({"Training " + metric, curve::dots, 0, first, column(past, name)});
    if (both)
      one.curves.push_back({"Validation " + metric, curve::line, 1, first, column(past, "val_" + name)});
    list.push_back(one);
    if (smoothing.factor > 0)
      smooth.push_back(smooth_panel(past, both ? "val_" + name : name, smoothing));
  }
  list.insert(list.end(), smooth.begin(), smooth.end());
  return list;
}

void write_plot(const std::string &path, const std::string &title, const history &past,
                const plot_smoothing &smoothing) {
  const std::vector<panel> panels = panels_of(past, smoothing);
  const bool html = path.size() >= 5 && path.compare(path.size() - 5, 5, ".html") == 0;
  const std::string text = html ? draw_html(title, panels, past) : draw_svg(title, panels);
  output_file file;
  file_error error;
  require(file.open(path, error) && file.write(text.data(), text.size(), error) && file.commit(error), error);
}

} // namespace hornfels
