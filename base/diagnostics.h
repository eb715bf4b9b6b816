#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace berth {

struct SourceFile;

/// A place in a text that the user wrote. Lines and columns count from 1; length in bytes, 0 = a point.
/// `file` is shared because every node of a large tree names it.
struct SourceSpan {
  std::shared_ptr<const SourceFile> file;
  int line = 0;
  int column = 0;
  int length = 0;

  [[nodiscard]] bool known() const { return file != nullptr && line > 0; }
  /// "compose.yaml:14:7", or "" where the place is not known.
  [[nodiscard]] std::string str() const;
};

/// A text as messages name it. Where what it says came to its place in a roundabout way (an included file, the base of
/// a service, an alias, a variable), the way is written here, one step per object: nodes that share a way share it.
struct SourceFile {
  std::string name;
  std::string how;                         // "included here"; "" = the file itself
  SourceSpan at;                           // where that was asked for; perhaps not known
  std::shared_ptr<const SourceFile> next;  // the steps before this one
  std::string variable;                    // where the step is a variable: its name
};
[[nodiscard]] std::shared_ptr<const SourceFile> source_file(std::string name);
/// The same text, come here by one more step.
[[nodiscard]] std::shared_ptr<const SourceFile> source_by_way_of(const std::shared_ptr<const SourceFile>& file,
                                                                 std::string how, SourceSpan at);

enum class Severity { error, warning, note };

struct Diagnostic {
  Severity severity = Severity::error;
  SourceSpan span;
  std::string message;     // one sentence without a full stop
  std::string suggestion;  // shown under the caret: `did you mean "database"?`
  bool ours = false;       // nothing is wrong with the file: it asks for what we cannot do
};

/// Everything that is wrong with the user's files, in the order found. Passes add and go on; the caller stops between
/// passes when has_errors(). Remembers the text of each file so that render() can quote the line.
///
/// After a mistake in a text that was come to in a roundabout way stand notes that tell the way. A place that is come
/// to in several ways (the base of ten services) is reported once.
class Diagnostics {
 public:
  void error(SourceSpan span, std::string message, std::string suggestion = {});
  /// Something that is right but that we cannot do: an error, or only a warning after tolerate_unsupported().
  void unsupported(SourceSpan span, std::string message, std::string suggestion = {});
  /// For those who only want to read the file.
  void tolerate_unsupported() { tolerant_ = true; }
  void warning(SourceSpan span, std::string message, std::string suggestion = {});
  /// Something that we cannot do and that one can do without. Only the first of a topic is shown: what is true of a
  /// hundred places need not be said of each.
  void warning_once(const std::string& topic, SourceSpan span, std::string message);
  void note(SourceSpan span, std::string message);

  /// Lets render() quote lines of this file. The newest text for a name wins.
  void remember_source(const std::string& name, std::string text);

  /// The text of a file that render() can quote, or nullptr.
  [[nodiscard]] const std::string* source(const std::string& name) const;
  /// All such texts, by name.
  [[nodiscard]] const std::unordered_map<std::string, std::string>& sources() const { return sources_; }

  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] size_t error_count() const { return errors_; }
  [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }

  /// The compiler's form of each diagnostic: place, severity, message, the quoted line and a caret.
  [[nodiscard]] std::string render(bool colour = false) const;

 private:
  void add(Severity severity, SourceSpan span, std::string message, std::string suggestion);
  [[nodiscard]] bool reported_before(Severity severity, const SourceSpan& span, const std::string& message);
  void tell_way(const std::shared_ptr<const SourceFile>& file, size_t first_note);
  [[nodiscard]] std::string quote(const Diagnostic& diagnostic, bool colour) const;

  std::vector<Diagnostic> all_;
  std::unordered_map<std::string, std::string> sources_;   // text by name
  std::unordered_map<std::string, bool> reported_places_;  // whether the place was come to in a roundabout way
  std::unordered_set<std::string> topics_;
  size_t errors_ = 0;
  bool tolerant_ = false;
  bool dropped_ = false;  // the last mistake was reported before: so are its notes
};

}  // namespace berth
