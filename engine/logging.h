#pragma once

// `logging:` of a service: Docker's drivers and options, as far as they mean something here.

#include <string>
#include <vector>

#include "base/log_frame.h"
#include "base/result.h"
#include "engine/config.h"

namespace berth::engine {

struct Logging {
  /// json-file unless said otherwise. Without options three files of 10 MiB; the driver `local` five of 20 MB, as
  /// Docker's.
  LogLimits limits{};
  std::vector<Error> errors;          // values that no option takes, names that are nearly right
  std::vector<std::string> warnings;  // drivers that there are not: the log is kept here all the same
};
[[nodiscard]] Logging read_logging(const LogConfig& config);

struct Lowering;
/// A part of lower(), with the others (engine/lower_parts.h).
void lower_logging(const Lowering& in);

/// True where nothing is kept that could be shown.
[[nodiscard]] bool keeps_no_log(const LogConfig& config);

}  // namespace berth::engine
