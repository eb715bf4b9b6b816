#include <fmt/core.h>

#include "base/text.h"
#include "compose/emit.h"
#include "compose/explain.h"

namespace berth::compose {
namespace {

std::string quoted(const std::string& text) {
  return json_text(Tree::string(text), false);
}

void append_details(std::string& out, const ValueOrigin& origin, const std::string& indent) {
  for (const auto& [how, at] : origin.way) out += fmt::format("{}{}{}{}\n", indent, how, at.empty() ? "" : ": ", at);
  if (!origin.written.empty()) out += fmt::format("{}written {}\n", indent, quoted(origin.written));
  for (const VariableOrigin& variable : origin.variables) {
    bool set = variable.from != "not set";
    out += set ? fmt::format("{}{} is {}, from {}\n", indent, variable.name, quoted(variable.value), variable.from)
               : fmt::format("{}{} is not set\n", indent, variable.name);
  }
}

Tree list_of(const std::vector<VariableOrigin>& variables) {
  Tree list = Tree::list();
  for (const VariableOrigin& variable : variables) {
    Tree& item = list.items.emplace_back(Tree::map());
    item.set("name", Tree::string(variable.name));
    item.set("value", Tree::string(variable.value));
    item.set("from", Tree::string(variable.from));
  }
  return list;
}

Tree tree_of(const ValueOrigin& origin) {
  Tree tree = Tree::map();
  tree.set("value", origin.value);
  tree.set("place", Tree::string(origin.place));
  if (!origin.written.empty()) tree.set("written", Tree::string(origin.written));
  if (!origin.variables.empty()) tree.set("variables", list_of(origin.variables));
  if (origin.way.empty()) return tree;
  Tree& way = tree.set("way", Tree::list());
  for (const auto& [how, at] : origin.way) {
    Tree& step = way.items.emplace_back(Tree::map());
    step.set("step", Tree::string(how));
    step.set("place", Tree::string(at));
  }
  return tree;
}

}  // namespace

std::string explanation_text(const std::vector<Explanation>& explanations) {
  std::string out;
  for (const Explanation& explanation : explanations) {
    const ValueOrigin& origin = explanation.origin;
    out += fmt::format("{} = {}\n", explanation.path, json_text(origin.value, false));
    out += fmt::format("  {}\n", origin.place.empty() ? "filled in: no file says it" : origin.place);
    append_details(out, origin, "    ");
    for (const ValueOrigin& earlier : explanation.overrode) {
      out += fmt::format("  overrides {}, {}\n", json_text(earlier.value, false), earlier.place);
      append_details(out, earlier, "    ");
    }
  }
  std::string shown;  // names and values come from files: they may not act on a terminal
  for (const std::string& line : split(out, '\n')) shown += printable(line) + "\n";
  shown.pop_back();
  return shown;
}

std::string explanation_json(const std::vector<Explanation>& explanations) {
  Tree list = Tree::list();
  for (const Explanation& explanation : explanations) {
    Tree item = tree_of(explanation.origin);
    item.members.insert(item.members.begin(), {"path", {}, Tree::string(explanation.path)});
    if (!explanation.overrode.empty()) {
      Tree& earlier = item.set("overrode", Tree::list());
      for (const ValueOrigin& origin : explanation.overrode) earlier.items.push_back(tree_of(origin));
    }
    list.items.push_back(std::move(item));
  }
  return json_text(list, true) + "\n";
}

}  // namespace berth::compose
