// `inspect` of whatever has the name, and `container inspect`.

#include <memory>
#include <optional>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/container_choice.h"
#include "cli/container_commands.h"
#include "cli/container_json.h"
#include "cli/image_commands.h"
#include "cli/inspect.h"
#include "cli/network_commands.h"
#include "cli/project.h"
#include "cli/volume_commands.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct InspectFlags {
  std::vector<std::string> names;
  std::string format, type;
  bool size = false;
};

Result<Json> find_container_json(const Context& context, const std::string& name, bool size) {
  const engine::Observed observed = engine::StateStore(context.paths).observe();
  BERTH_TRY(const engine::Container container, find_container(observed, name));
  Result<images::Store> store = images::Store::open(context.paths);
  std::optional<images::Image> image;
  if (store) {
    if (Result<images::Image> found = store->resolve(container.record.image_id)) image = std::move(*found);
  }
  return container_json(container, {context.paths, observed, image ? &image->config : nullptr, size});
}

Result<Json> find_anything(const Context& context, const std::string& name, const InspectFlags& flags) {
  using Find = std::function<Result<Json>()>;
  const std::vector<std::pair<std::string, Find>> kinds = {
      {"container", [&] { return find_container_json(context, name, flags.size); }},
      {"image", [&] { return image_json(context, name); }},
      {"network", [&] { return network_json(context, name); }},
      {"volume", [&] { return volume_json(context, name); }}};
  for (const auto& [type, find] : kinds) {
    if (!flags.type.empty() && flags.type != type) continue;
    Result<Json> found = find();
    if (found || flags.type == type) return found;
  }
  if (!flags.type.empty())
    return make_error("\"" + printable(flags.type) + "\" is not a valid value for --type",
                      "expected container, image, network or volume");
  return make_error("No such object: " + printable(name));
}

}  // namespace

void add_inspect(Command app, Context& context) {
  auto flags = std::make_shared<InspectFlags>();
  Command command = app.add_command("inspect", "Return low-level information on berth objects");
  command.option("NAME|ID", flags->names, "Containers, images, networks, volumes").required();
  command.option("-f,--format", flags->format, "json, or a Go template");
  command.flag("-s,--size", flags->size, "Display total file sizes if the type is container");
  command.option("--type", flags->type, "Only objects of this type: container, image, network, volume");
  command.runs(context, [&context, flags] {
    return show_objects(context, flags->names, flags->format,
                        [&](const std::string& name) { return find_anything(context, name, *flags); });
  });
}

void add_container_inspect(Command noun, Context& context) {
  auto flags = std::make_shared<InspectFlags>();
  Command command = noun.add_command("inspect", "Display detailed information on one or more containers");
  command.option("CONTAINER", flags->names, "Names or ids").required();
  command.option("-f,--format", flags->format, "json, or a Go template");
  command.flag("-s,--size", flags->size, "Display total file sizes");
  command.runs(context, [&context, flags] {
    return show_objects(context, flags->names, flags->format,
                        [&](const std::string& name) { return find_container_json(context, name, flags->size); });
  });
}

}  // namespace berth::cli
