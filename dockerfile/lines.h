#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/diagnostics.h"
#include "dockerfile/text.h"

namespace berth::dockerfile {

/// `# syntax=`, `# escape=` and `# check=` at the head of the file.
struct Directives {
  std::optional<Text> syntax, check;
  char escape = '\\';
};

/// `<<EOF` and what stands below it.
struct Heredoc {
  Text delimiter;
  bool expand = true;  // false: the delimiter was quoted
  std::string content;
  SourceSpan span;  // of the word, "<<EOF"
};

/// An instruction as lines: joined where they are continued, without comments.
struct Line {
  Joined text;
  std::vector<Heredoc> heredocs;
};

struct Lines {
  Directives directives;
  std::vector<Line> lines;
};

/// Splits a Dockerfile (UTF-8 with or without BOM, LF or CRLF) into instructions. Heredocs are taken where the
/// instruction has them: RUN, COPY, ADD, also behind ONBUILD.
[[nodiscard]] Lines read_lines(const std::shared_ptr<const SourceFile>& file, const std::string& text,
                               Diagnostics& diagnostics);

}  // namespace berth::dockerfile
