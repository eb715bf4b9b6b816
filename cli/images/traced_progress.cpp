#include "cli/images/traced_progress.h"

#include <utility>

#include "cli/sizes.h"

namespace berth::cli {

using images::LayerPhase;

namespace {

/// What is done with a layer, as far as one sees: small ones come without a word.
std::string_view work_in(LayerPhase phase) {
  if (phase == LayerPhase::waiting || phase == LayerPhase::receiving) return "download";
  return phase == LayerPhase::unpacking ? "unpack" : "";
}

}  // namespace

TracedProgress::TracedProgress(int fd, std::string label, images::Progress& next)
    : fd_(fd), label_(std::move(label)), next_(next), begun_us_(fd < 0 ? 0 : engine::trace_clock_us()) {}

void TracedProgress::layer(const std::string& layer, LayerPhase phase, uint64_t bytes, uint64_t total) {
  next_.layer(layer, phase, bytes, total);
  if (fd_ < 0) return;
  std::lock_guard lock(mutex_);
  auto [known, is_new] = layers_.try_emplace(layer, Layer{work_in(phase), engine::trace_clock_us()});
  if (is_new || work_in(phase) == known->second.work) return;
  const Layer before = std::exchange(known->second, {work_in(phase), engine::trace_clock_us()});
  if (before.work.empty()) return;
  trace::write_span(fd_, {label_, std::string(before.work) + " " + layer, before.since_us, known->second.since_us,
                          total == 0 ? "" : size_text(total), false});
}

void TracedProgress::finish(bool good) const {
  if (fd_ >= 0) trace::write_span(fd_, {label_, "pull", begun_us_, engine::trace_clock_us(), "", !good});
}

}  // namespace berth::cli
