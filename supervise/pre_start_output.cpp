#include "supervise/pre_start_output.h"

#include <utility>

namespace berth::supervise {

void PreStartOutput::tell() {
  if (!on_line_) return;
  if (!reader_) {
    Result<engine::LogReader> opened = engine::LogReader::open(log_path_);
    if (!opened) return;  // it has printed nothing yet
    reader_.emplace(std::move(opened).value());
  }
  while (std::optional<engine::LogEntry> entry = reader_->next()) {
    std::string& open = open_[entry->stream == 2 ? 1 : 0];
    open += entry->text;
    const bool whole = entry->kind == engine::LogEntry::Kind::text && !entry->partial;
    if (whole || (entry->kind == engine::LogEntry::Kind::end && !open.empty()))
      on_line_(source_, std::exchange(open, {}));
  }
}

}  // namespace berth::supervise
