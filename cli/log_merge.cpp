#include "cli/log_merge.h"

#include <queue>
#include <vector>

namespace berth::cli {
namespace {

struct Later {
  bool operator()(const LogMerge::Input* a, const LogMerge::Input* b) const {
    return a->head->time_ns > b->head->time_ns;
  }
};

}  // namespace

LogMerge::Input& LogMerge::add(LogPrinter::Source& source, engine::LogReader reader) {
  return inputs_.emplace_back(Input{source, std::move(reader), std::nullopt});
}

void LogMerge::remove(const Input& input) {
  inputs_.remove_if([&](const Input& each) { return &each == &input; });
}

void LogMerge::print(Input& input) {
  const engine::LogEntry& entry = *input.head;
  bool timed = entry.kind != engine::LogEntry::Kind::end && entry.time_ns != 0;
  if (timed && (entry.time_ns < period_.since_ns || entry.time_ns > period_.until_ns)) return;
  if (entry.kind == engine::LogEntry::Kind::gap) input.gap_told = 0;
  printer_.print(input.source, entry);
}

void LogMerge::pump() {
  std::priority_queue<Input*, std::vector<Input*>, Later> heads;
  for (Input& input : inputs_) {
    input.head = input.reader.next();
    if (input.head) heads.push(&input);
  }
  while (!heads.empty()) {
    Input& first = *heads.top();
    heads.pop();
    // As long as nobody else's turn comes, without the queue.
    int64_t limit = heads.empty() ? INT64_MAX : heads.top()->head->time_ns;
    do {
      print(first);
      first.head = first.reader.next();
    } while (first.head && first.head->time_ns <= limit);
    if (first.head) heads.push(&first);
  }
}

void LogMerge::tell_open_gaps() {
  for (Input& input : inputs_) {
    const std::optional<engine::LogEntry>& gap = input.reader.open_gap();
    if (!gap || gap->time_ns == input.gap_told) continue;
    input.gap_told = gap->time_ns;
    printer_.print(input.source, *gap);
  }
}

void LogMerge::flush() {
  for (Input& input : inputs_) printer_.flush(input.source);
}

}  // namespace berth::cli
