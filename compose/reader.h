#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compose/files.h"
#include "compose/parse.h"

namespace berth::compose {

/// Reads compose files into documents. Bounds what all files of a run may be together.
class Reader {
 public:
  Reader(FileSource& files, std::string working_directory, Diagnostics& diagnostics)
      : files_(files), working_directory_(std::move(working_directory)), diagnostics_(diagnostics) {}

  /// The documents of the file that are maps ("-" = standard input), each node with its place. None after a mistake of
  /// syntax or where there is nothing to read. A file that another one asks for says so: `how`, at `at`.
  [[nodiscard]] std::vector<Tree> documents(const std::string& path, const std::string& how = {},
                                            const SourceSpan& at = {});

 private:
  [[nodiscard]] std::shared_ptr<const std::string> text_of(const std::string& path, const std::string& name,
                                                           const SourceSpan& at);

  FileSource& files_;
  std::string working_directory_;
  Diagnostics& diagnostics_;
  std::map<std::string, std::shared_ptr<const std::string>> texts_;  // by path; null = could not be read
  ParseBudget budget_;
  size_t parsed_bytes_ = 0;
};

}  // namespace berth::compose
