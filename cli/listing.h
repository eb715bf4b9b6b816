#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace berth::cli {

/// A column of a table: its header, and the field of the rows that it shows.
struct Column {
  const char* header;
  const char* field;
};

/// Rows as `--format` wants them: "" or "table" (the columns), "json" (a line of JSON for each row), "table TEMPLATE"
/// (the cells that the template separates by \t), or a Go template for each row. Error: a template that is not
/// understood.
[[nodiscard]] Result<std::string> render_listing(const std::vector<nlohmann::ordered_json>& rows,
                                                 const std::vector<Column>& columns, const std::string& format);

/// printable(), but lines stay lines.
[[nodiscard]] std::string printable_lines(const std::string& text);

}  // namespace berth::cli
