// The `volume` noun: what its commands have in common, `create` and `rm`.

#include "cli/volume_commands.h"

#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "cli/prune.h"
#include "sys/file.h"

namespace berth::cli {
namespace {

struct CreateFlags {
  std::string name, driver = "local";
  std::vector<std::string> labels, options;
};

struct VolumeRemoveFlags {
  std::vector<std::string> volumes;
  bool force = false;
};

Status create(const Context& context, const CreateFlags& flags) {
  volumes::VolumeRequest request{flags.name, flags.driver, pairs_of(flags.options), pairs_of(flags.labels)};
  if (request.name.empty()) {
    request.name = sys::random_hex(32);
    request.labels["com.docker.volume.anonymous"] = "";
  }
  BERTH_TRY(volumes::VolumeStore store, volumes::VolumeStore::open(context.paths));
  BERTH_TRY(volumes::Volume made, store.create(request));
  fmt::print("{}\n", made.name);
  return {};
}

Status remove_one(const Context& context, const volumes::VolumeStore& store, const std::string& name, bool force) {
  if (Result<volumes::Volume> found = store.inspect(name); !found)
    return force && found.error().code == ENOENT ? Status() : Status(std::move(found).error());
  // Looked at for each: whoever makes a container has it on record before its volumes are there.
  std::vector<std::string> users;
  for (const engine::Container& container : engine::StateStore(context.paths).observe().containers) {
    if (engine::mounts_volume(container.record, name)) users.push_back(container.record.name);
  }
  if (!users.empty())
    return make_error(fmt::format("volume {} is in use by {}", name, join(users, ", ")),
                      "remove " + std::string(users.size() == 1 ? "that container" : "those containers") + " first");
  return store.remove(name);
}

/// Each that can go goes, whatever becomes of the others.
int remove(const Context& context, const VolumeRemoveFlags& flags) {
  Result<volumes::VolumeStore> store = volumes::VolumeStore::open(context.paths);
  if (!store) return report(context, std::move(store).error());
  if (Status readable = check_records(context); !readable) return report(context, readable);
  int code = 0;
  for (const std::string& name : flags.volumes) {
    if (Status removed = remove_one(context, *store, name, flags.force); !removed) {
      std::fflush(stdout);
      code = report(context, removed);
      continue;
    }
    fmt::print("{}\n", printable(name));
  }
  return code;
}

}  // namespace

std::set<std::string> used_volumes(const engine::Observed& observed) {
  std::set<std::string> used;
  for (const engine::Container& container : observed.containers) {
    for (const engine::MountConfig& mount : container.record.mounts) used.insert(mount.source);
  }
  return used;
}

bool is_anonymous_volume(const std::string& name) {
  return name.size() == 64 && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

void add_volume_create(Command noun, Context& context) {
  auto flags = std::make_shared<CreateFlags>();
  Command command = noun.add_command("create", "Create a volume");
  command.option("VOLUME", flags->name, "Name; without one it is an id");
  command.option("-d,--driver", flags->driver, "Volume driver: local");
  command.option("--label", flags->labels, "Label NAME=VALUE");
  command.option("-o,--opt", flags->options, "Option of the driver: type=, o=, device=");
  command.runs(context, [&context, flags] { return report(context, create(context, *flags)); });
}

void add_volumes(Command app, Context& context) {
  Command volume = app.noun("volume");
  add_volume_create(volume, context);
  add_volume_inspect(volume, context);
  add_volume_ls(volume, context);
  add_volume_prune(volume, context);
  auto flags = std::make_shared<VolumeRemoveFlags>();
  Command command = volume.add_command("rm", "Remove one or more volumes").alias("remove");
  command.option("VOLUME", flags->volumes, "Names").required();
  command.flag("-f,--force", flags->force, "Do not error if the volume does not exist");
  command.runs(context, [&context, flags] { return remove(context, *flags); });
  add_compose_volumes(app, context);
}

}  // namespace berth::cli
