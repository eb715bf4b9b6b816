#include "engine/log_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/text.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

constexpr size_t kBufferSize = 1 << 20;

LogFrame header_at(const char* data) {
  LogFrame frame;
  std::memcpy(&frame, data, sizeof frame);
  return frame;
}

}  // namespace

LogReader::LogReader(sys::UniqueFd fd) : fd_(std::move(fd)), buffer_(kBufferSize) {}

Result<LogReader> LogReader::open(const std::string& path) {
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(path, O_RDONLY));
  return LogReader(std::move(fd));
}

bool LogReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  ssize_t n = read(fd_.get(), buffer_.data() + end_, buffer_.size() - end_);
  if (n <= 0) return false;
  end_ += static_cast<size_t>(n);
  return true;
}

bool LogReader::resync() {
  // After damage: to the next place that looks like a frame. A hole of NUL bytes is passed over quickly.
  char magic[sizeof kLogMagic];
  std::memcpy(magic, &kLogMagic, sizeof magic);
  auto found = std::search(buffer_.begin() + static_cast<ptrdiff_t>(begin_) + 1,
                           buffer_.begin() + static_cast<ptrdiff_t>(end_), magic, magic + sizeof magic);
  begin_ = static_cast<size_t>(found - buffer_.begin());
  if (found != buffer_.begin() + static_cast<ptrdiff_t>(end_)) return true;
  begin_ = end_ - std::min(end_, sizeof magic - 1);  // the magic may lie across the end
  return false;
}

bool LogReader::skip_torn() {
  // At the end of the file: a frame that is being written, unless one that came after it is there already.
  for (size_t at = begin_ + 1; at + sizeof(LogFrame) <= end_; ++at) {
    LogFrame frame = header_at(buffer_.data() + at);
    if (frame.magic != kLogMagic || frame.length > end_ - at - sizeof frame) continue;
    if (!intact(frame, buffer_.data() + at + sizeof frame)) continue;
    begin_ = at;
    return true;
  }
  return false;
}

std::optional<LogEntry> LogReader::next() {
  for (;;) {
    size_t have = end_ - begin_;
    if (have < sizeof(LogFrame)) {
      if (!fill()) return std::nullopt;
      continue;
    }
    LogFrame frame = header_at(buffer_.data() + begin_);
    bool plausible = frame.magic == kLogMagic && frame.length <= kMaxLogPayload;
    if (plausible && have < sizeof frame + frame.length) {
      if (!fill() && !skip_torn()) return std::nullopt;
      continue;
    }
    const char* payload = buffer_.data() + begin_ + sizeof frame;
    if (plausible && intact(frame, payload)) {
      begin_ += sizeof frame + frame.length;
      return LogEntry{frame.time_ns, frame.stream, (frame.flags & kLogPartial) != 0,
                      std::string_view(payload, frame.length)};
    }
    if (!resync() && !fill()) return std::nullopt;
  }
}

void LogReader::seek_tail(size_t lines) {
  // One pass that remembers where the last lines began. Frames have no back pointers; a pass over 200 MB takes a tenth
  // of a second.
  std::deque<off_t> starts;
  off_t base = 0;
  bool line_open = false;
  for (;;) {
    off_t position = lseek(fd_.get(), 0, SEEK_CUR) - static_cast<off_t>(end_ - begin_);
    std::optional<LogEntry> entry = next();
    if (!entry) {
      base = position;
      break;
    }
    if (!line_open) {
      starts.push_back(position);
      if (starts.size() > lines) starts.pop_front();
    }
    line_open = entry->partial;
  }
  lseek(fd_.get(), lines == 0 || starts.empty() ? base : starts.front(), SEEK_SET);
  begin_ = end_ = 0;
}

std::vector<std::string> last_lines(const std::string& path, size_t lines) {
  std::vector<std::string> texts;
  Result<LogReader> reader = LogReader::open(path);
  if (!reader) return texts;
  reader->seek_tail(lines);
  bool open = false;
  while (std::optional<LogEntry> entry = reader->next()) {
    std::string text = printable(entry->text);
    if (open)
      texts.back() += text;
    else
      texts.push_back(std::move(text));
    open = entry->partial;
  }
  return texts;
}

}  // namespace berth::engine
