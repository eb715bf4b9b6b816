#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "cli/detach_keys.h"
#include "engine/log_reader.h"
#include "engine/state.h"
#include "sys/fd.h"

namespace berth::cli {

struct AttachFlags {
  std::string detach_keys = "ctrl-p,ctrl-q";
  bool no_stdin = false, sig_proxy = true;
};

/// What a container writes from now on, out of its log; to our streams as it came.
class ContainerOutput {
 public:
  /// The log need not be there yet.
  [[nodiscard]] static Result<ContainerOutput> follow(const std::string& log);

  /// Readable when there may be something new; then call pump().
  [[nodiscard]] sys::FdRef fd() const { return notify_.ref(); }
  void pump();

 private:
  std::string log_;
  sys::UniqueFd notify_;
  std::optional<engine::LogReader> reader_;
};

/// Our standard streams, connected to those of a container in the background.
class Attachment {
 public:
  /// From here on nothing that the container writes is missed; it need not run yet. Error: detach keys that are none,
  /// output that goes nowhere. Requires: `context` outlives it.
  [[nodiscard]] static Result<Attachment> prepare(const Context& context, const engine::ContainerRecord& record,
                                                  const AttachFlags& flags);

  /// Until the container ends, whose exit code is returned, or we leave it: 0 after the detach keys, 130 after a signal
  /// that is not passed on. `container`: as it is now that it has been started.
  [[nodiscard]] Result<int> carry(const engine::Container& container);

 private:
  Attachment(const Context& context, AttachFlags flags, DetachKeys keys, ContainerOutput output)
      : context_(context), flags_(std::move(flags)), keys_(std::move(keys)), output_(std::move(output)) {}

  const Context& context_;
  AttachFlags flags_;
  DetachKeys keys_;
  ContainerOutput output_;
};

}  // namespace berth::cli
