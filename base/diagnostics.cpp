#include "base/diagnostics.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace berth {
namespace {

constexpr const char* kBold = "\033[1m";
constexpr const char* kReset = "\033[0m";
constexpr size_t kMaxQuotedLine = 200;
constexpr size_t kMaxMessage = 2000;
constexpr size_t kMaxShown = 300;  // nobody reads more, and each is looked up in its text

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
  if (line <= 0) return file->name;
  return fmt::format("{}:{}:{}", file->name, line, column);
}

std::shared_ptr<const SourceFile> source_file(std::string name) {
  return std::make_shared<const SourceFile>(SourceFile{std::move(name), {}, {}, nullptr, {}});
}

std::shared_ptr<const SourceFile> source_by_way_of(const std::shared_ptr<const SourceFile>& file, std::string how,
                                                   SourceSpan at) {
  return std::make_shared<const SourceFile>(SourceFile{file->name, std::move(how), std::move(at), file, {}});
}

void Diagnostics::add(Severity severity, SourceSpan span, std::string message, std::string suggestion) {
  dropped_ = reported_before(severity, span, message);
  if (dropped_) return;
  if (severity == Severity::error) ++errors_;
  std::shared_ptr<const SourceFile> file = span.file;
  all_.push_back({severity, std::move(span), std::move(message), std::move(suggestion), false});
  tell_way(file, all_.size());
}

/// Whether the same place gave the same report already, one of the two by a roundabout way. How a message begins
/// depends on who uses the place, how it ends does not.
bool Diagnostics::reported_before(Severity severity, const SourceSpan& span, const std::string& message) {
  if (!span.known()) return false;
  constexpr size_t kEnd = 20;
  bool roundabout = !span.file->how.empty();
  std::string key = fmt::format("{} {} {}", severity_name(severity), span.str(),
                                message.substr(message.size() - std::min(kEnd, message.size())));
  auto [place, is_new] = reported_places_.emplace(std::move(key), roundabout);
  return !is_new && (roundabout || place->second);
}

/// The innermost step first; a step that several ways share is told once.
void Diagnostics::tell_way(const std::shared_ptr<const SourceFile>& file, size_t first_note) {
  if (file == nullptr || file->how.empty()) return;
  if (file->next != file->at.file) tell_way(file->next, first_note);
  bool told = std::any_of(all_.begin() + static_cast<long>(first_note), all_.end(), [&](const Diagnostic& note) {
    return note.message == file->how && note.span.str() == file->at.str();
  });
  if (!told) all_.push_back({Severity::note, file->at, file->how, {}, false});
  tell_way(file->at.file, first_note);
}

void Diagnostics::error(SourceSpan span, std::string message, std::string suggestion) {
  add(Severity::error, std::move(span), std::move(message), std::move(suggestion));
}

void Diagnostics::unsupported(SourceSpan span, std::string message, std::string suggestion) {
  size_t place = all_.size();
  add(tolerant_ ? Severity::warning : Severity::error, std::move(span), std::move(message), std::move(suggestion));
  if (place < all_.size()) all_[place].ours = true;
}

void Diagnostics::warning(SourceSpan span, std::string message, std::string suggestion) {
  add(Severity::warning, std::move(span), std::move(message), std::move(suggestion));
}

void Diagnostics::warning_once(const std::string& topic, SourceSpan span, std::string message) {
  if (!topics_.insert(topic).second) return;
  size_t place = all_.size();
  warning(std::move(span), std::move(message));
  if (place < all_.size()) all_[place].ours = true;
}

void Diagnostics::note(SourceSpan span, std::string message) {
  if (!dropped_) all_.push_back({Severity::note, std::move(span), std::move(message), {}, false});
}

void Diagnostics::remember_source(const std::string& name, std::string text) {
  sources_[name] = std::move(text);
}

const std::string* Diagnostics::source(const std::string& name) const {
  auto found = sources_.find(name);
  return found == sources_.end() ? nullptr : &found->second;
}

std::string Diagnostics::quote(const Diagnostic& diagnostic, bool colour) const {
  const SourceSpan& span = diagnostic.span;
  if (!span.known()) return {};
  auto source = sources_.find(span.file->name);
  if (source == sources_.end()) return {};
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
  for (size_t i = 0; i < all_.size(); ++i) {
    if (i == kMaxShown) return text + fmt::format("... and {} more\n", all_.size() - kMaxShown);
    const Diagnostic& diagnostic = all_[i];
    std::string place = diagnostic.span.str();
    if (!place.empty()) place += ": ";
    std::string quoted = quote(diagnostic, colour);
    text += colour ? kBold + printable(place) + severity_colour(diagnostic.severity) : printable(place);
    text += severity_name(diagnostic.severity);
    text += colour ? std::string(":") + kReset + kBold + " " : ": ";
    text += printable(diagnostic.message.substr(0, kMaxMessage));
    if (diagnostic.message.size() > kMaxMessage) text += " ...";
    if (colour) text += kReset;
    if (quoted.empty() && !diagnostic.suggestion.empty()) text += " (" + printable(diagnostic.suggestion) + ")";
    text += "\n" + quoted;
  }
  return text;
}

}  // namespace berth
