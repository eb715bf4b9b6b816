#include "oci/arguments.h"

#include <fmt/core.h>

#include <optional>

#include "base/text.h"

namespace berth::oci {
namespace {

const FlagRow* find(std::span<const FlagRow> rows, std::string_view name) {
  for (const FlagRow& row : rows) {
    if (name == row.name || (!row.letter.empty() && name == row.letter)) return &row;
  }
  return nullptr;
}

Error unknown(std::span<const FlagRow> rows, const std::string& name) {
  std::vector<std::string> names;
  for (const FlagRow& row : rows) names.emplace_back(row.name);
  std::optional<std::string> near = nearest(name, names);
  return make_error(fmt::format("unknown flag --{}", printable(name)),
                    near ? fmt::format("did you mean --{}?", *near) : "");
}

}  // namespace

Result<Arguments> Arguments::parse(std::span<const FlagRow> rows, std::span<char* const> words) {
  Arguments result;
  size_t i = 0;
  for (; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word.size() < 2 || word[0] != '-') break;
    if (word == "--") {
      ++i;
      break;
    }
    word.remove_prefix(word[1] == '-' ? 2 : 1);
    size_t equals = word.find('=');
    std::string name(word.substr(0, equals));
    const FlagRow* row = find(rows, name);
    if (row == nullptr) return unknown(rows, name);
    std::string value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
      if (!row->takes_value && value != "true" && value != "false") {
        return make_error(fmt::format("flag --{} takes no value but true and false", row->name));
      }
      if (!row->takes_value && value == "false") continue;
    } else if (row->takes_value) {
      if (++i == words.size()) return make_error(fmt::format("flag --{} needs a value", row->name));
      value = words[i];
    }
    result.flags_[std::string(row->name)].push_back(std::move(value));
  }
  for (; i < words.size(); ++i) result.operands_.emplace_back(words[i]);
  return result;
}

bool Arguments::has(std::string_view flag) const {
  return flags_.find(flag) != flags_.end();
}

std::string Arguments::value(std::string_view flag) const {
  auto found = flags_.find(flag);
  return found == flags_.end() ? "" : found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  auto found = flags_.find(flag);
  return found == flags_.end() ? std::vector<std::string>{} : found->second;
}

Result<int64_t> Arguments::number(std::string_view flag) const {
  std::string text = value(flag);
  bool negative = text.starts_with('-');
  if (text.empty()) return int64_t{0};
  std::optional<unsigned long long> number = parse_unsigned(std::string_view(text).substr(negative ? 1 : 0));
  if (!number || *number > INT64_MAX) {
    return make_error(fmt::format("--{}: \"{}\" is not a whole number", flag, printable(text)));
  }
  return negative ? -static_cast<int64_t>(*number) : static_cast<int64_t>(*number);
}

}  // namespace berth::oci
