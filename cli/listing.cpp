#include "cli/listing.h"

#include "base/text.h"
#include "cli/go_template.h"
#include "cli/go_template_functions.h"
#include "cli/table.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kTable = "table";

std::string render_columns(const std::vector<Json>& rows, const std::vector<Column>& columns) {
  std::vector<std::string> header;
  for (const Column& column : columns) header.emplace_back(column.header);
  std::vector<std::vector<std::string>> cells;
  for (const Json& row : rows) {
    cells.emplace_back();
    for (const Column& column : columns) cells.back().push_back(go_text(row.value(column.field, Json(""))));
  }
  return render_table(header, cells);
}

/// "CREATED BY" for CreatedBy, where no column says otherwise.
std::string header_of(const std::string& field, const std::vector<Column>& columns) {
  for (const Column& column : columns) {
    if (field == column.field) return column.header;
  }
  std::string header;
  for (char c : field) {
    bool capital = c >= 'A' && c <= 'Z';
    if (capital && !header.empty() && header.back() != ' ' && field != "ID") header += ' ';
    header += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return header;
}

Result<std::string> render_template_table(const std::vector<Json>& rows, const std::vector<Column>& columns,
                                          const std::string& text) {
  BERTH_TRY(GoTemplate row_template, GoTemplate::parse(text));
  Json titles = Json::object();
  if (!rows.empty()) {
    for (const auto& item : rows[0].items()) titles[item.key()] = header_of(item.key(), columns);
  }
  for (const Column& column : columns) titles[column.field] = column.header;
  BERTH_TRY(std::string header, row_template.render(titles));
  std::vector<std::vector<std::string>> cells;
  for (const Json& row : rows) {
    BERTH_TRY(std::string line, row_template.render(row));
    cells.push_back(split(line, '\t'));
    cells.back().resize(split(header, '\t').size());
  }
  return render_table(split(header, '\t'), cells);
}

}  // namespace

std::string printable_lines(const std::string& text) {
  std::vector<std::string> lines = split(text, '\n');
  for (std::string& line : lines) line = printable(line);
  return join(lines, "\n");
}

Result<std::string> render_listing(const std::vector<Json>& rows, const std::vector<Column>& columns,
                                   const std::string& format) {
  if (format.empty() || format == kTable) return render_columns(rows, columns);
  if (format.starts_with("table ")) return render_template_table(rows, columns, format.substr(kTable.size() + 1));
  std::string text;
  if (format == "json") {
    for (const Json& row : rows) text += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    return text;
  }
  BERTH_TRY(GoTemplate row_template, GoTemplate::parse(format));
  for (const Json& row : rows) {
    BERTH_TRY(std::string line, row_template.render(row));
    text += printable_lines(line) + "\n";
  }
  return text;
}

}  // namespace berth::cli
