#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Few files use it: nothing is gained by its library.
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_UNRELEASED_FEATURES 0
#include <toml++/toml.h>

#include "base/result.h"
#include "base/text.h"

namespace berth {

/// What those who read a file of settings have in common: every mistake has its place. For .cpp files only, because all
/// of the parser comes along.
class TomlReader {
 public:
  /// `name`: of the file, for messages.
  explicit TomlReader(std::string name) : name_(std::move(name)) {}

  [[nodiscard]] Result<toml::table> parse(std::string_view text) const {
    toml::parse_result parsed = toml::parse(text);
    if (parsed) return std::move(parsed).table();
    const toml::parse_error& error = parsed.error();
    return make_error(fmt::format("{}: {}", place(error.source()), printable(error.description())));
  }

  [[nodiscard]] std::string place(const toml::source_region& source) const {
    return fmt::format("{}:{}:{}", name_, source.begin.line, source.begin.column);
  }

  [[nodiscard]] Status check_keys(const toml::table& table, const std::vector<std::string>& known) const {
    for (const auto& [key, value] : table) {
      std::string word(key.str());
      if (std::find(known.begin(), known.end(), word) != known.end()) continue;
      std::optional<std::string> near = nearest(word, known);
      return make_error(
          fmt::format("{}: unknown key \"{}\"; expected {}", place(key.source()), printable(word), join(known, ", ")),
          near ? fmt::format("did you mean \"{}\"?", *near) : "");
    }
    return {};
  }

  /// The [[key]] tables below `table`; none if the key is missing.
  [[nodiscard]] Result<std::vector<const toml::table*>> tables_of(const toml::table& table, const char* key) const {
    std::vector<const toml::table*> tables;
    const toml::node* node = table.get(key);
    if (node == nullptr) return tables;
    const toml::array* array = node->as_array();
    auto mistake = [&] {
      return make_error(fmt::format("{}: {}: expected [[{}]] tables", place(node->source()), key, key));
    };
    if (array == nullptr) return mistake();
    for (const toml::node& element : *array) {
      if (!element.is_table()) return mistake();
      tables.push_back(element.as_table());
    }
    return tables;
  }

 private:
  std::string name_;
};

}  // namespace berth
