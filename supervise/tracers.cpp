#include "supervise/tracers.h"

namespace berth::supervise {

std::shared_ptr<const Tracers::Listener> Tracers::add(Listener listener) {
  auto added = std::make_shared<const Listener>(std::move(listener));
  listeners_.push_back(added);
  return added;
}

void Tracers::tell(const engine::ContainerRecord& container, std::string what, int64_t begin_us, std::string note,
                   bool failed) {
  const engine::Span span{"Container " + container.name, std::move(what), begin_us,
                          engine::trace_clock_us(),      std::move(note), failed};
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  for (const auto& listener : listeners_) {
    if (auto hears = listener.lock()) (*hears)(container, span);
  }
}

}  // namespace berth::supervise
