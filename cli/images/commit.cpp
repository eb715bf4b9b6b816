#include "images/commit.h"

#include <fcntl.h>
#include <fmt/core.h>

#include "base/text.h"
#include "cli/container_choice.h"
#include "cli/images/commands.h"
#include "engine/commit.h"
#include "engine/run_spec.h"
#include "images/changes.h"
#include "runtime/cgroup.h"
#include "sys/cleanup_process.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

/// The container stands still while this lives, and goes on even if we are killed.
Result<sys::CleanupProcess> freeze(const Context& context, const engine::Container& container) {
  BERTH_TRY(runtime::CgroupMounts mounts, runtime::CgroupMounts::discover());
  BERTH_TRY(runtime::Cgroup cgroup,
            runtime::Cgroup::open(mounts, engine::cgroup_path(context.paths, container.record)));
  BERTH_TRY(sys::CleanupProcess thawing, sys::CleanupProcess::start([&] {
              (void)cgroup.thaw();  // nobody is there to be told; the container may have ended
            }));
  BERTH_TRY_OK(cgroup.freeze());
  return thawing;
}

Result<images::CommitRequest> request_for(const images::Store& store, const engine::ContainerRecord& record,
                                          const CommitFlags& flags) {
  BERTH_TRY(images::Image base, store.resolve(record.image_id));
  images::CommitRequest request{base.id,      engine::committed_config(record, base.config),
                                flags.image,  join(record.args, " "),
                                flags.author, flags.message};
  BERTH_TRY_OK(images::apply_changes(request.config, flags.changes));
  return request;
}

}  // namespace

Status commit(const Context& context, const CommitFlags& flags) {
  BERTH_TRY(engine::Container container, find_container(context, flags.container));
  const engine::ContainerRecord& record = container.record;
  BERTH_TRY(images::Store store, images::Store::open(context.paths));
  BERTH_TRY(images::CommitRequest request, request_for(store, record, flags));
  std::string upper = context.paths.container(record.id) + "/upper";
  BERTH_TRY_OK(sys::make_dirs(upper, 0755));  // a container that never ran has changed nothing
  BERTH_TRY(sys::UniqueFd fd, sys::open_file(upper, O_RDONLY | O_DIRECTORY));
  std::optional<sys::CleanupProcess> paused;
  if (flags.pause && container.live.status == engine::Status::running) {
    BERTH_TRY(sys::CleanupProcess thawing, freeze(context, container).context("pause {}", record.name));
    paused.emplace(std::move(thawing));
  }
  BERTH_TRY(images::Image image, images::commit_layer(store, fd.ref(), request).context("commit {}", record.name));
  fmt::print("{}\n", image.id.str());
  return {};
}

}  // namespace berth::cli
