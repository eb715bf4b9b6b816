#include "supervise/containers.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "engine/record.h"
#include "engine/run_spec.h"
#include "runtime/cgroup_leftovers.h"

namespace berth::supervise {
namespace {

/// Trees of images that are mounted; those that were taken over from another container have theirs.
Status find_images(const images::Store& images, std::vector<engine::MountConfig>& mounts) {
  for (engine::MountConfig& mount : mounts) {
    if (mount.type != "image" || !mount.layers.empty()) continue;
    Result<images::Image> image = images.resolve(mount.source);
    if (!image) {
      Status failed = std::move(image).error();
      return mount.place.empty() ? std::move(failed) : std::move(failed).context("{}", mount.place);
    }
    if (image->layer_dirs.empty()) return make_error(fmt::format("image {} is empty", printable(mount.source)));
    mount.image_id = image->id.str();
    mount.layers = image->layer_dirs;
  }
  return {};
}

}  // namespace

bool Containers::busy() const {
  return std::any_of(containers_.begin(), containers_.end(), [](const auto& entry) {
    const Managed& c = *entry.second;
    return c.live.alive() || c.starting || c.live.status == engine::Status::restarting;
  });
}

ContainerPtr Containers::find(const std::string& id) const {
  auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : found->second;
}

Result<ContainerPtr> Containers::create(const engine::Stack& stack, const engine::ServiceConfig& service,
                                        const engine::CreateContainer& action, const engine::Lenders& lenders) {
  auto in_context = [&](Error error) {
    if (!service.image_place.empty()) error.context.push_back(service.image_place);
    if (!stack.project.empty()) error.context.push_back(fmt::format("service \"{}\"", service.name));
    return error;
  };
  Result<images::Store> images = images::Store::open(parts_.store.paths());
  if (!images) return in_context(std::move(images).error());
  // The image must not be pruned before the record says that it is used.
  Result<sys::FileLock> names = images->hold_names();
  if (!names) return in_context(std::move(names).error());
  Result<images::Image> image = images->resolve(service.container.image);
  if (!image) return in_context(std::move(image).error());
  ContainerPtr replaced = find(action.replaces);
  Result<engine::ContainerRecord> record =
      engine::make_record(stack, service, action, *image, lenders, replaced == nullptr ? nullptr : &replaced->record);
  if (!record) return in_context(std::move(record).error());
  if (Status known = find_images(*images, record->mounts); !known) return in_context(std::move(known).error());
  // Two projects that come up at once both planned before either had it.
  for (const auto& [id, other] : containers_) {
    bool own = !record->project.empty() && other->record.project == record->project;
    if (other->record.name == record->name && !own) return in_context(engine::name_in_use(other->record));
  }
  auto container = std::make_shared<Managed>(parts_.io.get_executor(), std::move(record).value());
  container->live.boot_id = sys::boot_id();
  if (Status written = parts_.store.write(container->record); !written) return in_context(std::move(written).error());
  containers_[container->record.id] = container;
  tell(*container, "create");
  parts_.networks.declare(container->record);
  return container;
}

Task<void> Containers::reserve_ports(ContainerPtr container) {
  Status reserved = co_await parts_.networks.reserve_ports(container->record, container->live);
  const engine::ContainerRecord& record = container->record;
  if (record.project.empty()) co_return std::move(reserved).context("container {}", record.name);
  co_return std::move(reserved).context("service \"{}\"", record.service);
}

void Containers::write_down(const ContainerPtr& container) {
  // A state that cannot be written (disk full) is still right in memory, and the kernel's truth wins at the next start.
  (void)parts_.store.write(container->record.id, container->live);
  container->changed.notify();
}

Task<void> Containers::remove(ContainerPtr container, bool anonymous_volumes) {
  if (container->live.alive())
    co_return make_error("container " + container->record.name + " is running", "stop it first");
  container->removing = true;
  container->restart_timer.cancel();
  parts_.networks.release(container->record, container->live, false);
  parts_.keeper.forget_pump(container->record.id);
  container->changed.notify();
  const engine::StateStore& store = parts_.store;
  std::string id = container->record.id;
  std::vector<std::string> volumes =
      anonymous_volumes ? container->record.anonymous_volumes : std::vector<std::string>();
  // Others may have taken them over (volumes_from).
  std::erase_if(volumes, [&](const std::string& name) {
    return std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) {
      const std::vector<std::string>& taken = entry.second->record.anonymous_volumes;
      bool stays = entry.first != id && !entry.second->removing;
      return stays && std::find(taken.begin(), taken.end(), name) != taken.end();
    });
  });
  const runtime::Host& host = parts_.host;
  std::string cgroup = engine::cgroup_path(store.paths(), container->record);
  std::function<Status()> work = [&store, &host, id, cgroup, volumes]() -> Status {
    // A supervisor that was killed may have left a process that no file names, and groups half removed.
    BERTH_TRY_OK(runtime::clear_cgroup(host.cgroups(), cgroup));
    // The record goes last: it is what leads to the rest.
    BERTH_TRY(volumes::VolumeStore all, volumes::VolumeStore::open(store.paths()));
    for (const std::string& name : volumes) BERTH_TRY_OK(all.remove(name));
    return store.remove_container(id);
  };
  Status removed = co_await on_pool<void>(parts_.pool, std::move(work));
  if (!removed) {
    container->removing = false;
    co_return std::move(removed).context("container {}", container->record.name).error();
  }
  containers_.erase(id);
  tell(*container, "destroy");
  container->changed.notify();
  std::string project = container->record.project;
  bool last = std::none_of(containers_.begin(), containers_.end(),
                           [&](auto& e) { return e.second->record.project == project; });
  if (last) parts_.networks.undeclare(project);
  co_return Status();
}

Result<sys::UniqueFd> Containers::console(const std::string& id) const {
  std::vector<sys::UniqueFd> stored = parts_.keeper.stored("tty/" + id);
  if (stored.empty()) return make_error("the container does not run, or has no terminal");
  return std::move(stored.front());
}

void Containers::wake_all() {
  for (auto& [id, container] : containers_) container->changed.notify();
}

}  // namespace berth::supervise
