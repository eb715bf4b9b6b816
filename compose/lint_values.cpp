#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "compose/interpolate.h"
#include "compose/lint_rules.h"
#include "compose/scalar.h"
#include "compose/shell_words.h"

namespace berth::compose {
namespace {

constexpr std::string_view kDigits = "0123456789";

bool only(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_service_value(const WrittenScalar& scalar) {
  return scalar.path.starts_with("services.");
}

bool is_command(const WrittenScalar& scalar) {
  return is_service_value(scalar) && (scalar.key == "command" || scalar.key == "entrypoint" || scalar.key == "test");
}

/// Whether the scalar is the value of, or stands below, this attribute of a service.
bool is_below(const WrittenScalar& scalar, std::string_view attribute) {
  if (!is_service_value(scalar)) return false;
  return scalar.key == attribute || scalar.path.find(fmt::format(".{}.", attribute)) != std::string::npos ||
         scalar.path.find(fmt::format(".{}[", attribute)) != std::string::npos;
}

/// Where in its line the text `what` of a scalar stands; the scalar's own place where it is not to be seen there.
SourceSpan part_of(const WrittenScalar& scalar, std::string_view what) {
  SourceSpan span = scalar.value.span;
  size_t at = scalar.raw.find(what);
  if (at == std::string::npos) return span;
  span.column += static_cast<int>(at);
  span.length = static_cast<int>(what.size());
  return span;
}

void eaten_dollar(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    for (const VariableUse& use : variables_in(scalar.value.is_string() ? scalar.value.text : std::string())) {
      bool eaten = !input.is_set(use.name) && !use.default_value && !use.presence_value && !use.required;
      if (!eaten || use.braced) continue;
      report(part_of(scalar, "$" + use.name),
             fmt::format("\"${}\" is a variable that nobody sets: nothing is left of it", use.name),
             fmt::format("write $${} if the dollar is meant", use.name), unset_variable_message(use.name));
    }
  }
}

void host_variable(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    if (!is_command(scalar) || !scalar.value.is_string()) continue;
    for (const VariableUse& use : variables_in(scalar.value.text)) {
      bool of_host = input.is_set(use.name) && !input.model.scope.places.contains(use.name);
      if (!of_host || use.braced) continue;
      report(
          part_of(scalar, "$" + use.name),
          fmt::format("\"${}\" is put in from the environment of whoever runs berth, not of the container", use.name),
          fmt::format("write $${} for the container's", use.name));
    }
  }
}

void cut_command(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    bool command = is_service_value(scalar) && (scalar.key == "command" || scalar.key == "entrypoint");
    if (!command || scalar.in_list || !scalar.value.is_string()) continue;
    Result<ShellWords> words = split_shell_words(scalar.value.text);
    if (!words.ok() || words->cut_at == std::string_view::npos) continue;
    std::string_view tail = std::string_view(scalar.value.text).substr(words->cut_at);
    report(scalar.value.span, fmt::format("no shell reads this, so \"{}\" is dropped", tail.substr(0, 40)),
           "to use a shell: [\"sh\", \"-c\", \"...\"]");
  }
}

void octal_number(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    if (scalar.value.kind != Tree::Kind::integer || scalar.key == "mode") continue;
    std::string_view raw = scalar.raw;
    bool octal = raw.size() > 1 && raw.front() == '0' && only(raw, kDigits);
    if (!octal || scalar.value.text == raw) continue;
    report(scalar.value.span, fmt::format("{} is read as an octal number: {}", raw, scalar.value.text),
           fmt::format("write \"{}\"", raw));
  }
}

void float_number(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    if (scalar.value.kind != Tree::Kind::real || scalar.raw.empty()) continue;
    std::string shown = go_float_text(std::strtod(scalar.raw.c_str(), nullptr));
    bool text_wanted = is_below(scalar, "environment") || is_below(scalar, "labels") || is_below(scalar, "args");
    if (!text_wanted || shown == scalar.raw) continue;
    report(scalar.value.span, fmt::format("{} is read as a number: it becomes {}", scalar.raw, shown),
           fmt::format("write \"{}\"", scalar.raw));
  }
}

void old_boolean(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    if (scalar.quoted || !scalar.value.is_string() || scalar.key == "restart") continue;
    std::string word = to_lower(scalar.raw);
    bool special = word == "yes" || word == "no" || word == "on" || word == "off" || word == "y" || word == "n";
    if (!special) continue;
    report(scalar.value.span, fmt::format("{} is a text here, but a boolean to other readers of YAML", scalar.raw),
           fmt::format("write \"{}\", or true or false", scalar.raw));
  }
}

/// "22:22" as a number of base 60, as readers of YAML 1.1 have it; 0 if it is none.
long base_60(std::string_view text) {
  long value = 0;
  bool first = true;
  for (const std::string& part : split(text, ':')) {
    std::optional<unsigned long long> number = parse_unsigned(part);
    if (!number || *number > 10'000 || (!first && *number >= 60)) return 0;
    value = value * 60 + static_cast<long>(*number);
    first = false;
  }
  return value;
}

void unquoted_port(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    if (scalar.quoted || !scalar.in_list || scalar.key != "ports" || !is_service_value(scalar)) continue;
    if (!only(scalar.raw, "0123456789:") || scalar.raw.find(':') == std::string::npos) continue;
    long number = base_60(scalar.raw);
    std::string to_others = number == 0 ? std::string("some readers of YAML take such a text for a number of base 60")
                                        : fmt::format("to other readers of YAML this is the number {}", number);
    report(scalar.value.span, fmt::format("the port {} is not in quotes: {}", scalar.raw, to_others),
           fmt::format("write \"{}\"", scalar.raw));
  }
}

void quotes_in_value(const LintInput& input, const Report& report) {
  for (const WrittenScalar& scalar : input.written.scalars()) {
    bool assignment = scalar.in_list && (is_below(scalar, "environment") || is_below(scalar, "args"));
    size_t equals = scalar.value.text.find('=');
    if (!assignment || equals == std::string::npos) continue;
    std::string_view value = std::string_view(scalar.value.text).substr(equals + 1);
    bool kept = value.size() > 1 && value.front() == value.back() && (value.front() == '"' || value.front() == '\'');
    if (!kept) continue;
    report(scalar.value.span, fmt::format("the quotes are part of the value: {}", value),
           fmt::format("write {}={}", scalar.value.text.substr(0, equals), value.substr(1, value.size() - 2)));
  }
}

constexpr LintRule kValueRules[] = {
    {"eaten-dollar", "a $name that nobody sets, so that it vanishes from the value", eaten_dollar},
    {"host-variable", "a command with a $NAME of the host's environment", host_variable},
    {"cut-command", "a command whose end is dropped because no shell reads it", cut_command},
    {"octal-number", "a number with a leading zero", octal_number},
    {"float-number", "a number that loses digits: 1.10", float_number},
    {"old-boolean", "yes, no, on, off without quotes", old_boolean},
    {"unquoted-port", "a port mapping without quotes", unquoted_port},
    {"quotes-in-value", "quotes that become part of a variable's value", quotes_in_value},
};

}  // namespace

std::span<const LintRule> rules_of_values() {
  return kValueRules;
}

}  // namespace berth::compose
