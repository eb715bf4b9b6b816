#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "images/layer_unpack.h"
#include "sys/fd.h"

namespace berth::images {

/// unpack_layer() in a process of its own, fed through a socket, so that a mistake in parsing untrusted bytes meets
/// nothing but the layer's own directory: where permitted the process has that directory as its root (pivot_root,
/// nodev, nosuid, noexec), empty network and IPC namespaces, only the capabilities that unpacking takes and no way to
/// gain others. Without the privilege for namespaces openat2 alone confines it. It dies with the thread that started
/// it.
class UnpackProcess {
 public:
  /// `directory` is the root of the layer, and what is in it gives way to entries of the same name; "": nothing is
  /// unpacked, only decompressed and hashed.
  [[nodiscard]] static Result<UnpackProcess> start(const std::string& directory, const UnpackOptions& options);
  UnpackProcess(UnpackProcess&& other) noexcept;
  UnpackProcess& operator=(UnpackProcess&&) = delete;
  /// Kills it if it still runs.
  ~UnpackProcess();

  /// Error: what the process found wrong with the layer, if it has ended early.
  [[nodiscard]] Status send(std::string_view bytes);
  /// Ends the input and waits for the verdict.
  [[nodiscard]] Result<UnpackResult> finish();

 private:
  UnpackProcess(pid_t pid, sys::UniqueFd data, sys::UniqueFd verdict)
      : pid_(pid), data_(std::move(data)), verdict_(std::move(verdict)) {}
  int reap();

  pid_t pid_ = -1;
  sys::UniqueFd data_;     // socket: what we send
  sys::UniqueFd verdict_;  // pipe: what it answers, once
};

}  // namespace berth::images
