#pragma once

#include <memory>
#include <string>
#include <vector>

namespace berth {

/// A place in a text that the user wrote. Lines and columns count from 1; length in bytes, 0 = a point.
/// `file` is shared because every node of a large tree names it.
struct SourceSpan {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
  int length = 0;

  [[nodiscard]] bool known() const { return file != nullptr && line > 0; }
  /// "compose.yaml:14:7", or "" where the place is not known.
  [[nodiscard]] std::string str() const;
};

enum class Severity { error, warning, note };

struct Diagnostic {
  Severity severity = Severity::error;
  SourceSpan span;
  std::string message;     // one sentence without a full stop
  std::string suggestion;  // shown under the caret: `did you mean "database"?`
};

/// Everything that is wrong with the user's files, in the order found. Passes add and go on; the caller stops between
/// passes when has_errors(). Remembers the text of each file so that render() can quote the line.
class Diagnostics {
 public:
  void error(SourceSpan span, std::string message, std::string suggestion = {});
  void warning(SourceSpan span, std::string message, std::string suggestion = {});
  void note(SourceSpan span, std::string message);

  /// Lets render() quote lines of this file. The newest text for a name wins.
  void remember_source(std::shared_ptr<const std::string> file, std::string text);

  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] size_t error_count() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }

  /// The compiler's form of each diagnostic: place, severity, message, the quoted line and a caret.
  [[nodiscard]] std::string render(bool colour = false) const;

 private:
  void add(Severity severity, SourceSpan span, std::string message, std::string suggestion);
  [[nodiscard]] std::string quote(const Diagnostic& diagnostic, bool colour) const;

  std::vector<Diagnostic> all_;
  std::vector<std::pair<std::shared_ptr<const std::string>, std::string>> sources_;
  size_t errors_ = 0;
};

}  // namespace berth
