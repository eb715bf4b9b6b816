#include "engine/log_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <deque>

#include "base/text.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

constexpr size_t kBufferSize = 256 << 10;

LogFrame header_at(const char* data) {
  LogFrame frame;
  std::memcpy(&frame, data, sizeof frame);
  return frame;
}

LogEntry entry_of(const LogFrame& frame, const char* payload) {
  LogEntry entry{frame.time_ns, frame.stream, (frame.flags & kLogPartial) != 0};
  if ((frame.flags & kLogGap) != 0 && frame.length >= sizeof(LogGap)) {
    LogGap gap;
    std::memcpy(&gap, payload, sizeof gap);
    entry.kind = LogEntry::Kind::gap;
    entry.lost = gap.lines;
    entry.error = gap.error;
  } else if ((frame.flags & kLogEnd) != 0) {
    entry.kind = LogEntry::Kind::end;
  } else {
    entry.text = std::string_view(payload, frame.length);
  }
  return entry;
}

std::string name_of(uint32_t number) {
  char name[kLogNameSize];
  name_log_file(number, name);
  return name;
}

/// Numbers of the files of a log, in no order.
std::vector<uint32_t> numbers_in(const std::string& directory) {
  std::vector<uint32_t> numbers;
  for (const std::string& name : sys::list_dir(directory).value_or({})) {
    if (!name.starts_with("log")) continue;
    auto number = static_cast<uint32_t>(
        parse_unsigned(std::string_view(name).substr(std::min<size_t>(4, name.size()))).value_or(0));
    if (name == name_of(number)) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

LogReader::LogReader(std::string directory)
    : directory_(std::move(directory)), buffer_(std::make_unique_for_overwrite<char[]>(kBufferSize)) {}

Result<LogReader> LogReader::open(const std::string& path) {
  LogReader reader(path.substr(0, path.rfind('/')));
  BERTH_TRY_OK(reader.open_oldest());
  return reader;
}

uint32_t LogReader::newest(const std::string& directory) {
  std::vector<uint32_t> numbers = numbers_in(directory);
  return numbers.empty() ? 0 : *std::max_element(numbers.begin(), numbers.end());
}

berth::Status LogReader::open_file(uint32_t number) {
  BERTH_TRY(fd_, sys::open_file(directory_ + "/" + name_of(number), O_RDONLY));
  number_ = number;
  rotated_.reset();
  offset_ = 0;
  begin_ = end_ = 0;
  return {};
}

berth::Status LogReader::open_oldest() {
  berth::Status opened = open_file(0);  // where it mostly is
  constexpr int kTries = 5;             // rotation may remove it before it is opened
  for (int i = 0; !opened && opened.error().code == ENOENT && i < kTries; ++i) {
    std::vector<uint32_t> numbers = numbers_in(directory_);
    if (numbers.empty()) break;
    opened = open_file(*std::min_element(numbers.begin(), numbers.end()));
  }
  return opened;
}

bool LogReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  ssize_t n = pread(fd_.get(), buffer_.get() + end_, kBufferSize - end_, offset_);
  if (n <= 0) return false;
  end_ += static_cast<size_t>(n);
  offset_ += n;
  return true;
}

void LogReader::rewind() {
  // What is at the end may still change: a frame that is being written, or one that is cut off and written over.
  offset_ = position().offset;
  begin_ = end_ = 0;
}

void LogReader::resync() {
  // After damage: to the next place that looks like a frame. A hole of NUL bytes is passed over quickly.
  char magic[sizeof kLogMagic];
  std::memcpy(magic, &kLogMagic, sizeof magic);
  const char* end = buffer_.get() + end_;
  const char* found =
      std::search(static_cast<const char*>(buffer_.get() + begin_ + 1), end, magic, magic + sizeof magic);
  // The magic may lie across the end.
  begin_ = found != end ? static_cast<size_t>(found - buffer_.get())
                        : std::max(begin_ + 1, end_ - std::min(end_, sizeof magic - 1));
}

bool LogReader::skip_torn() {
  // At the end of the file: a frame that is being written, unless one that came after it is there already.
  for (size_t at = begin_ + 1; at + sizeof(LogFrame) <= end_; ++at) {
    LogFrame frame = header_at(buffer_.get() + at);
    if (frame.magic != kLogMagic || frame.length > end_ - at - sizeof frame) continue;
    if (!intact(frame, buffer_.get() + at + sizeof frame)) continue;
    begin_ = at;
    return true;
  }
  return false;
}

std::optional<uint32_t> LogReader::successor() const {
  if (access((directory_ + "/" + name_of(number_ + 1)).c_str(), F_OK) == 0) return number_ + 1;
  struct stat info {};
  if (fstat(fd_.get(), &info) == 0 && info.st_nlink > 0) return std::nullopt;  // removed are the oldest first
  std::optional<uint32_t> next;
  for (uint32_t number : numbers_in(directory_)) {
    if (number > number_ && (!next || number < *next)) next = number;
  }
  return next;
}

void LogReader::go_on() {
  overtaken_ = overtaken_ || *rotated_ != number_ + 1;
  if (open_file(*rotated_)) return;
  overtaken_ = true;  // it has gone meanwhile, as has all before the next one
  rotated_.reset();
}

std::optional<LogEntry> LogReader::next() {
  open_gap_.reset();
  for (;;) {
    if (overtaken_) {
      overtaken_ = false;
      LogEntry gap;
      gap.kind = LogEntry::Kind::gap;
      return gap;
    }
    size_t have = end_ - begin_;
    LogFrame frame{};
    if (have >= sizeof frame) frame = header_at(buffer_.get() + begin_);
    bool plausible = frame.magic == kLogMagic && frame.length <= kMaxLogPayload;
    size_t size = sizeof frame + (plausible ? frame.length : 0);
    const char* payload = buffer_.get() + begin_ + sizeof frame;
    bool good = plausible && have >= size && intact(frame, payload);
    // The last frame may be one that the keeper is about to write over.
    bool last = have <= size && !(good && (frame.flags & kLogGap) == 0);
    if (last) {
      if (fill()) continue;
      if (have < size && skip_torn()) continue;
      if (!rotated_) {
        rotated_ = successor();
        if (rotated_) continue;  // more may have come to this file just before
        if (good) open_gap_ = entry_of(frame, payload);
        rewind();
        return std::nullopt;
      }
      if (have < size) {
        go_on();
        continue;
      }
    }
    if (good) {
      begin_ += size;
      return entry_of(frame, payload);
    }
    resync();
  }
}

void LogReader::seek_tail(size_t lines) {
  // One pass that remembers where the last lines began. Frames have no back pointers; a pass over 200 MB takes a tenth
  // of a second.
  std::deque<Position> starts;
  bool line_open[2] = {false, false};
  Position at = position();
  while (std::optional<LogEntry> entry = next()) {
    if (number_ != at.file) at = {number_, 0};
    bool& open = line_open[entry->stream == 2 ? 1 : 0];
    if (entry->kind != LogEntry::Kind::text) {
      open = false;
    } else {
      if (!open) starts.push_back(at);
      if (starts.size() > lines) starts.pop_front();
      open = entry->partial;
    }
    at = position();
  }
  if (lines == 0 || starts.empty()) return;
  const Position start = starts.front();
  // A file that has been removed meanwhile was the oldest: then from the beginning of what there is.
  if (start.file != number_ && !open_file(start.file) && !open_oldest()) return;
  begin_ = end_ = 0;
  offset_ = number_ == start.file ? start.offset : 0;
  rotated_.reset();
}

std::vector<std::string> last_lines(const std::string& path, size_t lines) {
  std::vector<std::string> texts;
  Result<LogReader> reader = LogReader::open(path);
  if (!reader) return texts;
  reader->seek_tail(lines);
  bool open = false;
  while (std::optional<LogEntry> entry = reader->next()) {
    if (entry->kind != LogEntry::Kind::text) {
      open = false;
      continue;
    }
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
