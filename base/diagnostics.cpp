#include "base/diagnostics.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kReset = "\033[0m";
constexpr size_t kMaxQuotedLine = 200;

const char* severity_name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      return "note";
  }
  return "";
}

const char* severity_colour(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "\033[1;31m";
    case Severity::warning:
      return "\033[1;35m";
    case Severity::note:
      return "\033[1;36m";
  }
  return "";
}

/// Line `number` (from 1) of the text, without its newline; empty if there is no such line.
std::string_view line_of(std::string_view text, int number) {
  for (int line = 1; line < number; ++line) {
    size_t newline = text.find('\n');
    if (newline == std::string_view::npos) return {};
    text.remove_prefix(newline + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string SourceSpan::str() const {
  if (file == nullptr) return {};
  if (line <= 0) return *file;
  return fmt::format("{}:{}:{}", *file, line, column);
}

void Diagnostics::add(Severity severity, SourceSpan span, std::string message, std::string suggestion) {
  if (severity == Severity::error) ++errors_;
  all_.push_back({severity, std::move(span), std::move(message), std::move(suggestion)});
}

void Diagnostics::error(SourceSpan span, std::string message, std::string suggestion) {
  add(Severity::error, std::move(span), std::move(message), std::move(suggestion));
}

void Diagnostics::warning(SourceSpan span, std::string message, std::string suggestion) {
  add(Severity::warning, std::move(span), std::move(message), std::move(suggestion));
}

void Diagnostics::note(SourceSpan span, std::string message) {
  add(Severity::note, std::move(span), std::move(message), {});
}

void Diagnostics::remember_source(std::shared_ptr<const std::string> file, std::string text) {
  sources_.emplace_back(std::move(file), std::move(text));
}

std::string Diagnostics::quote(const Diagnostic& diagnostic, bool colour) const {
  const SourceSpan& span = diagnostic.span;
  if (!span.known()) return {};
  auto source = std::find_if(sources_.rbegin(), sources_.rend(), [&](const auto& s) { return *s.first == *span.file; });
  if (source == sources_.rend()) return {};
  std::string_view line = line_of(source->second, span.line);
  auto column = static_cast<size_t>(std::max(span.column, 1));
  if (line.empty() || column > line.size() + 1 || column > kMaxQuotedLine) return {};

  std::string text = fmt::format("{:>5} | {}\n", span.line, printable(line.substr(0, kMaxQuotedLine)));
  // Tabs are kept so that the caret stays under its column whatever a tab is wide.
  std::string margin;
  for (char c : line.substr(0, column - 1)) margin += c == '\t' ? '\t' : ' ';
  size_t rest = line.size() + 1 - column;
  size_t length = std::clamp<size_t>(static_cast<size_t>(std::max(span.length, 1)), 1, std::max<size_t>(rest, 1));
  text += "      | " + margin;
  if (colour) text += severity_colour(diagnostic.severity);
  text += "^" + std::string(length - 1, '~');
  if (colour) text += kReset;
  if (!diagnostic.suggestion.empty()) text += " " + printable(diagnostic.suggestion);
  return text + "\n";
}

std::string Diagnostics::render(bool colour) const {
  std::string text;
  for (const Diagnostic& diagnostic : all_) {
    std::string place = diagnostic.span.str();
    if (!place.empty()) place += ": ";
    std::string quoted = quote(diagnostic, colour);
    text += colour ? kBold + printable(place) + severity_colour(diagnostic.severity) : printable(place);
    text += severity_name(diagnostic.severity);
    text += colour ? std::string(":") + kReset + kBold + " " : ": ";
    text += printable(diagnostic.message);
    if (colour) text += kReset;
    if (quoted.empty() && !diagnostic.suggestion.empty()) text += " (" + printable(diagnostic.suggestion) + ")";
    text += "\n" + quoted;
  }
  return text;
}

}  // namespace berth
