#pragma once

#include <cstdint>
#include <string>

namespace berth::images {

/// How far a layer is on its way into the store, or out of it.
enum class LayerPhase { waiting, receiving, unpacking, compressing, sending, done, already_present };

/// Told what goes on while images come and go, so that the command line can draw it. Called from the threads that do
/// the work, at most once per 64 KiB of data; must not throw.
class Progress {
 public:
  virtual ~Progress() = default;
  /// `layer` is the short digest where it is known beforehand, else the name of the file. `total` is 0 if unknown.
  virtual void layer(const std::string& layer, LayerPhase phase, uint64_t bytes, uint64_t total) = 0;
  /// A remark that is not an error ("socket /run/x ignored").
  virtual void note(const std::string& text) = 0;
};

}  // namespace berth::images
