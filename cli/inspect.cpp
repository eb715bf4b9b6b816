#include "cli/inspect.h"

#include <fmt/core.h>

#include <optional>

#include "cli/go_template.h"
#include "cli/listing.h"
#include "cli/project.h"

namespace berth::cli {

int show_objects(const Context& context, const std::vector<std::string>& names, const std::string& format,
                 const std::function<Result<nlohmann::ordered_json>(const std::string&)>& find) {
  using Json = nlohmann::ordered_json;
  std::optional<GoTemplate> row;
  if (!format.empty() && format != "json") {
    Result<GoTemplate> parsed = GoTemplate::parse(format);
    if (!parsed) return report(context, std::move(parsed).error());
    row.emplace(std::move(parsed).value());
  }
  Json found = Json::array();
  std::vector<Error> failures;
  for (const std::string& name : names) {
    Result<Json> one = find(name);
    if (!one) {
      failures.push_back(std::move(one).error());
    } else if (!row) {
      found.push_back(std::move(*one));
    } else if (Result<std::string> text = row->render(*one)) {
      fmt::print("{}\n", printable_lines(*text));
    } else {
      failures.push_back(std::move(text).error());
    }
  }
  if (!row) fmt::print("{}\n", found.dump(format == "json" ? -1 : 4, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
  for (const Error& error : failures) print_error(context, error);
  return failures.empty() ? 0 : 1;
}

}  // namespace berth::cli
