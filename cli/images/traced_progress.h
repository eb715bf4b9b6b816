#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "cli/trace/recorder.h"
#include "images/progress.h"

namespace berth::cli {

/// Passes on what is told of an image on its way, and writes down for a trace how long its layers took to come, to be
/// unpacked, and the whole. Safe for several threads.
class TracedProgress : public images::Progress {
 public:
  /// `fd`: of trace::write_span(); `label`: "Image postgres:16".
  TracedProgress(int fd, std::string label, images::Progress& next);

  void layer(const std::string& layer, images::LayerPhase phase, uint64_t bytes, uint64_t total) override;
  void note(const std::string& text) override { next_.note(text); }

  /// The image is there, or is not going to be.
  void finish(bool good) const;

 private:
  struct Layer {
    std::string_view work;
    int64_t since_us = 0;
  };
  int fd_;
  std::string label_;
  images::Progress& next_;
  int64_t begun_us_;
  std::mutex mutex_;
  std::map<std::string, Layer> layers_;
};

}  // namespace berth::cli
