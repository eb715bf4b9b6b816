#include "cli/doctor/owners.h"

#include <algorithm>

#include "sys/file.h"
#include "sys/lock.h"

namespace berth::cli::doctor {
namespace {

void disown(Thing& thing, Standing standing, std::string why) {
  thing.standing = standing;
  thing.why = std::move(why);
}

bool is_held(const std::string& lock) {
  if (!sys::exists(lock)) return false;
  Result<sys::FileLock> taken = sys::FileLock::try_acquire(lock);
  return !taken && taken.error().code == EWOULDBLOCK;
}

}  // namespace

Owners Owners::read(const sys::Paths& paths) {
  Owners owners;
  owners.paths_ = paths;
  owners.attended_ = is_held(paths.run + "/keeper.lock");  // by the keeper, for life
  owners.building_ = is_held(paths.root + "/build/lock");  // by each build
  owners.observed_ = engine::StateStore(paths).observe();
  return owners;
}

const engine::Container* Owners::container(const std::string& id) const {
  auto found = std::ranges::find_if(observed_.containers, [&](const auto& each) { return each.record.id == id; });
  return found == observed_.containers.end() ? nullptr : &*found;
}

const engine::Container* Owners::container_on(const std::string& host_interface) const {
  for (const engine::Container& container : observed_.containers) {
    for (const engine::EndpointState& endpoint : container.live.endpoints) {
      if (endpoint.host_interface == host_interface) return &container;
    }
  }
  return nullptr;
}

const engine::NetworkRecord* Owners::network_with(const std::string& interface) const {
  auto found = std::ranges::find_if(observed_.networks, [&](const auto& each) { return each.bridge == interface; });
  return found == observed_.networks.end() ? nullptr : &*found;
}

bool Owners::in_use(const std::string& volume) const {
  return std::ranges::any_of(observed_.containers, [&](const engine::Container& container) {
    return container.live.alive() && engine::mounts_volume(container.record, volume);
  });
}

/// True if there is no record of that container that can be read.
bool Owners::judge_unknown(Thing& thing, const std::string& id) const {
  if (const engine::Container* owner = container(id)) {
    thing.owner = "container " + owner->record.name;
    return false;
  }
  if (sys::exists(paths_.container(id) + "/config.json"))
    disown(thing, Standing::uncertain, "the record of its container cannot be read");
  else
    disown(thing, Standing::leftover, "no container of that id is on record");
  return true;
}

void Owners::judge_running(Thing& thing, const std::string& id) const {
  if (judge_unknown(thing, id)) return;
  const engine::Container* owner = container(id);
  if (owner->live.alive() || attended_) return;
  disown(thing, Standing::leftover, thing.owner + " does not run");
  thing.owner.clear();
}

void Owners::judge_build(Thing& thing) const {
  if (building_)
    thing.owner = "build";
  else
    disown(thing, Standing::leftover, "no build is under way");
}

void Owners::judge_existing(Thing& thing, const std::string& id) const {
  if (!judge_unknown(thing, id) || thing.standing != Standing::leftover || !attended_) return;
  disown(thing, Standing::uncertain, "no record yet, or no more: a command may be at work");
}

void Owners::judge_helpers(Thing& thing) const {
  bool needed = attended_ || building_ || std::ranges::any_of(observed_.containers, [](const engine::Container& each) {
                  return each.live.alive() || each.live.ending() || each.live.status == engine::Status::restarting;
                });
  if (needed)
    thing.owner = "berth";
  else
    disown(thing, Standing::leftover, "no keeper, container or build lives");
}

void Owners::judge_networks(Thing& thing) const {
  if (attended_ || !observed_.networks.empty())
    thing.owner = "networks";
  else
    disown(thing, Standing::leftover, "no network is on record");
}

}  // namespace berth::cli::doctor
