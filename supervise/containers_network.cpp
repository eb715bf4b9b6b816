// Networks of a container that is there: `network connect` and `disconnect`, and what a crash has left of them.

#include <fmt/core.h>

#include <algorithm>

#include "supervise/containers.h"

namespace berth::supervise {

/// Its record first, so that the networks are right whatever happens next: adopt() finishes what was begun.
Task<void> Containers::change_networks(ContainerPtr container, std::vector<engine::AttachmentConfig> attachments) {
  while (container->starting) co_await container->changed.wait();
  engine::ContainerRecord& record = container->record;
  const std::vector<engine::AttachmentConfig> before = std::exchange(record.config.attachments, std::move(attachments));
  Status changed = parts_.store.write(record);
  if (changed && container->live.alive()) changed = co_await parts_.networks.reconnect(record, container->live);
  if (changed) co_return Status();
  record.config.attachments = before;
  if (Status back = parts_.store.write(record); back && container->live.alive())
    (void)co_await parts_.networks.reconnect(record, container->live);  // the first error is the one to tell
  co_return std::move(changed).context("container {}", record.name).error();
}

Task<void> Containers::connect_network(ContainerPtr container, engine::AttachmentConfig attachment) {
  std::vector<engine::AttachmentConfig> attachments = container->record.config.attachments;
  attachments.push_back(std::move(attachment));
  co_return co_await change_networks(container, std::move(attachments));
}

Task<void> Containers::disconnect_network(ContainerPtr container, std::string network) {
  std::string& mode = container->record.config.network_mode;
  if (network == mode) mode.clear();  // none: there is nothing but the word
  std::vector<engine::AttachmentConfig> attachments = container->record.config.attachments;
  std::erase_if(attachments, [&](const engine::AttachmentConfig& one) { return one.network == network; });
  co_return co_await change_networks(container, std::move(attachments));
}

Work Containers::finish_networks(ContainerPtr container) {
  Status finished = co_await parts_.networks.reconnect(container->record, container->live);
  if (!finished) fmt::print(stderr, "berth-supervisor: {}: {}\n", container->record.name, finished.error().message());
}

}  // namespace berth::supervise
