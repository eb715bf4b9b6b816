#include "dockerfile/parse.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "dockerfile/expand.h"
#include "dockerfile/reading.h"
#include "dockerfile/words.h"

namespace berth::dockerfile {
namespace {

using What = decltype(Instruction::what);

/// The one argument, variables and quotes as written.
Text one_argument(Reading& reading, const char* what) {
  reading.finish_flags();
  Text rest = reading.rest();
  if (rest.empty()) reading.error(reading.keyword_span(), fmt::format("needs {}", what));
  return rest;
}

std::vector<Text> list_or_words(Reading& reading, const char* what) {
  reading.finish_flags();
  Text rest = reading.rest();
  std::vector<Text> all;
  if (auto list = exec_form(rest.value)) {
    for (std::string& one : *list) all.push_back({std::move(one), rest.span});
  } else {
    all = reading.plain_words();
  }
  if (all.empty()) reading.error(reading.keyword_span(), fmt::format("needs {}", what));
  return all;
}

Command plain_command(Reading& reading) {
  reading.finish_flags();
  return read_command(reading);
}

What read_expose(Reading& reading) {
  reading.finish_flags();
  Expose expose{reading.plain_words()};
  if (expose.ports.empty()) reading.error(reading.keyword_span(), "needs a port");
  return expose;
}

What read_shell(Reading& reading) {
  reading.finish_flags();
  Text rest = reading.rest();
  auto words = exec_form(rest.value);
  if (!words || words->empty()) {
    reading.error(rest.empty() ? reading.keyword_span() : rest.span, "must be in exec form",
                  "SHELL [\"/bin/bash\", \"-c\"]");
    return Shell{};
  }
  return Shell{std::move(*words)};
}

What read_maintainer(Reading& reading) {
  reading.warning(reading.keyword_span(), "is deprecated", "LABEL org.opencontainers.image.authors=… says the same");
  return Maintainer{one_argument(reading, "a name")};
}

What read_onbuild(Reading& reading);

struct Keyword {
  std::string_view name;
  What (*read)(Reading& reading);
};

constexpr std::array<Keyword, 18> kKeywords = {{
    {"from", [](Reading& r) -> What { return read_from(r); }},
    {"arg", [](Reading& r) -> What { return read_arg(r); }},
    {"env", [](Reading& r) -> What { return Env{read_pairs(r)}; }},
    {"label", [](Reading& r) -> What { return Label{read_pairs(r)}; }},
    {"run", [](Reading& r) -> What { return read_run(r); }},
    {"copy", [](Reading& r) -> What { return read_copy(r, false); }},
    {"add", [](Reading& r) -> What { return read_copy(r, true); }},
    {"cmd", [](Reading& r) -> What { return Cmd{plain_command(r)}; }},
    {"entrypoint", [](Reading& r) -> What { return Entrypoint{plain_command(r)}; }},
    {"expose", read_expose},
    {"healthcheck", [](Reading& r) -> What { return read_healthcheck(r); }},
    {"maintainer", read_maintainer},
    {"shell", read_shell},
    {"stopsignal", [](Reading& r) -> What { return StopSignal{one_argument(r, "a signal")}; }},
    {"user", [](Reading& r) -> What { return User{one_argument(r, "a user")}; }},
    {"volume", [](Reading& r) -> What { return Volume{list_or_words(r, "a path")}; }},
    {"workdir", [](Reading& r) -> What { return Workdir{one_argument(r, "a path")}; }},
    {"onbuild", read_onbuild},
}};

const Keyword* find_keyword(std::string_view name) {
  auto found = std::find_if(kKeywords.begin(), kKeywords.end(), [&](const Keyword& one) { return one.name == name; });
  return found == kKeywords.end() ? nullptr : &*found;
}

What read_onbuild(Reading& reading) {
  Text rest = reading.rest();
  std::string word = to_lower(rest.value.substr(0, rest.value.find_first_of(" \t")));
  if (word == "onbuild" || word == "from" || word == "maintainer")
    reading.error(rest.span, fmt::format("cannot hold {}", word));
  else if (find_keyword(word) == nullptr)
    reading.error(rest.empty() ? reading.keyword_span() : rest.span, "needs an instruction");
  std::string text = rest.value;
  for (const Heredoc& heredoc : reading.line().heredocs) text += "\n" + heredoc.content + heredoc.delimiter.value;
  return Onbuild{std::move(text)};
}

/// The texts in which a build replaces variables.
std::vector<Text> expandable(const Instruction& instruction) {
  std::vector<Text> texts;
  auto add = [&](const std::optional<Text>& text) {
    if (text) texts.push_back(*text);
  };
  auto add_pairs = [&](const std::vector<std::pair<Text, Text>>& pairs) {
    for (const auto& [name, value] : pairs) texts.push_back(name), texts.push_back(value);
  };
  if (auto* from = std::get_if<From>(&instruction.what)) texts.push_back(from->image), add(from->platform);
  if (auto* env = std::get_if<Env>(&instruction.what)) add_pairs(env->all);
  if (auto* label = std::get_if<Label>(&instruction.what)) add_pairs(label->all);
  if (auto* arg = std::get_if<Arg>(&instruction.what)) {
    for (const Arg::One& one : arg->all) add(one.value);
  }
  if (auto* copy = std::get_if<Copy>(&instruction.what)) {
    texts.insert(texts.end(), copy->sources.begin(), copy->sources.end());
    texts.push_back(copy->destination);
    add(copy->from), add(copy->chown), add(copy->chmod), add(copy->checksum);
  }
  if (auto* expose = std::get_if<Expose>(&instruction.what)) texts = expose->ports;
  if (auto* volume = std::get_if<Volume>(&instruction.what)) texts = volume->paths;
  if (auto* user = std::get_if<User>(&instruction.what)) texts.push_back(user->user);
  if (auto* workdir = std::get_if<Workdir>(&instruction.what)) texts.push_back(workdir->path);
  if (auto* signal = std::get_if<StopSignal>(&instruction.what)) texts.push_back(signal->signal);
  return texts;
}

std::optional<Instruction> read_instruction(const Line& line, char escape, Diagnostics& diagnostics) {
  Reading reading(line, escape, diagnostics);
  const Keyword* keyword = find_keyword(reading.keyword());
  if (keyword == nullptr) {
    std::vector<std::string> names;
    for (const Keyword& one : kKeywords) names.emplace_back(one.name);
    std::optional<std::string> near = nearest(reading.keyword(), names);
    std::string hint = near ? "did you mean " : "";
    for (char c : near.value_or("")) hint += static_cast<char>(c - 'a' + 'A');
    diagnostics.error(reading.keyword_span(), fmt::format("unknown instruction \"{}\"", printable(reading.keyword())),
                      near ? hint + "?" : "a line that continues the one before needs its \"\\\"");
    return std::nullopt;
  }
  Instruction instruction{keyword->read(reading), std::string(trim(line.text.text())), reading.keyword_span()};
  for (const Text& text : expandable(instruction)) check_expansion(text, escape, diagnostics);
  return instruction;
}

class Stages {
 public:
  Stages(Dockerfile& file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

  void add(Instruction instruction) {
    if (auto* from = std::get_if<From>(&instruction.what)) return begin(*from, instruction);
    if (!file_.stages.empty()) {
      file_.stages.back().instructions.push_back(std::move(instruction));
    } else if (std::holds_alternative<Arg>(instruction.what)) {
      file_.global_args.push_back(std::move(instruction));
    } else if (!misplaced_) {
      misplaced_ = true;  // of many only the first: they are one mistake
      diagnostics_.error(instruction.span, "no build stage yet: FROM must come first",
                         "only ARG and directives may stand before it");
    }
  }

 private:
  void begin(From& from, const Instruction& instruction) {
    if (from.name && file_.find_stage(from.name->value) >= 0) {
      diagnostics_.error(from.name->span, fmt::format("the stage name \"{}\" is taken", from.name->value),
                         fmt::format("by the stage in line {}",
                                     file_.stages[static_cast<size_t>(file_.find_stage(from.name->value))].span.line));
    }
    file_.stages.push_back({std::move(from), instruction.text, instruction.span, {}});
  }

  Dockerfile& file_;
  Diagnostics& diagnostics_;
  bool misplaced_ = false;
};

}  // namespace

int Dockerfile::find_stage(std::string_view name) const {
  std::string wanted = to_lower(name);
  for (size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].from.name && stages[i].from.name->value == wanted) return static_cast<int>(i);
  }
  std::optional<unsigned long long> number = parse_unsigned(name);
  return number && *number < stages.size() ? static_cast<int>(*number) : -1;
}

