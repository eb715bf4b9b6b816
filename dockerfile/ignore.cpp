#include "dockerfile/ignore.h"

#include <fmt/core.h>

#include "base/text.h"

namespace berth::dockerfile {
IgnoreRules IgnoreRules::parse(const std::string& name, const std::string& text, Diagnostics& diagnostics) {
  diagnostics.remember_source(name, text);
  std::shared_ptr<const SourceFile> file = source_file(name);
  IgnoreRules rules;
  int number = 0;
  std::string_view all = text;
  if (all.starts_with("\xEF\xBB\xBF")) all.remove_prefix(3);
  for (const std::string& line : split(all, '\n')) {
    ++number;
    if (line.starts_with('#')) continue;
    std::string_view pattern = trim(line);
    bool exception = pattern.starts_with('!');
    if (exception) pattern = trim(pattern.substr(1));
    if (pattern.empty()) {
      if (exception) diagnostics.error({file, number, 1, 1}, "\"!\" needs a pattern behind it");
      continue;
    }
    Result<PathPattern> parsed = PathPattern::parse(clean_path(pattern), true);
    if (!parsed) {
      diagnostics.error({file, number, 1, static_cast<int>(line.size())}, parsed.error().what);
      continue;
    }
    if (parsed->text().empty()) continue;  // "." and "/" are the context itself
    rules.has_exceptions_ = rules.has_exceptions_ || exception;
    rules.rules_.push_back({std::move(parsed).value(), exception});
  }
  return rules;
}

bool IgnoreRules::ignores(std::string_view path) const {
  bool ignored = false;
  for (const Rule& rule : rules_) {
    if (ignored != rule.exception) continue;  // it would say what holds already
    bool matches = rule.pattern.matches(path);
    for (size_t slash = path.find('/'); !matches && slash != std::string_view::npos; slash = path.find('/', slash + 1))
      matches = rule.pattern.matches(path.substr(0, slash));
    if (matches) ignored = !rule.exception;
  }
  return ignored;
}

}  // namespace berth::dockerfile
