// One container takes the place of another: its name, its published ports, the names it answers to.

#include "supervise/containers.h"

namespace berth::supervise {
namespace {

/// How long what was sent to the old container before the hand-over may take to be accepted there: a name that was
/// looked up, a connection that waits in a backlog.
constexpr auto kOnTheWay = std::chrono::milliseconds(500);

}  // namespace

Status Containers::rename(const ContainerPtr& container, const ContainerPtr& other, const std::string& name) {
  const std::string before = std::exchange(container->record.name, name);
  // First the name that people use: should we be killed between the two, there are two of it and not none.
  BERTH_TRY_OK(parts_.store.write(container->record));
  if (other != nullptr && before != name) {
    other->record.name = before;
    BERTH_TRY_OK(parts_.store.write(other->record));
    parts_.networks.answer_to(other->record, other->live);
  }
  parts_.networks.answer_to(container->record, container->live);
  if (before != name) tell(*container, "rename", {{"oldName", before}});
  return {};
}

Task<void> Containers::hand_over(ContainerPtr from, ContainerPtr to) {
  if (!to->live.alive()) co_return make_error("container " + to->record.name + " does not run");
  BERTH_CO_TRY_OK(co_await parts_.networks.hand_over(from->record, from->live, to->record, to->live));
  to->ports_later = false;
  write_down(to);
  if (!from->live.alive()) co_return Status();
  write_down(from);
  asio::steady_timer on_the_way(parts_.io, kOnTheWay);
  (void)co_await on_the_way.async_wait(kAwait);
  co_return Status();
}

}  // namespace berth::supervise