std::optional<Dockerfile> parse(const std::string& name, const std::string& text, Diagnostics& diagnostics) {
  diagnostics.remember_source(name, text);
  std::shared_ptr<const SourceFile> file = source_file(name);
  size_t errors = diagnostics.error_count();
  Lines lines = read_lines(file, text, diagnostics);
  Dockerfile result;
  result.directives = std::move(lines.directives);
  Stages stages(result, diagnostics);
  for (const Line& line : lines.lines) {
    std::optional<Instruction> instruction = read_instruction(line, result.directives.escape, diagnostics);
    if (instruction) stages.add(std::move(*instruction));
  }
  if (lines.lines.empty()) diagnostics.error({file, 0, 0, 0}, "the Dockerfile is empty");
  if (result.stages.empty() && diagnostics.error_count() == errors)
    diagnostics.error({file, 0, 0, 0}, "the Dockerfile has no FROM");
  if (diagnostics.error_count() != errors) return std::nullopt;
  return result;
}

std::optional<Instruction> parse_instruction(const std::string& name, const std::string& text, char escape,
                                             Diagnostics& diagnostics) {
  diagnostics.remember_source(name, text);
  size_t errors = diagnostics.error_count();
  Lines lines = read_lines(source_file(name), text, diagnostics);
  if (lines.lines.size() != 1) return std::nullopt;
  std::optional<Instruction> instruction = read_instruction(lines.lines.front(), escape, diagnostics);
  if (diagnostics.error_count() != errors) return std::nullopt;
  return instruction;
}

}  // namespace berth::dockerfile
