#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "compose/provider.h"
#include "engine/config.h"
#include "sys/paths.h"

namespace berth::cli::provider {

/// A provider that has been told to bring a service up, and not yet to take it down.
struct Record {
  std::string project, service, type;
  std::string program;  // absolute
  compose::FlagValues options;
  int64_t order = 0;                    // in its project: what it depends on has a lower one
  bool stops = false;                   // it can be stopped
  engine::StringMap setenv, rawsetenv;  // the variables it has answered with
};

/// The records of an instance: $BERTH_ROOT/providers/PROJECT/SERVICE.json.
class Records {
 public:
  explicit Records(const sys::Paths& paths) : directory_(paths.root + "/providers") {}

  /// Those of a project in the order in which they were brought up. What cannot be read is an error.
  [[nodiscard]] Result<std::vector<Record>> of(const std::string& project) const;
  [[nodiscard]] Status write(const Record& record) const;
  [[nodiscard]] Status remove(const Record& record) const;

 private:
  std::string directory_;
};

}  // namespace berth::cli::provider
