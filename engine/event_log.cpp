#include "engine/event_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/clock.h"
#include "engine/json_define.h"
#include "sys/file.h"

namespace berth::engine {
namespace {

constexpr off_t kLarge = 8 << 20;
constexpr size_t kRecent = 64;  // events of one container's end come together

}  // namespace

BERTH_JSON(Event, time_ns, action, id, project, service, one_off, attributes)

Event event_of(const ContainerRecord& container, std::string action, StringMap more) {
  Event event{wall_clock_ns(),   std::move(action), container.id,   container.project,
              container.service, container.one_off, std::move(more)};
  event.attributes.insert(container.labels.begin(), container.labels.end());
  event.attributes["image"] = container.config.image;
  event.attributes["name"] = container.name;
  return event;
}

void EventLog::add(const Event& event) const {
  Result<sys::UniqueFd> file = sys::open_file(path_, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return;
  (void)sys::write_all(file->ref(), Json(event).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  struct stat info {};
  if (fstat(file->get(), &info) == 0 && info.st_size > kLarge) (void)rename(path_.c_str(), (path_ + ".old").c_str());
}

EventReader::EventReader(sys::Paths paths) : paths_(std::move(paths)) {
  if (Result<sys::UniqueFd> old = sys::open_file(EventLog::old_path(paths_), O_RDONLY)) file_ = std::move(old).value();
}

void EventReader::skip_to_tail(int64_t bytes) {
  Result<sys::UniqueFd> current = sys::open_file(EventLog::path(paths_), O_RDONLY);
  if (!current) return;
  file_ = std::move(current).value();
  buffer_.clear();
  (void)lseek(file_.get(), std::max<off_t>(0, lseek(file_.get(), 0, SEEK_END) - bytes), SEEK_SET);
}

/// More of the file, or the beginning of the file that came after it.
bool EventReader::fill() {
  char chunk[16384];
  if (file_.valid()) {
    ssize_t n = read(file_.get(), chunk, sizeof chunk);
    if (n > 0) return buffer_.append(chunk, static_cast<size_t>(n)), true;
  }
  // At its end: the file has become the old one, or we have come from the old one.
  Result<sys::UniqueFd> current = sys::open_file(EventLog::path(paths_), O_RDONLY);
  if (!current) return false;
  struct stat ours {
  }, theirs{};
  bool same = file_.valid() && fstat(file_.get(), &ours) == 0 && fstat(current->get(), &theirs) == 0 &&
              ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
  if (same) return false;
  file_ = std::move(current).value();
  buffer_.clear();
  return fill();
}

std::optional<std::string> EventReader::line() {
  for (size_t from = 0;;) {
    size_t end = buffer_.find('\n', from);
    if (end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    from = buffer_.size();
    if (!fill()) return std::nullopt;
    if (buffer_.size() < from) from = 0;
  }
}

std::optional<Event> EventReader::next() {
  while (std::optional<std::string> text = line()) {
    Json json = Json::parse(*text, nullptr, false);
    if (!json.is_object()) continue;
    Event event;
    try {
      event = json.get<Event>();
    } catch (const Json::exception&) {
      continue;
    }
    if (std::find(recent_.begin(), recent_.end(), event) != recent_.end()) continue;
    if (recent_.size() == kRecent) recent_.erase(recent_.begin());
    recent_.push_back(event);
    return event;
  }
  return std::nullopt;
}

std::vector<Event> missing_events(const std::vector<Event>& logged, const std::vector<Container>& now) {
  std::map<std::string, const Event*> last;  // of each container that has not been removed
  int64_t newest = 0;
  for (const Event& event : logged) {
    newest = std::max(newest, event.time_ns);
    if (event.action == "destroy")
      last.erase(event.id);
    else
      last[event.id] = &event;
  }
  std::vector<Event> missing;
  auto add = [&](const ContainerRecord& record, const char* action, int64_t time_ns) {
    missing.push_back(event_of(record, action));
    missing.back().time_ns = time_ns;
  };
  for (const Container& container : now) {
    const ContainerRecord& record = container.record;
    // What is older than the log was told in one that is gone.
    if (!last.contains(record.id) && record.created_ns >= newest) add(record, "create", record.created_ns);
    if (container.live.alive() && container.live.started_ns >= newest) add(record, "start", container.live.started_ns);
    last.erase(record.id);
  }
  for (const auto& [id, event] : last) {
    missing.push_back(*event);
    missing.back().action = "destroy";
    missing.back().time_ns = wall_clock_ns();
  }
  std::sort(missing.begin(), missing.end(), [](const Event& a, const Event& b) { return a.time_ns < b.time_ns; });
  return missing;
}

}  // namespace berth::engine
