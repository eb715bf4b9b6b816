// `images` is Compose's: what the project's containers were made from.

#include <fmt/core.h>

#include <memory>

#include "base/clock.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/image_commands.h"
#include "cli/project.h"
#include "cli/sizes.h"
#include "cli/table.h"
#include "engine/json.h"
#include "images/reference.h"
#include "images/store.h"

namespace berth::cli {
namespace {

using Json = nlohmann::ordered_json;

struct ComposeImagesFlags {
  std::vector<std::string> services;
  std::string format = "table";
  bool quiet = false;
};

struct Row {
  std::string container, repository, tag, id, platform, created;
  uint64_t size = 0;
};

/// The image that a container was made from, whatever its name stands for by now. One that is gone from the store is
/// shown by what the container knows of it.
Row row(const images::Store& store, const engine::Container& container) {
  Row row{container.record.name, "<none>", "<none>", container.record.image_id, "", "", 0};
  Result<images::Image> image = store.resolve(container.record.image_id);
  std::string name;
  if (image) {
    Result<images::Reference> wanted = images::parse_reference(container.record.config.image);
    for (const std::string& one : image->names) {
      if (name.empty() || (wanted && one == wanted->name())) name = one;
    }
    row.platform = image->config.os + "/" + image->config.architecture;
    if (!image->config.variant.empty()) row.platform += "/" + image->config.variant;
    row.size = image->size;
    row.created = image->created;
  }
  ShownName shown = shown_name(name);
  row.repository = shown.repository;
  row.tag = shown.tag;
  return row;
}

void print(const std::vector<Row>& rows, const ComposeImagesFlags& flags) {
  if (flags.quiet) {
    std::set<std::string> seen;
    for (const Row& one : rows) {
      if (seen.insert(one.id).second) fmt::print("{}\n", one.id.substr(one.id.find(':') + 1));
    }
  } else if (flags.format == "json") {
    Json list = Json::array();
    for (const Row& one : rows) {
      list.push_back({{"ID", one.id},
                      {"ContainerName", one.container},
                      {"Repository", one.repository},
                      {"Tag", one.tag},
                      {"Platform", one.platform},
                      {"Size", one.size},
                      {"Created", one.created},
                      {"LastTagTime", "0001-01-01T00:00:00Z"}});
    }
    fmt::print("{}\n", list.dump(-1, ' ', false, Json::error_handler_t::replace));
  } else {
    std::vector<std::vector<std::string>> cells;
    for (const Row& one : rows) {
      cells.push_back({one.container, one.repository, one.tag, one.platform, one.id.substr(one.id.find(':') + 1, 12),
                       size_text(one.size)});
    }
    fmt::print("{}", render_table({"CONTAINER", "REPOSITORY", "TAG", "PLATFORM", "IMAGE ID", "SIZE"}, cells));
  }
}

int run(const Context& context, const ComposeImagesFlags& flags) {
  std::optional<engine::Selection> selection = select(context, flags.services);
  if (!selection) return 1;
  Result<images::Store> store = images::Store::open(context.paths);
  if (!store) return report(context, std::move(store).error());
  engine::Observed observed = engine::StateStore(context.paths).observe();
  std::vector<Row> rows;
  for (const engine::Container* container : engine::select(observed, *selection))
    rows.push_back(row(*store, *container));
  print(rows, flags);
  return 0;
}

}  // namespace

void add_compose_images(Command app, Context& context) {
  auto flags = std::make_shared<ComposeImagesFlags>();
  Command command = app.add_command("images", "List images used by the created containers");
  command.option("SERVICE", flags->services, "Services; all if none is named");
  command.option("--format", flags->format, "Format the output").one_of({"table", "json"});
  command.flag("-q,--quiet", flags->quiet, "Only display IDs");
  command.dry_runs(context);
  command.runs(context, [&context, flags] { return run(context, *flags); });
}

}  // namespace berth::cli
