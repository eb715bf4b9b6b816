// The Trace Event Format: complete events ("X") on threads. Events of one thread must lie beside or within each other;
// what overlaps otherwise goes to a further thread of the same name.

#include <algorithm>
#include <map>

#include "cli/trace/timeline.h"

namespace berth::cli::trace {
namespace {

using engine::Json;

constexpr int kProcess = 1;

struct Piece {
  std::string who, what, category;
  int64_t begin_us = 0, end_us = 0;
  Json arguments = Json::object();
};

class ChromeWriter {
 public:
  explicit ChromeWriter(const Timeline& timeline) : timeline_(timeline) {}

  std::string write() {
    describe(0, "process_name", "berth up " + timeline_.project);
    for (const Leg& leg : critical_path(timeline_)) {
      Json arguments = Json::object();
      if (!leg.why.empty()) arguments["why"] = leg.why;
      put({"critical path", leg.who + " " + leg.what, "critical", leg.begin_us, leg.end_us, std::move(arguments)});
    }
    std::vector<Piece> pieces = all_pieces();
    // What begins first, and of two that begin together the longer one, is what others lie in.
    std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
      return a.begin_us != b.begin_us ? a.begin_us < b.begin_us : a.end_us > b.end_us;
    });
    for (const Piece& piece : pieces) put(piece);
    return engine::to_text(Json{{"traceEvents", std::move(events_)}, {"displayTimeUnit", "ms"}}) + "\n";
  }

 private:
  [[nodiscard]] std::vector<Piece> all_pieces() const {
    std::vector<Piece> pieces;
    for (const TracedStep& step : timeline_.steps) {
      Piece piece{short_name(timeline_, step.who), short_verb(step.verb), "step", step.begin_us, step.end_us};
      if (step.failed) piece.arguments["failed"] = true;
      pieces.push_back(std::move(piece));
    }
    for (const engine::Span& span : timeline_.spans) {
      Piece piece{short_name(timeline_, span.who), span.what, "part", span.begin_us, span.end_us};
      if (!span.note.empty()) piece.arguments["note"] = span.note;
      if (span.failed) piece.arguments["failed"] = true;
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }

  /// Ends of the events that are open on a thread, innermost last.
  struct Thread {
    int number = 0;
    std::vector<int64_t> open;
  };

  static bool takes(Thread& thread, const Piece& piece) {
    while (!thread.open.empty() && thread.open.back() <= piece.begin_us) thread.open.pop_back();
    return thread.open.empty() || piece.end_us <= thread.open.back();
  }

  int thread_for(const Piece& piece) {
    std::vector<Thread>& threads = threads_[piece.who];
    auto free = std::find_if(threads.begin(), threads.end(), [&](Thread& thread) { return takes(thread, piece); });
    if (free == threads.end()) {
      free = threads.insert(threads.end(), {++last_thread_, {}});
      describe(free->number, "thread_name", piece.who);
      events_.push_back({{"ph", "M"},
                         {"pid", kProcess},
                         {"tid", free->number},
                         {"name", "thread_sort_index"},
                         {"args", {{"sort_index", free->number}}}});
    }
    free->open.push_back(piece.end_us);
    return free->number;
  }

  void describe(int thread, const char* what, const std::string& name) {
    events_.push_back({{"ph", "M"}, {"pid", kProcess}, {"tid", thread}, {"name", what}, {"args", {{"name", name}}}});
  }

  void put(const Piece& piece) {
    Json event{{"name", piece.what},
               {"cat", piece.category},
               {"pid", kProcess},
               {"tid", thread_for(piece)},
               {"ts", piece.begin_us - timeline_.begin_us},
               {"args", piece.arguments}};
    if (piece.begin_us == piece.end_us) {
      event["ph"] = "i";
      event["s"] = "t";
    } else {
      event["ph"] = "X";
      event["dur"] = piece.end_us - piece.begin_us;
    }
    events_.push_back(std::move(event));
  }

  const Timeline& timeline_;
  std::map<std::string, std::vector<Thread>> threads_;  // by name
  int last_thread_ = 0;
  Json events_ = Json::array();
};

}  // namespace

std::string to_chrome(const Timeline& timeline) {
  return ChromeWriter(timeline).write();
}

}  // namespace berth::cli::trace
