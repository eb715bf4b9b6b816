#include "cli/go_template_functions.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace berth::cli {
namespace {

using Value = GoTemplate::Json;
using Arguments = std::vector<Value>;

Result<Value> to_json_text(const Arguments& a) {
  return Value(a[0].dump(-1, ' ', false, Value::error_handler_t::replace));
}

/// Keys that are not there and places behind the end: nothing in a map, as in Go; an error in a list.
Result<Value> index(const Arguments& a) {
  Value value = a[0];
  for (size_t i = 1; i < a.size(); ++i) {
    if (value.is_null()) return Value("");
    if (value.is_object() && a[i].is_string()) {
      auto found = value.find(a[i].get<std::string>());
      value = found == value.end() ? Value("") : Value(*found);
    } else if (value.is_array() && a[i].is_number_unsigned() && a[i].get<size_t>() < value.size()) {
      value = Value(value.at(a[i].get<size_t>()));
    } else {
      return make_error(fmt::format("format: index {} of {}", go_text(a[i]), go_text(value)));
    }
  }
  return value;
}

Result<Value> length(const Arguments& a) {
  return Value(a[0].is_string() ? a[0].get_ref<const std::string&>().size() : a[0].size());
}

Result<Value> join_list(const Arguments& a) {
  std::vector<std::string> parts;
  for (const auto& item : a[0]) parts.push_back(go_text(item));
  return Value(join(parts, go_text(a[1])));
}

Result<Value> lower(const Arguments& a) {
  return Value(to_lower(go_text(a[0])));
}

Result<Value> upper(const Arguments& a) {
  std::string text = go_text(a[0]);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  return Value(text);
}

Result<Value> print_line(const Arguments& a) {
  std::vector<std::string> parts;
  for (const Value& one : a) parts.push_back(go_text(one));
  return Value(join(parts, " ") + "\n");
}

Result<Value> equal(const Arguments& a) {
  return Value(std::any_of(a.begin() + 1, a.end(), [&](const Value& one) { return one == a[0]; }));
}
Result<Value> not_equal(const Arguments& a) {
  return Value(a[0] != a[1]);
}
Result<Value> negate(const Arguments& a) {
  return Value(!is_true(a[0]));
}
Result<Value> all_of(const Arguments& a) {
  auto found = std::find_if_not(a.begin(), a.end(), is_true);
  return found == a.end() ? a.back() : *found;
}
Result<Value> any_of(const Arguments& a) {
  auto found = std::find_if(a.begin(), a.end(), is_true);
  return found == a.end() ? a.back() : *found;
}

struct Function {
  size_t least, most;
  Result<Value> (*call)(const Arguments&);
};
const std::map<std::string, Function>& functions() {
  static const std::map<std::string, Function> table = {
      {"json", {1, 1, to_json_text}},  {"index", {1, 9, index}}, {"len", {1, 1, length}},
      {"join", {2, 2, join_list}},     {"lower", {1, 1, lower}}, {"upper", {1, 1, upper}},
      {"println", {0, 9, print_line}}, {"eq", {2, 9, equal}},    {"ne", {2, 2, not_equal}},
      {"not", {1, 1, negate}},         {"and", {1, 9, all_of}},  {"or", {1, 9, any_of}},
  };
  return table;
}

}  // namespace

std::string go_text(const Value& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<nil>";
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (const auto& item : value) parts.push_back(go_text(item));
    return "[" + join(parts, " ") + "]";
  }
  for (const auto& item : value.items()) parts.push_back(item.key() + ":" + go_text(item.value()));
  std::sort(parts.begin(), parts.end());
  return "map[" + join(parts, " ") + "]";
}

bool is_true(const Value& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

bool is_function_name(const std::string& word) {
  return functions().contains(word);
}

std::vector<std::string> go_function_names() {
  std::vector<std::string> names;
  for (const auto& [name, function] : functions()) names.push_back(name);
  return names;
}

Result<Value> call_go_function(const std::string& name, const Arguments& arguments) {
  const Function& function = functions().at(name);
  if (arguments.size() < function.least || arguments.size() > function.most)
    return make_error(fmt::format("format: {} with {} arguments", name, arguments.size()));
  return function.call(arguments);
}

}  // namespace berth::cli
